"""Find changes of DNA in a text: `c.5287G>A`, `C677T`, `35delG`, `G to A at nucleotide 276`, `32-bp deletion`."""

import re
from collections.abc import Iterator

from litmine.text import variant_patterns as patterns
from litmine.text.variant_names import base_range_name, base_substitution_name, nucleotide, site, split_range
from litmine.text.variant_proteins import NOT_CHANGES, OneLetterChanges
from litmine.text.variant_spans import Variant, mention

# Without a prefix such as `c.`, numbers of fewer digits are seldom positions.
_MIN_DIGITS, _MIN_OLD_DIGITS = 2, 3
_MAX_BASES = 6
# Texts about mitochondrial DNA give its positions without `m.`; smaller numbers are as likely those of another gene.
_MITOCHONDRIAL = ("mtDNA", "mitochondrial DNA", "Mitochondrial DNA", "mitochondrial genome")
_MIN_MITOCHONDRIAL, _MITOCHONDRIAL_BASES = 1_000, 16_569
_CHANGE_FOLLOWS = re.compile(
    r"\s(?:\w{1,15}[\s-]){0,2}"
    r"(?:polymorphi|SNP|substitution|mutation|transition|transversion|allele|genotyp|change|varia)"
)
_EVENT_STEMS = ("deletion", "insert", "duplication", "indel", "ins/del", "del/ins")
_SIDE_STEMS = (" allele", " at position", " at nucleotide", "IVS")
_KINDS = {"deletion": "del", "insertion": "ins", "duplication": "dup"}


def find_base_changes(text: str, changes: OneLetterChanges) -> Iterator[Variant]:
    """The changes of DNA in a text, which may overlap."""
    of_mitochondria = any(words in text for words in _MITOCHONDRIAL)
    if patterns.HAS_BASE_CHANGE.search(text):
        for match in patterns.BASE_CHANGE.finditer(text):
            if _is_change(match):
                before, after = match["before"].upper(), match["after"].upper()
                level = match["level"] or _level(match["position"], of_mitochondria)
                name = base_substitution_name(level, match["position"], before, after)
                yield mention(match, name)
    for match in patterns.BASE_OLD.finditer(text):
        position = site(match["position"])
        if position and _is_old_change(match, position, changes):
            level = _level(position, of_mitochondria)
            yield mention(match, base_substitution_name(level, position, match["before"], match["after"]))
    if patterns.HAS_BASE_WORDS.search(text):
        yield from filter(None, (_base_words(match, text) for match in patterns.BASE_WORDS.finditer(text)))
    yield from _coded_events(text)
    yield from _worded_events(text)
    yield from _sides_and_repeats(text)


def _level(position: str, of_mitochondria: bool) -> str:
    """The level of a change that the text gives without one: m in a text about mitochondrial DNA, otherwise c."""
    is_mitochondrial = (
        of_mitochondria and position.isdigit() and _MIN_MITOCHONDRIAL <= int(position) <= _MITOCHONDRIAL_BASES
    )
    return "m" if is_mitochondrial else "c"


def _is_change(match: re.Match[str]) -> bool:
    if match["level"]:
        return True
    position, is_arrow = match["position"], ">" in match["arrow"]
    if not (match["before"].isupper() and match["after"].isupper()):
        return is_arrow and position.upper().startswith("IVS")
    signed, digits = not position[0].isdigit(), sum(char.isdigit() for char in position)
    if is_arrow:
        return signed or digits >= _MIN_DIGITS
    if "to" in match["arrow"]:
        return signed or digits >= _MIN_OLD_DIGITS
    return signed or digits >= _MIN_OLD_DIGITS or (digits == _MIN_DIGITS and not match["gap"])


def _is_old_change(match: re.Match[str], position: str, changes: OneLetterChanges) -> bool:
    """Whether `C677T`, `C-1228T` or `G1691->A` is a change of DNA."""
    digits = position.removeprefix("-")
    if match["link"] is None and digits == position:
        return len(digits) >= _MIN_OLD_DIGITS and match[0] not in NOT_CHANGES and match.span() not in changes.spans
    return True


