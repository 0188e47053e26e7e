"""Evidence for a pair of concepts: a sentence that has both, and what relations the lake has between them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from litmine.lake.lake import Lake
from litmine.lake.sql_text import sql_string
from litmine.text.sentences import split_sentences

# A sentence of this many code points reads well; shorter and longer ones are worse.
_GOOD_LENGTH = 160
# So many articles of a pair are read.
MAX_ARTICLES = 8


class Evidence(NamedTuple):
    """What the lake has on a pair.

    pmid: the article. sentence: a sentence of it with both concepts, or the title where none has. relation: what the
    lake's relations say of the two, empty for nothing.
    """

    pmid: int | None
    sentence: str
    relation: str


@dataclass(frozen=True, slots=True)
class PairArticles:
    """Two concepts, each a set of identifiers, and articles that have both."""

    first: frozenset[str]
    second: frozenset[str]
    pmids: Sequence[int]


def find_evidence(lake: Lake, pairs: Sequence[PairArticles], until: int | None) -> list[Evidence]:
    """Evidence for each pair. Raises LakeError for a damaged file."""
    pmids = sorted({pmid for pair in pairs for pmid in pair.pmids})
    if not pmids:
        return [Evidence(None, "", "") for _ in pairs]
    listed = f"pmid IN (SELECT unnest([{', '.join(map(str, pmids))}]::BIGINT[]))"
    texts = {
        pmid: (title, text) for pmid, title, text in lake.rows(f"SELECT pmid, title, text FROM articles WHERE {listed}")
    }
    mentions: dict[int, list[tuple[int, int, frozenset[str]]]] = defaultdict(list)
    query = f"SELECT pmid, start_char, end_char, identifier FROM entities WHERE {listed} AND identifier IS NOT NULL"
    for pmid, start, end, identifier in lake.rows(query):
        mentions[pmid].append((start, end, frozenset(identifier.split("|"))))
    sentences = {pmid: list(split_sentences(text)) for pmid, (_, text) in texts.items()}
    relations = _relations(lake, {one for pair in pairs for one in pair.first | pair.second}, until)
    found = []
    for pair in pairs:
        best = min(
            (_best_sentence(pair, pmid, texts, mentions, sentences) for pmid in pair.pmids if pmid in texts),
            default=None,
        )
        related = _relation_text(pair, relations)
        found.append(Evidence(None, "", related) if best is None else Evidence(best[1], best[2], related))
    return found


def _best_sentence(
    pair: PairArticles,
    pmid: int,
    texts: Mapping[int, tuple[str | None, str]],
    mentions: Mapping[int, Sequence[tuple[int, int, frozenset[str]]]],
    sentences: Mapping[int, Sequence[tuple[int, int]]],
) -> tuple[float, int, str]:
    """How bad the best sentence of an article is (less is better), the article, and the sentence."""
    title, text = texts[pmid]
    options = []
    for start, end in sentences[pmid]:
        inside = [one for one in mentions.get(pmid, ()) if start <= one[0] < end]
        firsts = [one for one in inside if one[2] & pair.first]
        seconds = [one for one in inside if one[2] & pair.second]
        # One mention with both identifiers says nothing of the two.
        if any(one[:2] != other[:2] for one in firsts for other in seconds):
            options.append((abs(end - start - _GOOD_LENGTH), pmid, text[start:end]))
    return min(options, default=(1e9, pmid, title or text[:300]))


def _relations(lake: Lake, identifiers: Iterable[str], until: int | None) -> dict[tuple[str, str], dict[str, int]]:
    """The articles that assert a relation, by subject, object and relation type, between these concepts."""
    if not any(one.task == "relations" for one in lake.active_models()):
        return {}
    listed = f"(SELECT unnest([{', '.join(map(sql_string, sorted(identifiers)))}]))"
    year = "" if until is None else f" AND year <= {until}"
    rows = lake.rows(f"""
        SELECT subject_id, object_id, relation_type, count(DISTINCT pmid) FROM document_relations
        WHERE asserted AND NOT coalesce(retracted, false) AND subject_id IN {listed} AND object_id IN {listed}{year}
        GROUP BY ALL""")
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for subject, target, kind, articles in rows:
        found[subject, target][kind] = articles
    return found


def _relation_text(pair: PairArticles, relations: Mapping[tuple[str, str], Mapping[str, int]]) -> str:
    """`inhibits (3)`, and with an arrow back where the second concept is the subject: `<- causes (1)`."""
    forward = _counted(pair.first, pair.second, relations)
    backward = _counted(pair.second, pair.first, relations)
    return "; ".join(
        [f"{kind} ({number})" for kind, number in forward] + [f"<- {kind} ({number})" for kind, number in backward]
    )


def _counted(
    subjects: Collection[str], objects: Collection[str], relations: Mapping[tuple[str, str], Mapping[str, int]]
) -> list[tuple[str, int]]:
    total: dict[str, int] = defaultdict(int)
    for subject in subjects:
        for target in objects:
            for kind, number in relations.get((subject, target), {}).items():
                total[kind] += number
    return sorted(total.items(), key=lambda one: (-one[1], one[0]))
