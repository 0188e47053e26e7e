"""The matcher of term lists: which spellings are names, which places count, and the same as a slow, simple matcher."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from litmine.text.folded_text import FoldedText, fold
from litmine.text.term_matcher import Case, FoundTerm, Term, TermMatcher, case_of, is_name, letters_of


def found(names: Sequence[str], text: str) -> list[str]:
    """The places in a text where a list of these names has something."""
    terms = [Term(name, "Chemical", f"X:{number}") for number, name in enumerate(names)]
    return [text[one.start_char : one.end_char] for one in TermMatcher(terms).find(text)]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("penicillin", "An allergy to PENICILLIN; Penicillin, penicillin.", ["PENICILLIN", "Penicillin", "penicillin"]),
        ("penicillin", "Both penicillins and a penicillinase.", ["penicillins"]),
        (
            "ACE inhibitors",
            "An ACE inhibitor, ACE-inhibitors, ace inhibitor's",
            ["ACE inhibitor", "ACE-inhibitors", "ace inhibitor"],
        ),
        (
            "interleukin-2",
            "Interleukin 2, interleukin2, interleukin\u20112 and interleukin-20",
            ["Interleukin 2", "interleukin2", "interleukin\u20112"],
        ),
        ("interleukin - 2", "interleukin-2 but interleukin - 2", ["interleukin-2"]),
        (
            "TNF-alpha",
            "TNF-\u03b1, TNF\u03b1, TNFalpha, TNF alpha and TNF-\u0391",
            ["TNF-\u03b1", "TNF\u03b1", "TNFalpha", "TNF alpha", "TNF-\u0391"],
        ),
        (
            "\u03b2-catenin",
            "beta-catenin, Beta catenin, \u00dfcatenin, \u03b2catenin",
            ["beta-catenin", "Beta catenin", "\u03b2catenin"],
        ),
        (
            "\u00b5-opioid receptor",
            "the \u03bc-opioid receptor and mu opioid receptors",
            ["\u03bc-opioid receptor", "mu opioid receptors"],
        ),
        (
            "cotrimoxazole",
            "co-trimoxazole, cotrimoxazole, co trimoxazole, co-trimoxazole-resistant",
            ["co-trimoxazole", "cotrimoxazole", "co-trimoxazole"],
        ),
        ("beta-blocker", "beta blocker, beta-blockers, betablocker", ["beta blocker", "beta-blockers", "betablocker"]),
        (
            "Parkinson's disease",
            "Parkinson disease, Parkinson\u2019s disease, PARKINSON'S DISEASE",
            ["Parkinson disease", "Parkinson\u2019s disease", "PARKINSON'S DISEASE"],
        ),
        (
            "Sj\u00f6gren syndrome",
            "Sjogren syndrome, Sjo\u0308gren syndrome",
            ["Sjogren syndrome", "Sjo\u0308gren syndrome"],
        ),
        ("aspirin", "aspirin-induced asthma, aspirin-like, aspirin-tolerance, non-aspirin", ["aspirin", "aspirin"]),
        ("vitamin B1", "vitamin B1, vitamin B12, vitamin B1.5, vitamin-B1.", ["vitamin B1", "vitamin-B1"]),
        ("p53", "p53, P53, p530, gp53, p53-null", ["p53", "p53"]),
        ("SSRI", "an SSRI, SSRIs, ssri, SSRIS", ["SSRI", "SSRIs"]),
        ("IL6", "IL6, IL-6, IL 6, il6", ["IL6", "IL-6"]),
        ("IL-6", "IL6, IL-6, IL 6, il6", ["IL6", "IL-6", "IL 6"]),
        ("CAN", "can CAN Can", ["CAN"]),
        ("lead", "Lead lead LEAD", ["lead"]),
        ("zinc", "Zinc zinc ZINC", ["Zinc", "zinc"]),
        ("Gout", "Gout gout GOUT", ["Gout", "gout"]),
        ("IMPACT", "The impact of IMPACT", ["IMPACT"]),
        ("Cyclosporine A", "cyclosporine A, cyclosporine as", ["cyclosporine A"]),
        ("T cell", "T cells, T-cell", ["T cells", "T-cell"]),
        ("CD4", "CD4+ cells, CD4/CD8, (CD4), CD40, anti-CD4", ["CD4", "CD4", "CD4"]),
        ("diabetes", "Diabetes, diabetes", ["Diabetes", "diabetes"]),
        ("CO", "\u33c7 CO, CO\u2082", ["CO"]),
        ("aspirin", "\u200baspirin\u00ad x", ["aspirin\u00ad"]),
        ("aspirin", "an\u200baspirin -\u00adaspirin", []),
        ("aspirin", "", []),
    ],
)
def test_a_name_is_found_in_these_spellings(name: str, text: str, expected: list[str]) -> None:
    assert found([name], text) == expected


def test_the_longest_name_counts_wherever_it_begins() -> None:
    names = ["heart failure", "failure of the left ventricle", "heart", "left ventricle"]
    assert found(names, "heart failure of the left ventricle") == ["heart", "failure of the left ventricle"]
    assert found(names, "heart failure and left ventricle") == ["heart failure", "left ventricle"]
    assert found(["ab cd", "cd ef"], "ab cd ef") == ["ab cd"]


def test_several_identifiers_and_types_of_a_name() -> None:
    terms = [
        Term("mercury", "Chemical", "B"), Term("Mercury", "Chemical", "A"), Term("mercury", "Planet", ""),
        Term("mercury salt", "Chemical", "C|A"), Term("mercury salts", "Chemical", "C|D"),
    ]  # fmt: skip
    assert TermMatcher(terms).find("Mercury; mercury salt; mercury salts") == [
        FoundTerm(0, 7, "Chemical", "A|B"),
        FoundTerm(0, 7, "Planet", None),
        FoundTerm(9, 21, "Chemical", "A|C"),
        FoundTerm(23, 36, "Chemical", "C|D"),
    ]


def test_a_name_spelled_as_in_the_text_excludes_those_with_other_capitals() -> None:
    matcher = TermMatcher([Term("CATALASE", "Gene", "g"), Term("catalase", "Protein", "p")])
    assert [one.entity_type for one in matcher.find("catalase CATALASE Catalase")] == ["Protein", "Gene", "Protein"]


def test_what_is_no_name() -> None:
    assert not any(map(is_name, ["", "a", "7", "2019", "--", "( )", "a-", "1,2"]))
    assert all(map(is_name, ["ab", "a1", "\u03b1", "a b", "5-HT", "\u9752\u9709"]))


# The pieces are parts of the names, so that a text of them often has a name.
_NAMES = """TNF-alpha IL-2 IL2 co-trimoxazole cotrimoxazole penicillins Penicillin p53 can CAN 5-HT zinc CD4+ alpha
a-b-c abc SSRI virus x_y \u03b1\u03b2 \u9752\u9709\u7d20 e\u0301te"""
_SEVERAL_WORDS = "beta blocker|blocker beta|viral beta|Crohn's disease|vitamin B 1|N-acetyl cysteine|E. coli"
_PIECES = """TNF tnf alpha \u03b1 \u0391 \u03b2 IL 2 \uff12 \u00b2 beta Beta blocker blockers co trimoxazole
cotrimoxazole penicillin penicillins s 's \u2019s Crohn disease p P 53 can Can CAN vitamin B 1 .5 5 HT Zinc zinc CD 4 +
a b c abc SSRI N acetyl cysteine virus viral \u9752\u9709 \u7d20 e\u0301te \u00e9te E . coli x y _ - -
\u2011 \u2013 -induced ( ) / , \u200b \u00ad \u0301 \u33c7 \u00bd \ufb01 \u0130 \u00df"""
NAMES = [*_NAMES.split(), *_SEVERAL_WORDS.split("|")]
PIECES = [*_PIECES.split(), " ", " ", " ", " ", "\n", "\u00a0", "\x00", "\x01", "\x02"]
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=30))
IDENTIFIERS = st.sampled_from(["", "A", "B", "B|A"])
TERMS = st.lists(
    st.builds(Term, st.one_of(st.sampled_from(NAMES), TEXTS), st.sampled_from(["Chemical", "Gene"]), IDENTIFIERS),
    max_size=8,
)


@given(TERMS, TEXTS)
@example([Term("co-trimoxazole", "Gene", "A")], "cotrimoxazole-induced")
@example([Term("alphabeta", "Gene", "A")], "TNF's\u03b1 TNF's-alpha-beta")
def test_the_matcher_finds_what_a_slow_and_simple_one_finds(terms: list[Term], text: str) -> None:
    assert TermMatcher(terms).find(text) == _find_slowly(terms, text)


@given(TERMS, TEXTS, st.randoms())
def test_places_are_exact_and_apart_and_the_order_of_the_terms_has_no_effect(
    terms: list[Term],
    text: str,
    random: "st.Random",  # type: ignore[name-defined]
) -> None:
    places = TermMatcher(terms).find(text)
    assert places == sorted(places, key=lambda one: one[:3])
    for one, other in pairwise(places):
        assert one[:2] == other[:2] or one.end_char <= other.start_char
    for one in places:
        assert 0 <= one.start_char < one.end_char <= len(text)
        assert text[one.start_char : one.end_char] == text[one.start_char : one.end_char].strip()
    shuffled = [*terms, *terms]
    random.shuffle(shuffled)
    assert TermMatcher(shuffled).find(text) == places


@given(st.sampled_from([name for name in NAMES if "_" not in name]))
def test_each_name_is_found_as_it_is_given(name: str) -> None:
    assert [one[:2] for one in TermMatcher([Term(name, "T", "")]).find(f"({name})")] == [(1, 1 + len(name))]


@given(TEXTS)
def test_folding_maps_each_place_back(text: str) -> None:
    folded = FoldedText(text)
    assert folded.folded == "".join(map(fold, text))
    borders = [0]
    for char in text:
        borders.append(borders[-1] + len(fold(char)))
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if borders[start] < borders[start + 1] and borders[end - 1] < borders[end]:
                after = end
                while after < len(text) and not fold(text[after]):
                    after += 1
                assert folded.original_span(borders[start], borders[end]) == (start, after)


def _find_slowly(terms: Sequence[Term], text: str) -> list[FoundTerm]:
    """Compare every span of the text with every name."""
    fitting: dict[tuple[int, int], list[Term]] = {}
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if fold(text[start]) and (end == len(text) or fold(text[end])) and _stands_alone(text, start, end):
                span = text[start:end]
                terms_here = [term for term in terms if is_name(term.name) and _is_spelling(term.name, span)]
                if terms_here:
                    fitting[start, end] = terms_here
    found: list[FoundTerm] = []
    while fitting:
        start, end = place = min(fitting, key=lambda one: (one[0] - one[1], one))
        letters = letters_of(text[start:end])[1:]
        alike = [term for term in fitting[place] if letters_of(term.name)[1:] == letters] or fitting[place]
        for kind in {term.entity_type for term in alike}:
            known = {part for term in alike if term.entity_type == kind for part in term.identifier.split("|") if part}
            found.append(FoundTerm(start, end, kind, "|".join(sorted(known)) or None))
        fitting = {one: terms for one, terms in fitting.items() if one[1] <= start or end <= one[0]}
    return sorted(found, key=lambda one: one[:3])


def _stands_alone(text: str, start: int, end: int) -> bool:
    def is_part(char: str) -> bool:
        return (
            char == "_"
            or unicodedata.category(char)[0] == "M"
            or any(one.isalnum() or one == "-" for one in fold(char))
        )

    before, after = "".join(char for char in text[:start] if fold(char)), text[end:]
    suffix = fold(after)[:1] == "-" and re.match(r"induced(?![^\W_])", after[1:])
    if (before and is_part(before[-1])) or (after and is_part(after[0]) and not suffix):
        return False
    numbers = [text[start - 2 : start + 1] if start > 1 else "", text[end - 1 : end + 2]]
    return not any(re.fullmatch(r"\d[.,]\d", number) for number in numbers)


def _is_spelling(name: str, span: str) -> bool:
    folded = fold(span)
    if not folded or folded[0] in " -" or folded[-1] in " -":
        return False
    visible = folded.replace("\x01", "").replace("\x02", "")
    if re.search(r" -|- |--", visible):
        return False
    capitals, given = letters_of(span), letters_of(name)
    case = case_of(given)
    if case is Case.AS_GIVEN and " " in folded and not set(" -") & set(fold(name)):
        return False
    letters = [char for char in given if char.isalpha()]
    last = _words(fold(name))[-1][1]
    plural = last.isalpha() and len(last) > 2 and len(letters) >= (3 if given.isupper() else 5)
    readings = {" ".join(reading) for reading in _readings(_words(folded)) if reading}
    for spelling in _name_spellings(name):
        forms = {spelling: given}
        if plural:
            forms[spelling + "s"] = given + "s"
            if spelling[-1] == "s" and len(given) > 5 and spelling[-2:-1].isalpha() and spelling[-2] not in "sui":
                forms[spelling[:-1]] = given[:-1]
        for form, form_capitals in forms.items():
            if form in readings and (
                case is Case.ANY
                or capitals.replace("'s", "") == form_capitals.replace("'s", "")
                or (case is Case.INITIAL and capitals.replace("'s", "")[1:] == form_capitals.replace("'s", "")[1:])
            ):
                return True
    return False


def _words(folded: str) -> list[tuple[str, str]]:
    """The words, numbers and signs of a folded text, each with what stands before it."""
    words: list[tuple[str, str]] = []
    gap, at = "", 0
    while at < len(folded):
        for pattern in (r"[^\W\d_]+", r"\d+", r"(?<=[^\W\d_])'s(?![^\W_]|\x01)", r"[^\w\s\x01\x02-]|_"):
            match = re.compile(pattern).match(folded, at)
            if match:
                words.append((gap, match[0]))
                gap, at = "", match.end()
                break
        else:
            gap += folded[at]
            at += 1
    return words


def _readings(words: Sequence[tuple[str, str]], before: str = "") -> Iterator[tuple[str, ...]]:
    """The words of a text in all readings: `'s` left out between words, parts of a compound joined from its start."""
    if not words:
        yield ()
        return
    (gap, word), *rest = words
    for others in _readings(rest, word):
        yield (word, *others)
    if word == "'s" and before:
        for others in _readings(rest, word):
            if others:
                yield others
    if before.isalpha() and gap and " " not in gap:
        return
    joined = word
    for number, (next_gap, part) in enumerate(rest[:7], 1):
        if not (word.isalpha() and part.isalpha() and next_gap and " " not in next_gap):
            break
        joined += part
        for others in _readings(rest[number:], part):
            yield (joined, *others)


def _name_spellings(name: str) -> set[str]:
    """A name as it is, with all its compounds joined, and both without `'s` between words."""
    words = _words(fold(name))
    joined: list[str] = []
    for number, (gap, word) in enumerate(words):
        if number and gap and " " not in gap and word.isalpha() and words[number - 1][1].isalpha():
            joined[-1] += word
        else:
            joined.append(word)
    spellings = set()
    for tokens in ([word for _, word in words], joined):
        spellings.add(" ".join(tokens))
        spellings.add(" ".join([word for word in tokens[:-1] if word != "'s"] + tokens[-1:]))
    return spellings
