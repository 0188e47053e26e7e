"""An E-utilities server for tests and for `rehearse`: it behaves, and fails, like PubMed."""
