"""The patterns of `litmine.text.variants`: the forms in which texts write genetic variants.

They follow the annotation guideline of tmVar 3 (Wei et al., Bioinformatics 2022): rs numbers, HGVS forms of proteins
and DNA and their older spellings, changes in words, and deletions, insertions, duplications and repeats whose size or
bases are given. Every repetition is bounded, so that the time is linear in the length of the text.
"""

import re

from litmine.text.variant_names import AMINO_ACID_WORDS, AMINO_ACIDS, NUCLEOTIDE_WORDS

# Nothing that continues the word or number stands before or after a variant.
_START, _END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_ONE = "[ACDEFGHIKLMNPQRSTVWY]"
_CODES = "|".join(code.capitalize() for code in AMINO_ACIDS)
_THREE = f"(?:{_CODES}|{_CODES.upper()})"
_THREE_ANY = f"(?:{_CODES}|{_CODES.upper()}|{_CODES.lower()})"
_STOP = r"(?:stop|STOP|Stop|Ter|TER|Term|X|\*)"
_FIRST = f"(?:{_THREE_ANY}|{_ONE})"
_BASE = "[ACGT]"
_ARROW = r"(?:\s?-{0,2}\s?>\s?)"
_ARROW_OR_SLASH = r"(?:\s?-{0,2}\s?>\s?|\s?/\s?)"
_LEVEL = r"(?:(?<![A-Za-z0-9])(?P<level>[cgmnr])\.\s?\[?)"
_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,3}|[0-9]{1,9})"
_INTRON = r"(?:(?:IVS|ivs)\s?-?(?:[0-9]{1,3}|[IVX]{1,5})[,:]?\s?[-+]\s?[0-9]{1,6})"
_POINT = rf"(?:{_INTRON}|[-+*]?\s?{_NUMBER}(?:\s?[-+]\s?[0-9]{{1,6}})?)"
_RANGE = rf"(?:{_INTRON}|(?:(?<![A-Za-z0-9)])[-+*])?{_NUMBER}(?:\s?[-+]\s?[0-9]{{1,6}})?)"
_BASE_WORD = rf"(?:{'|'.join(NUCLEOTIDE_WORDS)})(?:\s\({_BASE}\))?"
_ACID_WORD = (
    rf"(?:{'|'.join(AMINO_ACID_WORDS)})(?:\s(?:residue|codon|radical))?(?:\s\((?:{_CODES}|{_ONE}|{_BASE}{{3}})\))?"
)
_CHANGE = (
    r"(?:\s(?:point|single|missense|nonsense|nucleotide|base|amino[- ]acid|base[- ]pair)){0,2}"
    r"\s(?:substitutions?|transitions?|transversions?|mutations?|changes?|polymorphisms?|replacements?|exchanges?"
    r"|variants?|variations?|conversions?)"
)
_IN_DNA = (
    r"(?:\s(?:at|of|in|on|to)|,)?(?:\sthe)?(?:\s(?:cDNA|genomic|mtDNA|polymorphic|promoter))?"
    r"(?:\s(?:nucleotides?|position|nt|base|bp|np|positions|site|residue)){1,2}(?:\snumber)?\s"
)
_IN_PROTEIN = (
    r"(?:\s(?:at|of|in|on)|,)?(?:\sthe)?\s(?:amino[- ]acid(?:\s(?:position|residue))?|codon|residue|position)"
    r"(?:\s(?:number|position))?\s"
)
_COUNT = (
    r"(?:[0-9]{1,3}(?:[,.][0-9]{1,4}){0,2}|[0-9]{4,7}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
)
_UNIT = r"(?:bp|bps|kb|kbp|Kb|KB|Mb|Mbp|MB|base[- ]?pairs?|base|nucleotides?|nt)"
_EVENT = r"(?:deletions?|insertions?|duplications?)"
_EVENTS = rf"(?:{_EVENT}(?:[/-]{_EVENT})?|indels?|ins/del|del/ins|inserts?)"


