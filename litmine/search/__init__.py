"""From a question to the articles that may answer it: BM25 over the current articles, in an index beside them."""
