"""Relations between mentions or identifiers: pairs to judge, and scores."""