def _compile(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(pattern, flags)


RS = _compile(rf"[rR][sS](?<![A-Za-z0-9]..)(?:\s?#?\s?|-)(?P<digits>[1-9][0-9]{{2,11}}){_END}")

# Proteins
PROTEIN_PREFIXED = _compile(
    rf"\bp\.\s?[\[(]{{0,2}}(?P<before>{_FIRST}|\*|X|Ter)\s?(?P<position>[0-9]{{1,5}})"
    rf"(?:(?P<event>(?:_(?P<to>{_FIRST})?(?P<end>[0-9]{{1,5}}))?\s?(?P<kind>delins|del|ins|dup)"
    rf"(?P<inserted>(?:{_THREE}){{1,12}}|{_ONE}{{1,30}}|[0-9]{{1,4}})?)"
    rf"|_(?P<open_to>{_FIRST})(?P<open_end>[0-9]{{1,5}})"
    rf"|\s?(?P<shift_after>{_FIRST})?\s?fs(?:\s?\(?(?:X|\*|Ter|stop)?\s?\(?(?P<length>[0-9]{{1,4}}|\?)?\)?)?"
    rf"|\s?(?P<after>{_FIRST}|{_STOP}|=|\?))?(?![A-Za-z0-9_])[\])]{{0,2}}"
)
PROTEIN_FRAMESHIFT = _compile(
    rf"(?P<before>{_THREE}(?<![A-Za-z0-9]...)|{_ONE}(?<![A-Za-z0-9].))(?P<position>[0-9]{{1,5}})"
    rf"(?P<shift_after>{_THREE}|{_ONE})?\s?fs"
    rf"(?:\s?\(?(?:X|\*|Ter|stop)?\s?\(?(?P<length>[0-9]{{1,4}}|\?)?\)?)?{_END}"
)
PROTEIN_ONE = _compile(
    rf"(?P<before>{_ONE})(?P<position>-[1-9]|[1-9][0-9]{{1,4}})(?P<after>{_ONE}|X|\*|stop)(?![A-Za-z0-9])"
)
# What stands directly before a change of a protein: the name of a gene (JAK2V617F).
PREFIX = _compile(r"[A-Za-z0-9]{1,12}\Z")
PROTEIN_THREE = _compile(
    rf"(?P<before>{_THREE})(?<![A-Za-z0-9]...)(?:(?P<hyphen>-)|\s)?\(?(?P<position>-?[1-9][0-9]{{0,4}})\)?"
    rf"(?:\s?|(?(hyphen)-|(?!))|{_ARROW_OR_SLASH}|\s?-{{2,6}}|\s(?:to|by|into)\s)(?P<after>{_THREE_ANY}|{_STOP}){_END}"
)
PROTEIN_SMALL = _compile(
    rf"(?P<before>{_CODES.lower()})(?<![A-Za-z0-9]...)(?P<position>[1-9][0-9]{{0,4}})(?P<after>{_CODES.lower()}){_END}"
)
PROTEIN_PAIR = _compile(
    rf"(?P<before>{_CODES})(?<![A-Za-z0-9]...)(?:{_ARROW}|\sto\s|-to-)(?P<after>{_CODES}|stop|Stop|Ter)"
    rf"(?P<place>(?:{_CHANGE})?{_IN_PROTEIN}(?P<position>[0-9]{{1,5}}))?{_END}"
)
PROTEIN_POSITION_FIRST = _compile(
    rf"(?P<position>[1-9](?<![A-Za-z0-9.-].)[0-9]{{1,4}})(?P<before>{_THREE_ANY}|{_ONE})(?:{_ARROW_OR_SLASH}|-{{2,6}})"
    rf"(?P<after>{_THREE_ANY}|{_ONE}|stop){_END}"
)
PROTEIN_ONE_WORD = _compile(
    rf"(?P<before>{_ONE})(?<![A-Za-z0-9].)\sto\s(?P<after>{_ONE}){_CHANGE}\sat\s(?:position|codon"
    rf"|residue)\s(?P<position>[0-9]{{1,5}}){_END}"
)
DELTA_RESIDUE = _compile(rf"(?:Δ\s?|∆\s?|\b[Dd]elta[- ]?)(?P<before>{_THREE}|{_ONE})-?(?P<position>[0-9]{{2,5}}){_END}")
RESIDUE_EVENT = _compile(
    rf"(?P<before>{_THREE}(?<![A-Za-z0-9]...)|{_ONE}(?<![A-Za-z0-9].))(?P<position>[0-9]{{2,5}})(?:[_-]"
    rf"(?P<to>{_THREE}|{_ONE})(?P<end>[0-9]{{2,5}}))?"
    rf"(?P<kind>delins|del|ins|dup)(?P<inserted>(?:{_THREE}){{1,12}}|{_ONE}{{1,30}})?{_END}"
)
RESIDUES_DELETED = _compile(
    rf"{_START}(?:[A-Z][0-9]{{2,5}}_){{1,5}}[A-Z][0-9]{{2,5}}\s(?:deletion|insertion|duplication)"
    rf"|{_START}[A-Z]{{2,6}}[0-9]{{2,4}}-[0-9]{{2,4}}(?:ins|del|dup){_END}"
    rf"|{_START}[0-9]{{2,5}}(?:del|ins|dup)[A-Z]{{3,12}}{_END}"
)
_TO_STOP = r"(?:a\s)?(?:premature\s)?(?:(?:termination|stop|translation stop)(?:\scodon)?(?:\s\((?:[ACGTU]{3}|X)\))?)"
ACID_WORDS = _compile(
    rf"\b(?:(?P<before>{_ACID_WORD})[\s-](?P<link>to|by|for|with|into|instead of|from)[\s-](?:an?\s|the\s)?"
    rf"(?P<after>{_ACID_WORD}|{_TO_STOP})(?P<place>(?:{_CHANGE})?{_IN_PROTEIN}(?P<position>[0-9]{{1,5}}))?"
    rf"|(?P<before2>{_ACID_WORD})[\s-]?\(?(?P<position2>[0-9]{{1,5}})\)?[\s-](?:to[\s-]|by\s|into\s|with\s)?(?:an?\s)?"
    rf"(?P<after2>{'|'.join(AMINO_ACID_WORDS)}|{_TO_STOP})){_END}",
    re.IGNORECASE,
)
ACID_WORDS_AFTER_CODON = _compile(
    rf"\b(?:codon|residue|position)\s(?P<position>[0-9]{{1,5}})(?:,|:|\sfrom)?\s"
    rf"(?P<before>{_ACID_WORD})[\s-]to[\s-](?P<after>{_ACID_WORD}|{_TO_STOP})\b",
    re.IGNORECASE,
)
STOP_CODON = _compile(
    r"\b(?:stop|termination)(?:\scodon)?\sat\s(?:the\s)?(?:(?:amino[- ]acid|residue|codon|position"
    r"|nucleotides?)\s){1,3}[0-9]{1,5}(?:\sto\s[0-9]{1,5})?\b"
)
STOP_FOR_ACID = _compile(
    rf"\b(?:stop|termination)\scodon\sfor\s(?P<before>{_ACID_WORD}){_IN_PROTEIN}(?P<position>[0-9]{{1,5}})\b",
    re.IGNORECASE,
)
ACID_INTO_STOP = _compile(
    rf"\b(?P<before>{_ACID_WORD}){_IN_PROTEIN}(?P<position>[0-9]{{1,5}})\s(?:in)?to\sa"
    rf"(?:\spremature)?\sstop(?:\scodon)?\b",
    re.IGNORECASE,
)
CODON_CHANGE = _compile(
    rf"\bcodon\s(?:\(CD\)\s?)?(?P<position>[0-9]{{1,5}})[,:]?\s\(?(?P<before>{_BASE}{{3}}){_ARROW_OR_SLASH}"
    rf"(?P<after>{_BASE}{{3}}){_END}"
    rf"|{_START}(?P<before2>{_BASE}{{3}})(?:{_ARROW_OR_SLASH}|\sto\s|-to-)(?P<after2>{_BASE}{{3}})"
    rf"(?:{_CHANGE})?\s(?:at|in|of)\scodon\s(?P<position2>[0-9]{{1,5}})\b"
    rf"|{_START}(?P<before3>{_BASE}{{3}})\((?P<position3>[0-9]{{1,5}})\)(?P<after3>{_BASE}{{3}}){_END}"
)

# DNA
BASE_CHANGE = _compile(
    rf"(?:{_LEVEL}|(?<![A-Za-z0-9.,])|(?=[-+*][0-9]))(?P<position>{_POINT})(?P<gap>[,:]?\s?)(?P<open>\(?)"
    rf"(?P<before>[ACGTacgt]{{1,12}})"
    rf"(?P<arrow>{_ARROW_OR_SLASH}|\sto\s)(?P<after>[ACGTacgt]{{1,12}})(?P<close>\)?){_END}"
)
BASE_OLD = _compile(
    rf"(?P<before>{_BASE})(?<![A-Za-z0-9_].)(?P<position>(?:[-+]\s?)?[0-9]{{1,9}}"
    rf"|\(?-[0-9]{{1,3}},[0-9]{{3}}\)?|IVS[0-9]{{1,2}}[-+][0-9]{{1,4}})"
    rf"(?P<link>{_ARROW}|\sto\s|\sby\s|\s(?={_BASE}\b))?(?P<after>{_BASE})(?:/{_BASE})?{_END}"
)
BASE_EVENT = _compile(
    rf"(?:(?<![A-Za-z0-9])(?P<level>[cgmnr])\.\s?|(?<![A-Za-z0-9.,_]))(?P<start>{_RANGE})(?:(?:_|\sto\s|/)"
    rf"(?P<end>{_RANGE}))?"
    rf"[\s:]?(?P<kind>delins|del/ins|indel|del|ins|dup|inv)(?P<gap>\.(?=[ACGT])|\s(?=\(?[ACGT]))?"
    rf"(?P<open>\(?)(?P<sequence>[ACGT]{{1,60}}|[0-9]{{1,4}}(?:\s?bp)?)?\)?(?:ins"
    rf"(?P<inserted>[ACGT]{{1,60}}))?(?P<times>\([0-9]{{1,3}}\))?{_END}"
)
EVENT_SEQUENCE = _compile(
    r"(?P<kind>del|ins|dup)(?<![A-Za-z0-9/].{3})(?:[ACGT]{2,30}|\s?[0-9]{1,4}\s?bp|[0-9]{1,4})(?![A-Za-z0-9/])"
)
BASE_WORDS = _compile(
    rf"(?:\(\s?)?(?<![A-Za-z0-9-])(?P<before>[ACGT]{{1,3}}|{_BASE_WORD})(?P<link>{_ARROW_OR_SLASH}|\sto\s"
    rf"|-to-|[\s-]for[\s-]|\swas\sreplaced\sby\san?\s)"
    rf"(?P<after>[ACGT]{{1,3}}|{_BASE_WORD})(?![A-Za-z0-9-])(?:\s?\))?(?P<tail>(?P<change>{_CHANGE})?"
    rf"(?:{_IN_DNA}|\sat\s|\sin\scodon\s|\sat\scodon\s|(?:\sin\sexon\s[0-9]+)?\s\(base\s)"
    rf"(?:nt\s|position\s|nucleotide\s)?(?P<level>[cgm]\.)?(?P<position>{_POINT})\)?(?![A-Za-z0-9]))?",
)
BASE_WORDS_AFTER_CODON = _compile(
    rf"\bcodon\s[0-9]{{1,5}},?\s\(?{_BASE}{{1,3}}(?:{_ARROW_OR_SLASH}|\sto\s){_BASE}{{1,3}}\)?{_END}"
)
_EVENT_DETAIL = (
    r"(?:nucleotide|gene|heterozygous|homozygous|interstitial|in-?frame|tandem|genomic|intragenic|coding"
    r"|intronic|exonic|germline"
    r"|guanine|cytosine|adenine|thymine|pairs?|[ACGT]{1,12}|\([ACGT]{1,12}\)|\([A-Za-z]{1,2}[0-9]{1,3}\))"
)
_EVENT_PLACE = (
    rf"(?:(?:,?\s(?:at|in|of)\sexon\s[0-9]{{1,3}},?)?,?\s(?:at|(?:at\s|between\s|in\s)?(?:the\s)?(?:cDNA\s|genomic\s)?"
    rf"(?:nucleotides?|positions?|nt|base|codon|bp)(?:\s(?:positions?|number))?)\s(?P<position>{_POINT})"
    rf"(?:(?:\sand\s|\sto\s|-)(?P<end>[0-9]{{1,9}}))?{_END})"
)
EVENT_WORDS = _compile(
    rf"{_START}(?:"
    rf"(?:{_COUNT})[\s-]?{_UNIT}(?:[\s-]{_EVENT_DETAIL}){{0,2}}[\s-]{_EVENTS}(?:\s\(indel\)|(?!\s\([ACGT]{{2,12}}\)))"
    rf"|{_EVENTS}\sof\s(?:the\s)?(?:{_COUNT})[\s-]?(?:{_UNIT}(?:\s[ACGT]{{2,12}})?|amino\sacids){_END}"
    rf"|{_EVENTS}\sof\s(?:an?\s|the\s)?(?:single\s)?(?:[ACGT]{{1,12}}"
    rf"|\([ACGT]{{1,12}}\)[0-9]{{1,3}}[ACGT]{{0,12}}|{_BASE_WORD})(?:\snucleotides?|\sbase)?{_END}"
    rf"|(?:[ACGT]{{2,12}}|\([ACGT]{{2,12}}\)|[ACGT])\s{_EVENTS}(?!\sof)"
    rf"|{_EVENTS}\s\([ACGT]{{1,12}}\)"
    rf"|{_EVENTS}\sof\samino\sacids\s[0-9]{{1,5}}-[0-9]{{1,5}}"
    rf"|(?:ins/del|del/ins)\s[0-9]{{1,4}}\s?bp"
    rf")(?![A-Za-z0-9]){_EVENT_PLACE}?"
    rf"|{_START}(?:{_BASE_WORD})\s(?:deletion|insertion"
    rf"|duplication){_EVENT_PLACE.replace('P<position>', 'P<position2>').replace('P<end>', 'P<end2>')}"
    rf"|{_START}(?:(?P<first>[0-9]{{2,6}})\s(?:{_BASE_WORD})|(?:{_BASE_WORD})\s(?P<second>[0-9]{{2,6}}))\s"
    rf"(?P<kind>deletion|duplication){_END}"
    rf"|{_START}deletion\sof\s(?:cDNA\s)?(?:nucleotides?|bases?)\s(?P<third>[0-9]{{1,6}})(?:-"
    rf"(?P<last>[0-9]{{1,6}}))?{_END}"
)
# Short patterns that a text with a match of the longer ones has. They begin with a set of characters, which is quick.
HAS_BASE_CHANGE = _compile(r"[0-9][,:]?\s?\(?[ACGTacgt]{1,12}(?:\s?-{0,2}\s?>|\s?/|\sto\s)")
HAS_EVENT = _compile(r"[0-9]\)?[\s:]?(?:del|ins|dup|inv)")
HAS_FRAMESHIFT = _compile(r"[0-9][A-Za-z]{0,3}\s?fs")
HAS_CODON = _compile(r"[ACGT]{3}\([0-9]")
HAS_REPEAT = _compile(r"\)[0-9n]")
HAS_SMALL = _compile(r"[a-z][0-9]{1,5}[a-z]{3}")
HAS_STOP = _compile(r"[0-9]X")
HAS_BASE_WORDS = _compile(
    r"[ACGTe)](?:(?<=[ACGT)])|(?<=ine))(?:\s?-{0,2}\s?>|\s?/|\sto\s|-to-|[\s-]for[\s-]|\swas\sreplaced)"
)
SIDE_WORDS = _compile(
    rf"{_START}(?:[ACGTDI]\sallele\s(?:of|for|at)\s(?:the\s)?[-+]?{_NUMBER}|{_BASE}\sat\s(?:nucleotide\s"
    rf"|position\s){{1,2}}[-+]?{_NUMBER}"
    rf"|(?:IVS)\s?[0-9]{{1,2}}\s?[-+]\s?[0-9]{{1,4}}\s?{_BASE}){_END}|(?<=[A-Z0-9]-)[1-9][0-9]{{2,3}}X{_END}"
)
EVENT_PART = _compile(
    rf"(?P<before>[ACGT]{{1,12}}|{_BASE_WORD})?\s?(?P<kind>deletion|insertion|duplication)(?:\sof\s(?:an?\s"
    rf"|the\s)?(?P<after>[ACGT]{{1,12}}|{_BASE_WORD}))?"
)
DELTA_NUMBER = _compile(
    r"(?:(?:\b|(?<=[A-Z0-9]))[Dd]elta|\b[Dd]elta-(?=32)|\bDD|Δ|∆)[1-9][0-9](?:\sdeletion)?(?![A-Za-z0-9])"
)
REPEAT = _compile(
    rf"(?<![A-Za-z0-9)])\([ACGT]{{2,8}}\)(?:[0-9]{{1,3}}|n)(?:\srepeats?)?(?![A-Za-z0-9(])"
    rf"|{_START}[0-9]{{1,3}}[\s-]?(?:bp|base[- ]pair)(?:\standem)?\srepeats?{_END}"
)

CODES = _CODES
