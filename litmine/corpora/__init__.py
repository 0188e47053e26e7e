"""Annotated corpora: the registry of known ones, their download and formats, and leaks between splits."""
