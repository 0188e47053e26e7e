"""A local E-utilities server for tests and `litmine rehearse`: it behaves, and fails, like PubMed."""
