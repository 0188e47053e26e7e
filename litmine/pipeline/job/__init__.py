"""Jobs: steps that bring a lake up to date, declared in a TOML file, that can be repeated after any failure."""
