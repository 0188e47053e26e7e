"""How readers are made and judged."""
