"""Output formats: query results as CSV, JSON, JSON lines and Parquet; articles as PubTator, BioC and JSON lines."""
