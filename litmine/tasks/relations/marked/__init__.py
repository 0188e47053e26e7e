"""Relation models that read one marked pair at a time: classifiers of texts, all of whose layers are trained."""
