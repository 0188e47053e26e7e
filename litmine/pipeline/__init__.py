"""The use cases of litmine: fetch, import, annotate, answer, compact, export, status, doctor, and jobs of these."""
