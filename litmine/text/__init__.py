"""Functions on texts without models: sentence splitting, windows over long texts, and tags to spans."""
