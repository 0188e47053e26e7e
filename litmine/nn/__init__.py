"""Neural networks for every task: tokens, batches, the shared encoder (trunk) and its kernels, model folders."""
