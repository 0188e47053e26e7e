"""Annotated text: the corpora that are known by name, their formats, and leaks between their splits."""
