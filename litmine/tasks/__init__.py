"""The tasks: each has a folder with its model, training and evaluation. `contract` is the interface to the workers."""
