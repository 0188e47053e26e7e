"""Names and identifiers of diseases, chemicals, genes, species and cell lines, and how to look them up."""

from litmine.vocabulary.catalogue import open_vocabulary
from litmine.vocabulary.normalise import Agreement, agreement, normalise
from litmine.vocabulary.vocabulary import Match, Names, Vocabulary

__all__ = ["Agreement", "Match", "Names", "Vocabulary", "agreement", "normalise", "open_vocabulary"]
