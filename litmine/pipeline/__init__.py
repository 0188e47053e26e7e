"""One use case a file: fetch, import, annotate, answer, compact, export, status, doctor, and jobs made of them."""
