"""A toy task: how much a text is about something."""
