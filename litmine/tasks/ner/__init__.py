"""Named entity recognition: the mentions of entities in a text."""
