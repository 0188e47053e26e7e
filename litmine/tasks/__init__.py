"""One folder a task: its model, what a worker does with it, and how it is trained and judged."""
