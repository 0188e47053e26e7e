"""`doctor`: check this machine and the files of a lake."""
