"""Work: which parts a model has yet to read, and the workers that read them."""
