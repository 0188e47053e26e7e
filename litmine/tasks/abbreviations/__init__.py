"""The task `abbreviations`: the short forms that a text defines, by rules."""
