"""The formats of annotated corpora, each from a file to passages."""
