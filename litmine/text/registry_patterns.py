"""The forms of the numbers of trial registries: WHO's primary registries, ClinicalTrials.gov and EudraCT.

Source of the registries: WHO International Clinical Trials Registry Platform, its primary registries and providers.
None of the numbers has a published check digit. ISRCTN's are random; no linear rule modulo 2, 5, 7, 11, 13, 97, 101 or
103 fits the 128 of a corpus of trials. So a number is judged by its form alone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

# What may stand between the name of a registry and the number: "NCT-01234567", "ISRCTN No. 12345678".
_NAMED = (
    r"(?:\s|-|:|\#|=|/|\.|\(|\)|\[|\]|,"
    r"|(?<![A-Za-z])(?:trials?|clinical|registry|register|registration|registered|identification|identifier|number"
    r"|num|no|nr|id|code|is|as|ref|reference)(?![A-Za-z]))*"
)
_GAP = r"[\s\-:#=.()]{0,4}"
# No letter or digit before a number. A small letter may be the end of a word that lost its space: "numberNCT01234567".
_BEFORE, _AFTER = r"(?<![A-Za-z0-9])", r"(?![0-9])"


@dataclass(frozen=True, slots=True)
class RegistryForm:
    """A form of number. registry: the name of the registry. normal: from a match to the normal form, None for none."""

    registry: str
    pattern: re.Pattern[str]
    normal: Callable[[re.Match[str]], str | None]


def _digits(count: int | str) -> str:
    """A pattern of digits that may be parted by single white space, as where a line breaks in a number."""
    if isinstance(count, int):
        return rf"[0-9](?:\s?[0-9]){{{count - 1}}}"
    low, high = (int(part) - 1 for part in count.split("-"))
    return rf"[0-9](?:\s?[0-9]){{{low},{high}}}"


def plain_digits(text: str) -> str:
    """The digits of a number without what stands between them; a letter O counts as a zero."""
    return re.sub(r"[^0-9]", "", text.replace("O", "0").replace("o", "0"))


def _prefixed(prefix: str) -> Callable[[re.Match[str]], str | None]:
    def normal(match: re.Match[str]) -> str | None:
        digits = plain_digits(match["digits"])
        return prefix + digits if digits.strip("0") else None

    return normal


def _form(registry: str, pattern: str, normal: Callable[[re.Match[str]], str | None] | str) -> RegistryForm:
    return RegistryForm(
        registry, re.compile(pattern, re.IGNORECASE), _prefixed(normal) if isinstance(normal, str) else normal
    )


def _chictr(match: re.Match[str]) -> str | None:
    digits = plain_digits(match["digits"])
    kind = (match["kind"] or "").upper()
    # Since 2017 the numbers have no letters for the kind of study.
    if not digits.strip("0") or len(digits) != (8 if kind else 10):
        return None
    return f"ChiCTR-{kind}-{digits}" if kind else f"ChiCTR{digits}"


def _joined(form: str, *names: str) -> Callable[[re.Match[str]], str | None]:
    def normal(match: re.Match[str]) -> str | None:
        parts = [plain_digits(match[name]) for name in names]
        return form.format(*parts) if match["number"].strip("0") else None

    return normal


def _jrct(match: re.Match[str]) -> str | None:
    digits = plain_digits(match["digits"])
    kind = (match["kind"] or "").lower()
    return f"jRCT{kind}{digits}" if digits.strip("0") and len(digits) == (9 if kind else 10) else None


def _irct(match: re.Match[str]) -> str | None:
    date, number = plain_digits(match["date"]), match["number"]
    return f"IRCT{date}N{number}" if date.strip("0") and number.strip("0") else None


def _rbr(match: re.Match[str]) -> str | None:
    code = match["code"].lower()
    # A code mixes letters and digits; a word has no digit.
    return f"RBR-{code}" if any(one.isdigit() for one in code) and any(one.isalpha() for one in code) else None


_O_DIGITS = r"[0-9O](?:\s?[0-9O])"

FORMS: tuple[RegistryForm, ...] = (
    _form("ClinicalTrials.gov", rf"(?<![A-Z])NCTs?{_NAMED}(?P<digits>{_O_DIGITS}{{7}}){_AFTER}", "NCT"),
    # A name that lost its space to the word before, which only capitals tell from a word.
    RegistryForm("ClinicalTrials.gov", re.compile(rf"(?<=[a-z])NCT(?P<digits>[0-9]{{8}}){_AFTER}"), _prefixed("NCT")),
    _form(
        "ISRCTN",
        rf"(?<![A-Z0-9])(?:ISRCTN|ISCRTN|ISRTCN|ISRCTRN|ISCTRN|IRSCTN){_NAMED}(?P<digits>{_digits(8)}){_AFTER}",
        "ISRCTN",
    ),
    RegistryForm("ISRCTN", re.compile(rf"(?<=[a-z])ISRCTN(?P<digits>[0-9]{{8}}){_AFTER}"), _prefixed("ISRCTN")),
    # Trials of CTIS have numbers that begin with 5, and two parts more than those of EudraCT.
    _form(
        "CTIS",
        rf"{_BEFORE}(?P<year>20[2-9][0-9])\s?-\s?(?P<number>5[0-9]{{5}})\s?-\s?(?P<check>[0-9]{{2}})"
        rf"(?:\s?-\s?(?P<version>[0-9]{{2}}))?(?![0-9]|-[0-9])",
        _joined("{0}-{1}-{2}", "year", "number", "check"),
    ),
    _form(
        "EudraCT",
        rf"{_BEFORE}(?P<year>20[0-2][0-9])\s?-\s?(?P<number>0[0-9]{{5}})\s?-\s?(?P<check>[0-9]{{2}})(?![0-9]|-[0-9])",
        _joined("{0}-{1}-{2}", "year", "number", "check"),
    ),
    _form(
        "EudraCT",
        rf"{_BEFORE}(?:EUDRA[\s-]?CT|EUCTR){_NAMED}(?P<year>20[0-2][0-9])\s?[-/ ]?\s?(?P<number>0[0-9]{{5}})"
        rf"\s?[-/ ]?\s?(?P<check>[0-9]{{2}}){_AFTER}",
        _joined("{0}-{1}-{2}", "year", "number", "check"),
    ),
    # The register writes a letter after the number of some trials: p for one that was registered before it began.
    _form(
        "ANZCTR",
        rf"{_BEFORE}A(?:CTRN|NZCTRN?){_NAMED}0?(?P<digits>1\s?2(?:\s?[0-9]){{12}})(?:[pra](?![a-z]))?{_AFTER}",
        "ACTRN",
    ),
    _form(
        "ChiCTR",
        rf"{_BEFORE}ChiCTR{_GAP}(?:(?P<kind>[A-Z]{{2,5}}){_GAP})?(?P<digits>{_digits('8-10')}){_AFTER}",
        _chictr,
    ),
    _form(
        "CTRI",
        rf"{_BEFORE}CTRI{_NAMED}(?P<year>20[0-9]{{2}})\s?[/\s-]\s?(?P<month>[0-9]{{2,3}})\s?[/\s-]\s?"
        rf"(?P<number>[0-9]{{4,6}}){_AFTER}",
        _joined("CTRI/{0}/{1}/{2}", "year", "month", "number"),
    ),
    _form("DRKS", rf"{_BEFORE}DRKS(?:-?ID)?{_NAMED}(?P<digits>{_digits(8)}){_AFTER}", "DRKS"),
    _form("UMIN-CTR", rf"{_BEFORE}UMIN{_GAP}(?P<digits>000\s?[0-9](?:\s?[0-9]){{5}}){_AFTER}", "UMIN"),
    _form(
        "UMIN-CTR",
        rf"{_BEFORE}UMIN(?:[\s-]?CTR)?(?:[\s-]?ID)?{_NAMED}(?:UMIN)?{_GAP}(?P<digits>000\s?[0-9](?:\s?[0-9]){{5}}){_AFTER}",
        "UMIN",
    ),
    _form("JapicCTI", rf"{_BEFORE}Japic[\s-]?CTI{_NAMED}(?P<digits>{_digits(6)}){_AFTER}", "JapicCTI-"),
    _form("JMACCT", rf"{_BEFORE}JMA[\s-]?IIA{_NAMED}(?P<digits>{_digits(5)}){_AFTER}", "JMA-IIA"),
    _form("jRCT", rf"{_BEFORE}jRCT(?P<kind>s)?{_NAMED}(?P<digits>{_digits('9-10')}){_AFTER}", _jrct),
    # NTR1 and NTR2 are receptors of neurotensin, so the number needs three digits or the word for the register.
    _form("NTR", rf"{_BEFORE}NTR{_GAP}(?P<digits>[0-9]{{3,4}}){_AFTER}(?!\.[0-9])", "NTR"),
    _form(
        "NTR",
        rf"(?:Netherlands|Dutch|Nederlands)\s+(?:National\s+)?(?:Trials?|Clinical\s+Trials?)[\s-]?Regist(?:er|ry)"
        rf"{_NAMED}(?:\(NTR\))?{_NAMED}(?P<all>NTR{_GAP}(?P<digits>[0-9]{{1,4}})){_AFTER}",
        "NTR",
    ),
    _form("NTR", rf"{_BEFORE}NL[\s-]?OMON{_GAP}(?P<digits>[0-9]{{4,6}}){_AFTER}", "NL-OMON"),
    _form(
        "NTR",
        rf"(?:(?:Netherlands|Dutch|Nederlands)\s+(?:National\s+)?(?:Trials?|Clinical\s+Trials?)[\s-]?Regist(?:er|ry)"
        rf"|trialregister\.nl){_NAMED}(?:Trial\s+)?(?P<all>NL{_GAP}(?P<digits>[0-9]{{3,5}})){_AFTER}(?!\.[0-9])",
        "NL",
    ),
    _form("NTR", rf"{_BEFORE}Trial\s+(?P<all>NL{_GAP}(?P<digits>[0-9]{{3,5}})){_AFTER}(?!\.[0-9])", "NL"),
    _form("PACTR", rf"{_BEFORE}PACTR{_NAMED}(?P<digits>{_digits('15-16')}){_AFTER}", "PACTR"),
    _form(
        "IRCT",
        rf"{_BEFORE}IRCT{_NAMED}(?P<date>{_digits('8-14')})\s?N\s?(?P<number>[0-9]{{1,3}}){_AFTER}",
        _irct,
    ),
    _form("CRiS", rf"{_BEFORE}KCT{_NAMED}(?P<digits>{_digits(7)}){_AFTER}", "KCT"),
    _form("LBCTR", rf"{_BEFORE}LBCTR{_NAMED}(?P<digits>{_digits(10)}){_AFTER}", "LBCTR"),
    _form(
        "REPEC",
        rf"{_BEFORE}PER\s?-\s?(?P<number>[0-9]{{3}})\s?-\s?(?P<year>[0-9]{{2}})(?![0-9]|-[0-9])",
        _joined("PER-{0}-{1}", "number", "year"),
    ),
    _form("ReBEC", rf"{_BEFORE}RBR\s?[-:]?\s?(?P<code>[0-9a-z]{{6,8}})(?![0-9A-Za-z])", _rbr),
    _form("RPCEC", rf"{_BEFORE}RPCEC{_NAMED}(?P<digits>{_digits(8)}){_AFTER}", "RPCEC"),
    _form(
        "SLCTR",
        rf"{_BEFORE}SLCTR{_NAMED}(?P<year>20[0-9]{{2}})\s?[/\s-]\s?(?P<number>[0-9]{{3}}){_AFTER}",
        _joined("SLCTR/{0}/{1}", "year", "number"),
    ),
    _form("TCTR", rf"{_BEFORE}TCTR{_NAMED}(?P<digits>20[0-9]{{6}}[0-9]{{3}}){_AFTER}", "TCTR"),
    _form("ITMCTR", rf"{_BEFORE}ITMCTR{_NAMED}(?P<digits>{_digits(10)}){_AFTER}", "ITMCTR"),
)

# After a number: further ones of the same registry whose name is not repeated ("NCT01234567 and 01234568").
FURTHER = {
    "NCT": re.compile(r"(?:\s*(?:,|;|/|&|\band\b|\bor\b)){1,2}\s*(?P<digits>[0-9]{8})(?![0-9]|[-/.][0-9])"),
    "ISRCTN": re.compile(r"(?:\s*(?:,|;|/|&|\band\b|\bor\b)){1,2}\s*(?P<digits>[0-9]{8})(?![0-9]|[-/.][0-9])"),
}
