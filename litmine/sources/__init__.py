"""Readers of record sources: PubMed's E-utilities, PubMed XML, JSON Lines, PubTator, and files of questions."""
