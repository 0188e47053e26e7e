"""Classification: labels of texts and of their sentences."""
