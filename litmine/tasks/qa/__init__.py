"""Question answering: spans of a text that answer a question, and yes or no."""
