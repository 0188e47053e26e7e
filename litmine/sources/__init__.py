"""Read articles from PubMed's E-utilities, PubMed XML, JSON Lines and PubTator, and questions from files."""
