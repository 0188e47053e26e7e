"""Whether this machine is fit for litmine, and a lake is what was written."""
