"""One page about a lake, to read, print and send."""
