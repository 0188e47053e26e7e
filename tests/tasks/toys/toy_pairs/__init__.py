"""A toy task: pairs of a chemical and a disease near each other in one text."""
