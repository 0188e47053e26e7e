"""Models: from a reference to a tagger that turns texts into entities."""
