"""Cues of negation, hypothesis and indication, as regular expressions over a sentence, with their sources.

In a wording of an indication `<S>` is the mention of the subject, a drug, and `<O>` that of the object, a disease or an
effect. `<1>` to `<9>` skip up to so many words of one clause, none of which speaks of cause or time (`NOT_SKIPPED`).

Sources. NegEx: Chapman et al., A simple algorithm for identifying negated findings and diseases in discharge summaries,
J Biomed Inform 34(5), 2001. ConText: Harkema et al., ConText: an algorithm for determining negation, experiencer and
temporal status from clinical reports, J Biomed Inform 42(5), 2009. BioScope: Vincze et al., The BioScope corpus, BMC
Bioinformatics 9 (suppl. 11), 2008. Naranjo: the degrees of the scale of Naranjo et al., A method for estimating the
probability of adverse drug reactions, Clin Pharmacol Ther 30(2), 1981. PHEE and ADE: wordings of the train split of
PHEE (Sun et al., EMNLP 2022), and of the articles of the ADE corpus (Gurulingappa et al., J Biomed Inform 45(5), 2012)
that are not held out.
"""

from dataclasses import dataclass
from typing import Literal

# Where the scope of a cue is: after it, before it, on both sides. `none`: the words only look like a cue.
Scope = Literal["after", "before", "around", "none"]


@dataclass(frozen=True, slots=True)
class Cues:
    """Cues with one scope from one source.

    reach: number of words that the scope has at most, on either side. takes_as_known: a relation that is named as one
    of cause and effect (`NAMED`) is nothing that such a cue asks for.
    """

    scope: Scope
    reach: int
    source: str
    patterns: tuple[str, ...]
    takes_as_known: bool = False


_THEN_HAPPENED = r"(?:caused?|developed?|had|experienced|induced|resulted|led|presented|died|produced|was|were|is|are)"

# Ends of a scope: a clause that may say the opposite, or the next sentence.
SCOPE_ENDS = (
    r";",
    r"[.!?](?=\s+[A-Z(])",
    # NegEx and ConText, terminators.
    r"\b(?:but|however|although|though|whereas|except|yet|nevertheless|(?:aside|apart) from|because|since|until)\b",
    # PHEE and ADE.
    r"\b(?:while|despite|unlike|in contrast)\b",
    r"^(?:in the absence of|without)\b[^,]{0,80},",
    r"\band (?=(?:\w+ly |then )?" + _THEN_HAPPENED + r"\b)",
)

_SEEN = (
    r"(?:observed|seen|noted|noticed|found|detected|reported|described|documented|published|recorded|recogni[sz]ed|"
    r"identified|encountered|demonstrated|evident|apparent|known|confirmed|suggested|mentioned|attributed|associated)"
)

NEGATION: tuple[Cues, ...] = (
    Cues("none", 0, "NegEx, pseudo-negation", (
        r"not only", r"not necessarily", r"not certain(?:ly)? (?:if|whether)",
        r"no (?:significant |suspicious |interval )?change", r"no (?:further|increase)", r"without difficulty",
        r"gram[- ]negative",
    )),
    Cues("none", 0, "ADE, double or partial negation", (
        r"(?:no|without(?: a)?) (?:doubt|question|exception)", r"not (?:un|in|ir)\w+",
        r"not (?:rare|surprising)(?:ly)?",
        r"no (?:longer|less|fewer)", r"not (?:until|all|always|every\w*|just|merely|simply|solely|yet)",
        r"(?:can ?not|could not|not) be (?:\w+ )?(?:ruled out|excluded|discounted|dismissed)",
        r"(?:if|or|whether or) not", r"not (?:frequent|usual|typical|general|necessari|exclusive)ly",
        r"unlikely to be (?:a )?(?:coinciden\w+|chance|due to chance)",
    )),
    Cues("none", 0, "PHEE, the first report of what an article reports", (
        rf"(?:not|never|n['’]t) (?:been |have |has )*(?:previously|hitherto|before) (?:been )?{_SEEN}",
        rf"(?:not|never|n['’]t) (?:\w+ ){{0,2}}?{_SEEN} (?:previously|before|earlier|hitherto)",
    )),
    Cues("none", 0, "ADE, another word is negated", (
        r"(?:no|not|without) (?:a |any |the )?(?:\w+ ){0,2}?(?:history|reason|explanation|consensus|predispos\w+)",
        r"not (?:been )?(?:\w+ly )?(?:understood|established|elucidated|clear)",
        r"not (?:respond|improve|resolve|recover|survive|subside|abate|disappear|reduce|prevent|treat)\w*",
    )),
    Cues("after", 8, "NegEx, pre-negation", (
        r"no", r"not", r"n['’]t", r"cannot", r"den(?:y|ie[sd]|ying)", r"free of", r"negative for", r"never", r"neither",
        r"nor", r"none(?: of)?", r"fail(?:s|ed|ure)? to", r"instead of", r"rather than", r"unlikely",
    )),
    Cues("after", 5, "NegEx, pre-negation of what follows closely", (
        r"without", r"absence of", r"lack(?:s|ed)? of", r"rule[sd]? out", r"exclude[sd]?",
    )),
    Cues("after", 10, "ConText", (r"no (?:\w+ )?(?:evidence|signs?|cases?|reports?|data) (?:of|on|for|that)",)),
    Cues("after", 3, "PHEE", (r"little", r"unrelated to", r"independent(?:ly)? of")),
    Cues("around", 12, "NegEx, post-negation, and PHEE", (
        rf"(?:not|never|n['’]t) (?:yet )?(?:(?:have |to )?be(?:en)? )?(?:\w+ly |been )*{_SEEN}",
        r"(?:did|do|does|has|have|had) (?:not|never) (?:\w+ly )?(?:occur|develop|recur|arise|reappear)\w*",
    )),
    Cues("before", 5, "NegEx, post-negation", (
        r"(?:was|were|is|are) (?:\w+ly )?(?:absent|ruled out|excluded|unlikely|denied)",
    )),
)  # fmt: skip

