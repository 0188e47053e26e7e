"""A toy task: a score for each word."""
