"""Readers of document formats, one module a format; each yields raw documents."""
