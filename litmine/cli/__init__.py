"""The command line. Each command opens the lake, calls the pipeline and prints: data to stdout, messages to stderr."""
