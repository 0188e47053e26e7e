"""Question answering: what a text says to a question."""
