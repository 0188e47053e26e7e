"""A toy task: the chemicals and diseases that stand in one text, near each other."""
