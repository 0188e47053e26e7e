"""The command line: a command opens, calls, prints. stdout is data, stderr is talk."""
