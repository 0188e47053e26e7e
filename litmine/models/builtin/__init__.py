"""The models that ship inside the package."""
