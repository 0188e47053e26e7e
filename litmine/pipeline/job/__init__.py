"""Jobs: what a team leaves running, declared in a file and done step by step; doing one again is always right."""
