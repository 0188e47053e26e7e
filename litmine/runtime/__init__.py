"""Execution: workers, the processes they run in, and Ray."""
