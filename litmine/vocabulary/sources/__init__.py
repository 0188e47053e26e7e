"""Readers of the files that publishers of vocabularies offer, a form each."""
