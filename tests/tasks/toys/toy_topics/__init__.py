"""A toy task: a score for each text."""
