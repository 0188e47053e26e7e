"""NCBI's E-utilities: questions over HTTP that may fail in every way, to PMIDs and sets of records that are whole."""
