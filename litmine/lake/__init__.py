"""The lake: a folder of immutable Parquet files, what is left to do on them, and SQL over them."""
