"""Guess the type of a question from its words: yes/no, list, or factoid."""

import re

# The end of a sentence counts only before a question word, so that "E. coli" is not split.
_SENTENCE_END = re.compile(
    r"(?<=[.?!])\s+(?=(?:what|which|who|how|is|are|do|does|can|please|list|name)\b)", re.IGNORECASE
)
_YESNO_QUESTION = re.compile(
    r"(am|are|is|was|were|do|does|did|can|could|has|have|had|should|would|will|may|might|must)\b", re.IGNORECASE
)
_LIST_QUESTION = re.compile(
    r"((?:can|could|would|will)\s+you\s+)?(please\s+)?(list|name|enumerate|provide|give)\b"
    r"|(what|which|who)\s+(are|were|have)\b",
    re.IGNORECASE,
)
_AFTER_WHICH = re.compile(r"\b(?:which|what)\s+(.*)", re.IGNORECASE | re.DOTALL)
_QUESTION_WORD = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
# The number of words after "which" or "what" among which a plural makes a list question.
_MAX_NOUN_WORDS = 4


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PLURAL_VERBS = _words("are were have")
# A noun phrase ends before one of these.
_NOT_NOUNS = _words(
    """a an and at by can cause causes could did do does during for from had has in into is may of on or that the to via
    was who will with within would"""
)
# Verbs of the third person that are no plural nouns in questions about biomedicine.
_VERBS = _words(
    """accelerates activates affects aggravates alleviates allows alters amplifies antagonizes attenuates attracts
    becomes belongs binds carries catalyses catalyzes causes cleaves coordinates comes comprises confers consists
    contains contributes converts cures degrades delays depletes destroys detects determines develops diagnoses
    differentiates disrupts eliminates emits encodes enables engages enhances ensures explains facilitates generates
    gives governs hydrolyses hydrolyzes ignites impairs improves includes indicates induces infects inhibits initiates
    innervates interacts involves kills lacks leads limits lowers maintains makes mediates metabolises metabolizes
    methylates modifies modulates neutralises neutralizes occurs orchestrates oxidises oxidizes participates
    phosphorylates plays precedes predicts predisposes prevents produces prolongs promotes proposes protects provides
    provokes reduces regulates releases relieves removes represents represses requires resides responds restores
    secretes seems separates senses sequesters serves stabilises stabilizes stimulates stops supplies supports
    suppresses synthesises synthesizes transcribes translates transmits transports treats ubiquitinates undergoes
    underlies uses works worsens
    yields"""
)
# Verbs of the third person that are as often plural nouns: "which drug targets EGFR", "which drug targets are known".
_VERBS_OR_NOUNS = _words(
    """accounts attacks blocks boosts changes controls counters decreases drives forms functions guides helps increases
    influences links marks matches measures processes results senses shows signals starts targets triggers turns"""
)
# Words that can follow a plural noun. Before any other word, a word of `_VERBS_OR_NOUNS` counts as a verb.
_AFTER_NOUN = (
    _PLURAL_VERBS | _NOT_NOUNS | _words("have can do did may might should could would been associated known used")
)
# Singular nouns in -s; those in -ss, -us and -is are known by their ending.
_SINGULAR = _words(
    """aids always ascites biceps calculus caries diabetes ebolavirus forceps gas herpes hives lens lupus mars measles
    mumps pancreas pubmed rabies rickets scabies series shingles species texas this triceps"""
)
# Plural nouns without -s. "Bacteria" is none of them: most questions of BioASQ mean one kind.
_PLURAL = _words(
    """children criteria foci fungi larvae loci men mice mitochondria nuclei people phenomena
    protozoa spectra strata women"""
)
# Function words of German, French, Spanish, Italian, Portuguese and Dutch that are no English words.
_FOREIGN = _words(
    """auf bedeutet bei beim dem den der das ein eine einem einen einer eines für gegen haben hat heißt
    hilft ist kann mit nach oder sind und unter verursacht von wann warum was welche welchem welchen welcher welches
    werden wie wird wo zum zur
    au aux avec dans du est et la le les ou par pour quand que quel quelle quelles quels qui sont sur une
    como con cuál cuales cuáles cual cuando cómo de del dónde el en es los las para por qué son un una
    che cosa dei del della delle di gli il nel nella per perché quale quali sono è
    ao da das dos é na não no onde os pela pelo quais qual quando
    een het hoe is van voor waar wat welke worden zijn"""
) - _words("is no")
_FOREIGN_LIST = re.compile(r"\b(?:quels|quelles|cu[aá]les|quali|quais|nennen|welche\s.*\bsind)\b", re.IGNORECASE)
# English function words that the other languages lack.
_ENGLISH = _words(
    """about and any are at been between by could did does for from has have how it list name of should that the there
    to were what when where which who why will with would"""
)


def guess_type(text: str) -> str:
    """The type of a question by its words: `yesno` for "Is ...", `list` for "Which genes ...", else `factoid`."""
    sentence = _SENTENCE_END.split(text.strip())[-1]
    if not is_english(sentence):
        return "list" if _FOREIGN_LIST.search(sentence) else "factoid"
    # "Can you list ...?" asks for a list.
    if _LIST_QUESTION.match(sentence):
        return "list"
    if _YESNO_QUESTION.match(sentence):
        return "yesno"
    after_which = _AFTER_WHICH.search(sentence)
    if after_which:
        return "list" if _names_several(_WORD.findall(after_which[1])) else "factoid"
    if not _QUESTION_WORD.search(sentence) and _is_plural_head(_WORD.findall(sentence)):
        return "list"
    return "factoid"


def is_english(text: str) -> bool:
    """Whether a question is not clearly in another language: it has fewer of other languages' function words."""
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", text)]
    foreign = [word for word in words if word in _FOREIGN]
    return len(foreign) < 2 or len(foreign) <= sum(word in _ENGLISH for word in words)


def _names_several(words: list[str]) -> bool:
    """Whether the noun after "which" or "what" is a plural: `genes cause ...`, not `gene encodes ...`."""
    for position, word in enumerate(words[:_MAX_NOUN_WORDS]):
        name, following = word.lower(), words[position + 1].lower() if position + 1 < len(words) else ""
        if name in _PLURAL_VERBS:
            return True
        if name in _NOT_NOUNS or name in _VERBS:
            return False
        if name in _VERBS_OR_NOUNS and following and following not in _AFTER_NOUN:
            return False
        if _is_plural(word):
            return True
    return False


def _is_plural_head(words: list[str]) -> bool:
    """Whether a phrase without a question word is about several things: `genes associated with gout`."""
    head = ""
    for word in words:
        if word.lower() in _NOT_NOUNS or (head and word.lower().endswith(("ed", "ing"))):
            break
        head = word
    return _is_plural(head)


def _is_plural(word: str) -> bool:
    if word.lower() in _PLURAL:
        return True
    return (
        len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) and word.lower() not in _SINGULAR
    )
