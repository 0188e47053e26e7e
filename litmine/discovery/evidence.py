"""Evidence for a pair of concepts: sentences of an article that name both, and the lake's relations between them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from litmine.lake.lake import Lake
from litmine.lake.sql_text import sql_string
from litmine.text.sentences import split_sentences

# A sentence of this many code points reads well; shorter and longer ones are worse.
_GOOD_LENGTH = 160
# Of an article without a title, so many code points are shown.
_MOST_SHOWN = 300


NamedIn = Literal["one sentence", "two sentences", "one mention", "headings"]
# How good evidence is, the best first.
_NAMED_IN: tuple[NamedIn, ...] = get_args(NamedIn)
# Stands between two sentences that do not follow each other.
LEFT_OUT = " [...] "


class Evidence(NamedTuple):
    """What the lake has on a pair.

    pmid: the article. sentence: what it says. named_in: what the sentence is: `one sentence` names both; of `two
    sentences`, joined by `[...]`, each names one, since none names both; `one mention` stands for both, such as
    BRCA1/2; with `headings`, the text does not name both, which are headings of the record, and the sentence names one
    or is the title. Empty without an article. named_as: the words there that name the first and the second concept,
    joined by ` | `, empty for a heading. relation: what the lake's relations say of the two, empty for nothing.
    """

    pmid: int | None = None
    sentence: str = ""
    named_in: str = ""
    named_as: str = ""
    relation: str = ""


@dataclass(frozen=True, slots=True)
class PairArticles:
    """Two concepts, each a set of identifiers, and articles that have both."""

    first: frozenset[str]
    second: frozenset[str]
    pmids: Sequence[int]


# The articles that assert a relation, by subject and object, and by relation type.
RelationCounts = Mapping[tuple[str, str], Mapping[str, int]]
# Counts them between these concepts, in articles until a year, None for all.
CountRelations = Callable[[Lake, Collection[str], int | None], RelationCounts]


def find_evidence(
    lake: Lake, pairs: Sequence[PairArticles], until: int | None, count: CountRelations | None = None
) -> list[Evidence]:
    """Evidence for each pair; `count` counts the relations, by default `count_relations`.

    Raises LakeError for a damaged file.
    """
    articles = _read_articles(lake, sorted({pmid for pair in pairs for pmid in pair.pmids}))
    relations = (count or count_relations)(lake, {one for pair in pairs for one in pair.first | pair.second}, until)
    found = []
    for pair in pairs:
        best = min((_quote(pmid, articles[pmid], pair) for pmid in pair.pmids if pmid in articles), default=None)
        related = _relation_text(pair, relations)
        if best is None:
            found.append(Evidence(relation=related))
        else:
            rank, _, pmid, sentence, words = best
            found.append(Evidence(pmid, sentence, _NAMED_IN[rank], words, related))
    return found


def _read_articles(lake: Lake, pmids: Sequence[int]) -> "dict[int, _Article]":
    """The texts, with their sentences and linked mentions."""
    if not pmids:
        return {}
    listed = f"pmid IN (SELECT unnest([{', '.join(map(str, pmids))}]::BIGINT[]))"
    texts = {
        pmid: (title, text) for pmid, title, text in lake.rows(f"SELECT pmid, title, text FROM articles WHERE {listed}")
    }
    mentions: dict[int, list[_Mention]] = defaultdict(list)
    query = f"SELECT pmid, start_char, end_char, identifier FROM entities WHERE {listed} AND identifier IS NOT NULL"
    for pmid, start, end, identifier in lake.rows(query):
        mentions[pmid].append(_Mention(start, end, frozenset(identifier.split("|"))))
    return {
        pmid: _Article(title or "", text, list(split_sentences(text)), mentions.get(pmid, ()))
        for pmid, (title, text) in texts.items()
    }


class _Mention(NamedTuple):
    start: int
    end: int
    identifiers: frozenset[str]


class _Article(NamedTuple):
    title: str
    text: str
    sentences: Sequence[tuple[int, int]]
    mentions: Sequence[_Mention]


def _quote(pmid: int, article: _Article, pair: PairArticles) -> tuple[int, int, int, str, str]:
    """The best sentence of an article on a pair.

    Returns its place in `_NAMED_IN`, how badly it reads, the PMID, the sentence, and the words that name the concepts.
    """
    options: list[tuple[int, int, int, str, str]] = []

    def add(named_in: NamedIn, badness: int, sentence: str, first: _Mention | None, second: _Mention | None) -> None:
        words = " | ".join("" if one is None else article.text[one.start : one.end] for one in (first, second))
        options.append((_NAMED_IN.index(named_in), badness, pmid, sentence, words))

    # The best sentences that name the first concept only, and the second one only, each with a mention.
    alone: list[list[tuple[int, int, int, _Mention]]] = [[], []]
    for start, end in article.sentences:
        inside = [one for one in article.mentions if start <= one.start < end]
        firsts = [one for one in inside if one.identifiers & pair.first]
        seconds = [one for one in inside if one.identifiers & pair.second]
        badness = abs(end - start - _GOOD_LENGTH)
        if firsts and seconds:
            # One mention with both identifiers says nothing of the two.
            apart = next(((one, other) for one in firsts for other in seconds if one[:2] != other[:2]), None)
            named_in: NamedIn = "one sentence" if apart else "one mention"
            add(named_in, badness, article.text[start:end], *(apart or (firsts[0], seconds[0])))
        elif firsts or seconds:
            alone[not firsts].append((badness, start, end, (firsts or seconds)[0]))
    bests = [min(some, default=None) for some in alone]
    if bests[0] and bests[1]:
        earlier, later = sorted((bests[0], bests[1]), key=lambda one: one[1])
        between = LEFT_OUT if article.text[earlier[2] : later[1]].strip() else " "
        sentence = f"{article.text[slice(*earlier[1:3])]}{between}{article.text[slice(*later[1:3])]}"
        add("two sentences", earlier[0] + later[0], sentence, bests[0][3], bests[1][3])
    if not options:
        best = bests[0] or bests[1]
        sentence = article.text[slice(*best[1:3])] if best else article.title or article.text[:_MOST_SHOWN]
        add("headings", 0, sentence, *(one and one[3] for one in bests))
    return min(options)


def count_relations(lake: Lake, identifiers: Collection[str], until: int | None) -> RelationCounts:
    """The `RelationCounts` of the lake. Raises LakeError for a damaged file."""
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


def _relation_text(pair: PairArticles, relations: RelationCounts) -> str:
    """`inhibits (3)`, and with an arrow back where the second concept is the subject: `<- causes (1)`."""
    forward = _counted(pair.first, pair.second, relations)
    backward = _counted(pair.second, pair.first, relations)
    return "; ".join(
        [f"{kind} ({number})" for kind, number in forward] + [f"<- {kind} ({number})" for kind, number in backward]
    )


def _counted(subjects: Collection[str], objects: Collection[str], relations: RelationCounts) -> list[tuple[str, int]]:
    total: dict[str, int] = defaultdict(int)
    for subject in subjects:
        for target in objects:
            for kind, number in relations.get((subject, target), {}).items():
                total[kind] += number
    return sorted(total.items(), key=lambda one: (-one[1], one[0]))