_SUPPOSED = r"(?:possible|probable|likely|suspected|postulated|proposed|hypothesi[sz]ed|speculated)"

HYPOTHESIS: tuple[Cues, ...] = (
    Cues("none", 0, "ADE, no hypothesis", (r"may (?=\d{4})", r"as possible", r"if any", r"known potential")),
    Cues("none", 0, "trials of drugs, a comparison of frequencies", (
        r"(?:more|less|equally|as) likely (?:than|as|to (?:report|have|experience|develop|suffer|complain))",
        r"(?:lower|reduced|decreased|less|lesser|smaller) (?:\w+ ){0,2}?risks? of", r"less at risk (?:of|for)",
    )),
    Cues("after", 14, "BioScope", (
        r"may", r"might", r"could", r"whether", r"possib(?:le|ly)", r"possibility", r"potentially", r"perhaps",
        r"probabl[ey]", r"likely", r"presum\w+", r"assum(?:e|ed|ing|ption)", r"suspect\w*", r"suspicion",
        r"suggest(?:s|ing) (?:\w+ )?that", r"hypothes\w+", r"propos\w+", r"postulat\w+", r"speculat\w+",
        r"putative", r"conceivabl[ey]", r"in theory", r"theoretical(?:ly)?",
    )),
    Cues("after", 12, "ConText, hypothetical", (r"^if", r"risk of", r"at risk (?:of|for)", r"in case of")),
    Cues("after", 14, "PHEE", (
        r"should (?:\w+ )?(?:be )?(?:aware|alert\w*|consider\w*|suspect\w*|includ\w+|added|monitor\w*|recogni[sz]ed)",
        r"alert\w*", r"Naranjo",
    )),
    Cues("after", 14, "PHEE", (
        r"to (?:\w+ly )?(?:investigate|assess|determine|examine|evaluate|test|find out|study)",
    ), takes_as_known=True),
    Cues("before", 14, "BioScope, Naranjo", (
        rf"(?:is|was|are|were|be|been|seems?|appears?) (?:\w+ly |a |the )?{_SUPPOSED}",
        r"(?:can ?not|could not|not) be (?:\w+ )?(?:ruled out|excluded|discounted|dismissed)",
        r"remains? (?:to be \w+|unclear|unknown|uncertain)", r"(?:is|was) (?:unclear|unknown|uncertain)", r"Naranjo",
    )),
)  # fmt: skip

_PERSONS = (
    r"(?:patients?|children|child|wom[ae]n|m[ae]n|adults?|infants?|girls?|boys?|subjects?|cases?|males?|females?|"
    r"individuals?|people|persons?|neonates?|newborns?|adolescents?|volunteers?)"
)
_GIVEN = (
    r"(?:given|prescribed|started|begun|administered|added|instituted|initiated|commenced|used|taken|received|taking|"
    r"receiving|ordered|chosen|tried)"
)
_TREATMENT = r"(?:treatment|therapy|management|prophylaxis|prevention|control|relief|suppression|treating|eradication)"
_TREATS = (
    r"(?:relieve[sd]?|improve[sd]?|reverse[sd]?|clear(?:s|ed)?|resolve[sd]?|control(?:s|led)?|abolishe[sd]|suppresse[sd]|"
    r"alleviate[sd]?|ameliorate[sd]?|reduce[sd]?|attenuate[sd]?|treat(?:s|ed)?|prevent(?:s|ed)?|cure[sd]?|end(?:s|ed)?)"
)
_LESSENED = r"(?:reduce[sd]?|attenuate[sd]?|lessen(?:s|ed)?|diminishe?[sd]?)"
_LESSENS = (
    r"(?:reduces?|attenuates?|lessens?|diminishe?s?|"
    r"(?:significantly|markedly) (?:reduced|attenuated|lessened|diminished))"
)
_FOR = r"(?<!responsible )(?<!risk )(?<!potential )(?<!except )(?<!account )(?<!accounted )(?<!time )(?:for|against)"
_NO_TIME = r"(?!(?:\S+ ){0,2}(?:days?|weeks?|months?|years?|hours?|minutes?|doses|cycles|courses)\b)"

