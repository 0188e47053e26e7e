"""What leaves a lake for other tools: files written whole, and documents in the forms that those tools read."""
