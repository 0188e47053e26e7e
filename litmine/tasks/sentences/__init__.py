"""The task `sentences`: the sentences of each text, by rules."""
