"""Article retrieval: a BM25 index over a lake's current articles, stored in the lake's folder `search`."""
