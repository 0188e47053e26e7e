"""Training: corpora in, a model folder out."""