# Words that no wording of an indication skips: they say that the object came of something, or when.
NOT_SKIPPED = (
    r"(?:develop|experienc|present|show|caus|induc|associat|secondary|due\b|after\b|following|while\b|when\b|risk|result|"
    r"lead|led\b|report|withdr|discontin|stop|cessat|\S{1,40}-(?:induced|related|associated))"
)

# The end of the word that a mention is in, and a space.
_END = r"\S{0,20} "
_AFFECTED = rf"{_PERSONS} <3>(?:with|who had|suffering from|affected by)"
_TAKING = r"(?:treated (?:\w+ )?with|on|taking|receiving|received|given|prescribed|maintained on|undergoing)"
_THEN_HAD = (
    r"(?:who |that |and |subsequently |\S{1,20}ly ){0,3}"
    r"(?:developed|experienced|had|presented|showed|died|exhibited|suffered)\b"
)
_WAS = r"(?:was |were |is |being |been |and |\w{1,20}ly ){0,3}"
_IMPROVED = r"(?:responded|responsive|improved|resolved|remitted|subsided|stopped|ceased)"
_LATER = r"[^;:.]{0,200}"

# The relation is named as one of cause and effect. Source: trials of drugs.
NAMED = (
    r"(?:<S>\S{0,20}[- ](?:induced|related|associated|evoked) <2><O>|"
    r"<O>\S{0,20} (?:(?:and|or) \S{1,40} )?"
    r"(?:(?:attributable|due|secondary) to|(?:induced|caused|produced|evoked) by) (?:\S{1,20} ){0,2}<S>)"
)

# The drug is given for the disease if the sentence has one of these. Source: PHEE and ADE.
INDICATION: tuple[str, ...] = (
    rf"<S>{_END}<5>{_FOR} {_NO_TIME}(?:the )?(?:{_TREATMENT} (?:of|for) )?<4><O>",
    rf"{_TREATMENT} (?:of|for|against) <4><O>{_END}<4>(?:with|by|using) <3><S>",
    rf"<S>{_END}<6>{_TREATMENT} (?:of|for|against) <3><O>",
    rf"<O>{_END}{_WAS}(?:treated|managed|controlled|relieved) <1>(?:with|by) <4><S>",
    rf"{_AFFECTED} <4><O>{_END}<6>{_TAKING} <4><S>",
    rf"{_AFFECTED} <2><O>{_END}{_THEN_HAD}{_LATER}<S>",
    rf"<O>(?:-\w+)? {_PERSONS} {_LATER}<S>",
    rf"<S>{_END}<6>(?:in|to) <4>{_PERSONS} <2>with <4><O>",
    rf"<S>{_END}[^;:.]{{0,100}}(?:in|to) <1><O>(?:-\w+)? {_PERSONS}",
    rf"<S>-(?:induced|related|associated) <4>in <4>{_PERSONS} (?:\w+ )?with <3><O>",
    rf"<S>{_END}<4>to <1>(?:treat|control|prevent|relieve|suppress|manage|alleviate) <4><O>",
    rf"<S>{_END}<2>{_TREATS} <3><O>",
    rf"<S>{_END}<7>{_LESSENS} <3><O>",
    rf"<S>{_END}(?:given|administered) (?:[^\s;:.]{{1,40}} ){{0,6}}?{_LESSENS} <3><O>",
    rf"<S>{_END}<3>{_LESSENED} <1>\S{{1,40}}-induced <2><O>",
    rf"<O>{_END}<2>{_IMPROVED} <1>(?:to|with|on|under) <3><S>",
    rf"<O>{_END}(?:was |were )?(?:successfully |partially |completely )?(?:reversed|relieved|abolished) by <3><S>",
    rf"(?:because of|for) <4><O>{_END}<4><S>{_END}(?:was|were|had been) <1>{_GIVEN}",
    rf"<S>{_END}<5>(?:was|were) <1>{_GIVEN} <2>(?:because of|because|for|against) {_NO_TIME}<3><O>",
    rf"(?:treated|{_GIVEN}) <1>(?:with )?<2><S>{_END}<3>(?:for|against|because of) {_NO_TIME}<5><O>",
    r"<S>-treated <4><O>",
    rf"(?:treated|{_TREATMENT}) (?:for|of) <3><O>{_END}with <3><S>",
)
