"""A toy task: words that matter."""
