"""Where records come from: each source turns bytes of its own into articles and deletions."""
