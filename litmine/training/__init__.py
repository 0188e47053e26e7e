"""Training, whatever the loss."""
