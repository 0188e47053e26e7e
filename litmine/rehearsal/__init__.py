"""An E-utilities server of litmine's own that behaves, and misbehaves, as PubMed's does: for tests and rehearsals."""
