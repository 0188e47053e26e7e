"""Client for NCBI's E-utilities: searches PubMed for PMIDs and fetches complete sets of records despite failures."""
