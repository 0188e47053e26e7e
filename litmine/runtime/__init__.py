"""Run work: on this machine, in processes that share a GPU, or on a Ray cluster."""
