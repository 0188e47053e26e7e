"""Texts and offsets: windows over long texts, tags to spans."""
