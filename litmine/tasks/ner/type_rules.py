"""Rules between the types of a tagger: which mentions cannot both be right, words for people, one row for a gene.

The heads label words independently, each by the guideline of its corpora, so a name may get several types. These rules
run after those of `litmine.tasks.ner.mention_rules`, and each mention keeps its score.

An evaluation judges a head by its guideline: BC5CDR marks the chemical in "serotonin transporter", LINNAEUS marks
"patients" as a species, JNLPBA has proteins and no genes, and BC2GM's genes are longer than their names
(`judged_mentions`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from litmine.tasks.ner.findings import find_harms
from litmine.tasks.ner.gene_spans import trim_genes
from litmine.tasks.ner.known_names import add_names, find_known_names, find_new_names
from litmine.tasks.ner.repeated_names import repeat_certain_names
from litmine.tasks.ner.short_forms import spread_definitions
from litmine.text.variants import find_variants
from litmine.types import Entity

PERSON, SPECIES = "Person", "Species"
_GENE, _PROTEIN, _CHEMICAL, _DISEASE = "Gene", "Protein", "Chemical", "Disease"
_ANATOMY = "Anatomy"
# Types that may share a span: names for one thing, or for one kind of thing.
_GROUPS = {_GENE: "gene", _PROTEIN: "gene", "DNA": "gene", "RNA": "gene", "CellLine": "cell", "CellType": "cell"}
# A mention of the first type inside a longer one of the second types is a part of its name: "angiotensin" in
# "angiotensin-converting enzyme", "hepatitis C" in "hepatitis C virus".
_PART_OF = {_CHEMICAL: {_GENE, _PROTEIN}, _DISEASE: {SPECIES}}
# Anatomy yields to these types where they have the same words or more: AnatEM's guideline has tumours and cells too.
_NO_ANATOMY = {_DISEASE, "CellLine", "CellType", _GENE, _PROTEIN, SPECIES}
# A mention with one of these, such as "infection with hepatitis B virus", is no virus.
_NOT_VIRUS = re.compile(r"\b(?:by|due|from|in|of|with)\b")
# Words that stand for no part of the body in particular.
_ANY_ANATOMY = re.compile(r"[Cc]ell(?:s|ular)?|[Tt]issues?|[Oo]rgans?|[Bb]ody|[Bb]odies|[Ss]amples?|[Ll]esions?")
# The gene that begins with a word for a disease, in one of the most frequent names of all.
_TUMOR_NECROSIS_FACTOR = re.compile(r"tumou?r necrosis factor", re.IGNORECASE)
# Words that taggers take for a disease or a gene. In capitals, "ALL" is a leukemia.
_WRONG = {
    _DISEASE: re.compile(r"[Ll]abou?r|[Pp]sychiatric|[Ss]urgical|all|(?:[Cc]hemo)?[Pp]rophyla(?:xis|ctic)"),
    _GENE: re.compile(r".*\bcholesterol"),
}
_PEOPLE = (
    "adolescents adults babies boy boys caregivers child children clinicians girl girls infants inpatient inpatients"
    " investigators man men mother mothers neonate neonates newborns nurse nurses outpatient outpatients parents"
    " participant participants patient patients people person persons pharmacists physician physicians preschoolers"
    " psychiatrists siblings smokers surgeons teenagers toddlers veterans volunteer volunteers woman women"
)
# Not in capitals, since MEN is a syndrome, and not within a name such as "Child-Pugh" or "man-made".
_PERSON = re.compile(rf"(?<![\w-])(?:{'|'.join(f'[{w[0].upper()}{w[0]}]{w[1:]}' for w in _PEOPLE.split())})(?![\w-])")


@dataclass(frozen=True, slots=True)
class Guideline:
    """How a corpus annotates: these types only; bare_genes: with the names of genes alone (`trim_genes`).

    corpus: its name, from which heads may have learnt.
    """

    types: frozenset[str]
    bare_genes: bool = False
    corpus: str = ""


def settle_types(text: str, entities: Sequence[Entity], types: Collection[str]) -> list[Entity]:
    """The entities of a text after all rules, sorted by offsets and type. types: those that the tagger's heads find.

    - Frequent names that the heads miss are added (`add_names`), and a disease whose name ends in "virus" is a species.
    - A gene's mention ends where its name ends (`trim_genes`).
    - A span has types of one group only (`_compete`), and a name in the notation of a variant has none of them.
    - A chemical inside a gene's name and a disease inside an organism's are left out.
    - Where Gene and Protein have the same span, one Gene stays, with the greater score. A Protein is a Gene if its name
      is one elsewhere in the text.
    - All places of a short form that the text defines have the type of its long form (`spread_definitions`), and other
      places of certain names are mentions too (`repeat_certain_names`).
    - Anatomy is left out where it names no part in particular, and within a disease, a cell, a gene or an organism.
    - If the tagger has a head for species, each word for people is a Person, and no Species.
    """
    known = add_names(text, _with_viruses(trim_genes(entities), types), types, find_known_names(text))
    known = add_names(text, known, types, ((start, end, _DISEASE) for start, end in find_harms(text, known)))
    settled = _one_gene(_without_parts(_compete(_without_anatomy(_plausible(known)))))
    settled = _one_gene(repeat_certain_names(text, spread_definitions(text, settled)))
    return _sorted(_with_people(text, settled) if SPECIES in types else settled)


def judged_mentions(text: str, entities: Sequence[Entity], guideline: Guideline) -> list[Entity]:
    """The entities as a guideline has them: of its types, which compete with each other only, sorted by offsets."""
    found = [one for one in entities if one.entity_type in guideline.types]
    named = add_names(text, trim_genes(found) if guideline.bare_genes else found, guideline.types, find_new_names(text))
    return _sorted(repeat_certain_names(text, spread_definitions(text, _compete(_plausible(named)))))


def _sorted(entities: Sequence[Entity]) -> list[Entity]:
    return sorted(entities, key=lambda one: (one.start_char, one.end_char, one.entity_type))


def _plausible(entities: Sequence[Entity]) -> list[Entity]:
    """Without words that are known not to be of their type."""
    return [
        one
        for one in entities
        if not ((wrong := _WRONG.get(one.entity_type)) and wrong.fullmatch(one.mention))
        and not _is_variant(one.mention)
    ]


@lru_cache(maxsize=4096)
def _is_variant(mention: str) -> bool:
    if not any(map(str.isdigit, mention)):
        return False
    return any(one.start_char == 0 and one.end_char == len(mention) for one in find_variants(mention))


def _compete(entities: Sequence[Entity]) -> list[Entity]:
    """For each span, the entities of one group of types: that with most evidence for the name in the whole text.

    The evidence is the sum over the places of the name of the greatest score that the group has there, so a name gets
    the same group wherever the same groups compete.
    """
    spans: dict[tuple[int, int], dict[str, list[Entity]]] = defaultdict(lambda: defaultdict(list))
    for one in entities:
        spans[one.start_char, one.end_char][_group(one)].append(one)
    evidence: Counter[tuple[str, str]] = Counter()
    for groups in spans.values():
        for group, several in groups.items():
            evidence[several[0].mention, group] += max(one.score for one in several)  # type: ignore[assignment]
    kept = []
    for groups in spans.values():
        name = next(iter(groups.values()))[0].mention
        kept += groups[max(groups, key=lambda group: (evidence[name, group], group))]
    return kept


def _group(one: Entity) -> str:
    return _GROUPS.get(one.entity_type, one.entity_type)


def _with_viruses(entities: Sequence[Entity], types: Collection[str]) -> list[Entity]:
    """With each disease that is a virus as a species, or left out where a species is; if the tagger finds species."""
    species = [one for one in entities if one.entity_type == SPECIES]
    found = []
    for one in entities:
        if SPECIES not in types or not _is_virus(one):
            found.append(one)
        elif not any(two.start_char < one.end_char and one.start_char < two.end_char for two in species):
            found.append(replace(one, entity_type=SPECIES))
    return found


def _is_virus(one: Entity) -> bool:
    ends_so = one.entity_type == _DISEASE and one.mention.endswith(("virus", "viruses"))
    return ends_so and not _NOT_VIRUS.search(one.mention)


def _without_parts(entities: Sequence[Entity]) -> list[Entity]:
    """Without mentions that are a part of a longer name of another type."""
    wholes = [(one.start_char, one.end_char, one) for one in entities if one.entity_type in {_GENE, _PROTEIN, SPECIES}]

    def is_part(one: Entity) -> bool:
        of = _PART_OF.get(one.entity_type)
        return of is not None and any(
            start <= one.start_char
            and one.end_char <= end
            and end - start > one.end_char - one.start_char
            and (whole.entity_type in of or _names_factor(one, whole))
            for start, end, whole in wholes
        )

    return [one for one in entities if not is_part(one)]


def _names_factor(part: Entity, whole: Entity) -> bool:
    """Whether a disease is the first word, or the first two, of "tumor necrosis factor"."""
    found = _TUMOR_NECROSIS_FACTOR.search(whole.mention)
    return found is not None and whole.start_char + found.start() == part.start_char


def _without_anatomy(entities: Sequence[Entity]) -> list[Entity]:
    """Without anatomy that is a part or the whole of a mention of another type, or no part in particular."""
    if not any(one.entity_type == _ANATOMY for one in entities):
        return list(entities)
    others = [(one.start_char, one.end_char) for one in entities if one.entity_type in _NO_ANATOMY]
    return [
        one
        for one in entities
        if one.entity_type != _ANATOMY
        or not (
            _ANY_ANATOMY.fullmatch(one.mention)
            or any(start <= one.start_char and one.end_char <= end for start, end in others)
        )
    ]


def _one_gene(entities: Sequence[Entity]) -> list[Entity]:
    """One Gene in place of a Gene and a Protein with the same span, and of a Protein whose name is a Gene elsewhere."""
    genes = [one for one in entities if one.entity_type == _GENE]
    proteins = {(one.start_char, one.end_char): one for one in entities if one.entity_type == _PROTEIN}
    names = {one.mention for one in genes}
    spans = {(one.start_char, one.end_char) for one in genes}
    renamed = {
        span
        for span, one in proteins.items()
        if one.mention in names and not any(start < span[1] and span[0] < end for start, end in spans)
    }
    found = []
    for one in entities:
        span = one.start_char, one.end_char
        if one.entity_type == _GENE and span in proteins:
            found.append(replace(one, score=max(one.score, proteins[span].score)))
        elif one.entity_type == _PROTEIN and span in renamed:
            found.append(replace(one, entity_type=_GENE))
        elif one.entity_type != _PROTEIN or span not in spans:
            found.append(one)
    return found


def _with_people(text: str, entities: Sequence[Entity]) -> list[Entity]:
    """With each word for people as a person only, and without the species that end with such a word."""
    people = {match.span() for match in _PERSON.finditer(text)}
    ends = {end for _, end in people}
    kept = [
        one
        for one in entities
        if (one.start_char, one.end_char) not in people and not (one.entity_type == SPECIES and one.end_char in ends)
    ]
    return kept + [Entity(text[start:end], PERSON, start, end, 1.0) for start, end in people]