def _base_words(match: re.Match[str], text: str) -> Variant | None:
    """`G to A at nucleotide 276`, or `G>A` alone, where the text speaks of a change."""
    before, after = (nucleotide(match[side].partition("(")[0]) for side in ("before", "after"))
    link, tail = match["link"], match["tail"] or ""
    if "for" in link:
        before, after = after, before
    if tail:
        level = (match["level"] or "c")[0]
        name = None if "codon" in tail else base_substitution_name(level, match["position"], before, after)
        return mention(match, name)
    if ">" in link:
        accepted = len(before) + len(after) <= _MAX_BASES
    else:
        accepted = len(before) == len(after) and _CHANGE_FOLLOWS.match(text, match.end("after")) is not None
    return Variant(match.start("before"), match.end("after"), None) if accepted else None


def _coded_events(text: str) -> Iterator[Variant]:
    """Deletions, insertions and duplications such as `35delG`, `del6` and `Delta32`."""
    if patterns.HAS_EVENT.search(text):
        for match in patterns.BASE_EVENT.finditer(text):
            if _is_event(match):
                yield mention(match, _event_name(match))
    if "del" in text or "ins" in text or "dup" in text:
        for match in patterns.EVENT_SEQUENCE.finditer(text):
            yield mention(match, None)
    if "elta" in text or "DD" in text or "Δ" in text or "∆" in text:
        for match in patterns.DELTA_NUMBER.finditer(text):
            yield mention(match, None)


def _worded_events(text: str) -> Iterator[Variant]:
    """Deletions, insertions and duplications such as `C deletion at nucleotide 888` and `32-bp deletion`."""
    if any(stem in text for stem in _EVENT_STEMS):
        for match in patterns.EVENT_WORDS.finditer(text):
            # "A deletion" begins a sentence, or means an adenine.
            before = text[max(0, match.start() - 2) : match.start()].rstrip()
            if not match[0].startswith("A ") or before[-1:].isalnum():
                yield mention(match, _event_words_name(match))


def _sides_and_repeats(text: str) -> Iterator[Variant]:
    """`A allele of -588`, and repeats such as `(CCTTT)14`. They have no names."""
    if any(word in text for word in _SIDE_STEMS) or patterns.HAS_STOP.search(text):
        for match in patterns.SIDE_WORDS.finditer(text):
            yield mention(match, None)
    if "repeat" in text or patterns.HAS_REPEAT.search(text):
        for match in patterns.REPEAT.finditer(text):
            yield mention(match, None)


def _is_event(match: re.Match[str]) -> bool:
    if match["level"]:
        return True
    digits, sequence = sum(char.isdigit() for char in match["start"]), match["sequence"] or ""
    if match["open"] and not sequence.isalpha():
        return False
    if sequence:
        return digits >= _MIN_DIGITS or sequence.isalpha()
    return digits >= _MIN_DIGITS and match[0][match[0].find(match["kind"]) - 1] != " "


def _event_name(match: re.Match[str]) -> str | None:
    if match["kind"] in ("del/ins", "indel") or match["times"]:
        return None
    kind, sequence = match["kind"], (match["sequence"] or "").removesuffix("bp").strip()
    start, end = match["start"], match["end"] or ""
    if not end:
        # An insertion is between two neighbours, whatever its length.
        start, end = split_range(start, "NN" if kind == "ins" else sequence, bool(match["level"]))
    if match["inserted"]:
        kind, sequence = "delins", match["inserted"]
    return base_range_name(match["level"] or "c", start, end, kind, sequence)


def _event_words_name(match: re.Match[str]) -> str | None:
    """The name of `C deletion at nucleotide 888`, whose bases and position are given."""
    only = match["first"] or match["second"] or match["third"]
    if only:
        kind = "dup" if match["kind"] == "duplication" else "del"
        return base_range_name("c", only, match["last"] or "", kind, "")
    position, end = match["position"] or match["position2"], match["end"] or match["end2"] or ""
    part = patterns.EVENT_PART.search(match[0])
    if not position or "codon" in match[0] or "/" in match[0] or part is None:
        return None
    sequence = nucleotide((part["before"] or part["after"] or "").partition("(")[0])
    if not end:
        position, end = split_range(position, "", prefixed=False)
    return base_range_name("c", position, end, _KINDS[part["kind"]], sequence) if sequence else None
