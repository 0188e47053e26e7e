"""Networks and what they read, whatever the task."""
