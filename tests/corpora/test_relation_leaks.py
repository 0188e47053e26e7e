"""`relation_leaks`: an evaluation split's articles and texts are removed from other corpora."""

from pathlib import Path

from litmine.corpora.document_checks import CorpusReport
from litmine.corpora.documents import AnnotatedDocument, AnnotatedEntity
from litmine.corpora.relation_corpus import RelationCorpus
from litmine.corpora.relation_declarations import DECLARATIONS
from litmine.corpora.relation_leaks import without_leaks

LONG = "A long sentence on a drug and on what happened to the patient who took it in the spring"


def corpus(name: str, **texts: str) -> RelationCorpus:
    mention = (AnnotatedEntity(0, 1, "Chemical"),)
    documents = tuple(AnnotatedDocument(key[1:].replace("x", "-"), text, mention) for key, text in texts.items())
    return RelationCorpus(name, Path(name), documents, DECLARATIONS.get(name), CorpusReport())


def test_articles_and_texts_of_the_split_are_removed() -> None:
    train = corpus("ADE", n1x1="First.", n1x2="Second, of the same article.", n2x1=LONG, n3x1="Third.", n4x1="First.")
    split = [corpus("BC5CDR", n1="Another text of article one."), corpus("GAD", ns3=f"{LONG.upper()}, and more")]
    kept, removed = without_leaks(train, split)
    assert [one.identifier for one in kept.documents] == ["3-1", "4-1"]
    assert [(one.index, one.other, one.by) for one in removed] == [
        (0, "BC5CDR dev", "PMID"), (1, "BC5CDR dev", "PMID"), (2, "GAD dev", "inside"),
    ]  # fmt: skip
    assert (kept.name, len(train.documents)) == ("ADE", 5)


def test_line_numbers_are_no_articles() -> None:
    train = corpus("GAD", n1xs3="One.", ns4="Two.")
    kept, removed = without_leaks(train, [corpus("EU-ADR", n1xs3="Three.", ns4="Four."), corpus("BC5CDR", n1="Five.")])
    assert kept == train
    assert removed == []
