"""Names of drug classes, such as "ACE inhibitors" and "NSAIDs", which the corpora of chemicals do not annotate.

They are the frequent ones among MeSH's names of pharmacologic actions (branch D27.505) in reviews of drug classes, and
further ones of the same form. The linker gives them MeSH's identifiers.
"""

import re
from collections.abc import Iterator

# In the plural, or before a word such as "drugs": alone, the singular is mostly an adjective.
_CLASSES = """
analgesic anesthetic antacid anti-emetic antiarrhythmic antibiotic anticholinergic anticoagulant anticonvulsant
antidepressant antidiabetic antiemetic antiepileptic antifungal antihistamine antihyperglycemic antihypertensive
antimalarial antimicrobial antimuscarinic antineoplastic antioxidant antiparasitic antiplatelet antipsychotic
antiretroviral antirheumatic antispasmodic antithrombotic antiviral anxiolytic barbiturate bronchodilator
cephalosporin chemotherapeutic contraceptive corticosteroid cytostatic diuretic fibrate fluoroquinolone glucocorticoid
hypnotic hypoglycemic immunosuppressant immunosuppressive laxative macrolide narcotic neuroleptic nootropic opiate
opioid penicillin phenothiazine progestin progestogen psychostimulant psychotropic retinoid sedative stimulant
sulfonamide sulfonylurea tetracycline thiazide thiazolidinedione tocolytic tranquilizer vasoconstrictor vasodilator
vasopressor
""".split()  # noqa: SIM905 - a list of words in quotes would be longer
# In the singular too.
_SINGULARS = """
aminoglycoside benzodiazepine bisphosphonate carbapenem coxib dmard gliptin gliflozin glinide noac nsaid serm snri ssri
statin triptan z-drug
""".split()  # noqa: SIM905
# Of several words, in both numbers.
_PHRASES = """
tricyclic antidepressant|loop diuretic|thiazide diuretic|beta[- ]lactam
|(?:direct|novel|new) oral anticoagulant|oral contraceptive|inhaled corticosteroid|opioid analgesic|local anesthetic
|(?:non-?steroidal )anti-?inflammatory (?:drug|agent)
|(?:[βα]|beta|alpha)-?[12]?[- ](?:adrenergic[- ]|adreno(?:re)?ceptor[- ])?(?:blocker|agonist|antagonist|blocking agent)
|calcium[- ](?:channel|entry)[- ](?:blocker|antagonist)|angiotensin(?: II)?[- ]receptor[- ](?:blocker|antagonist)
|(?:ACE|angiotensin[- ](?:I[- ])?converting[- ]enzyme)[- ]inhibitor|H2[- ](?:receptor )?(?:blocker|antagonist)
|(?:proton pump|cholinesterase|acetylcholinesterase|monoamine oxidase|MAO|phosphodiesterase|PDE-?5|aromatase|protease
|integrase|neuraminidase|calcineurin|mTOR|JAK|Janus kinase|tyrosine kinase|PARP|CDK4/6|proteasome|immune checkpoint
|checkpoint|SGLT-?2|DPP-?4|COX-2|cyclooxygenase-2|carbonic anhydrase|xanthine oxidase|renin|neprilysin|vasopeptidase
|HMG-CoA reductase|factor Xa|thrombin|TNF|PCSK9|(?:selective )?serotonin(?:[- ]norepinephrine)? reuptake) inhibitor
|(?:vitamin K|aldosterone|mineralocorticoid receptor|dopamine(?: receptor)?|opioid|muscarinic|leukotriene receptor
|histamine H[12] receptor|serotonin|5-HT[1-4]?|NMDA receptor) antagonist
|(?:dopamine(?: receptor)?|GLP-1 receptor|opioid|serotonin|5-HT1|muscarinic) agonist
|selective (?:o?estrogen receptor modulator|COX-2 inhibitor)|neuromuscular (?:blocking agent|blocker)
"""
_WORDS = frozenset({*(f"{one}s" for one in _CLASSES), *_SINGULARS, *(f"{one}s" for one in _SINGULARS)})
_ADJECTIVES = frozenset(_CLASSES)
_NOUNS = frozenset(f"{one}{end}" for one in ("drug", "agent", "medication", "medicine") for end in ("", "s"))
# The last words of phrases, without what stands before a hyphen.
_ENDS = """
agent agonist analgesic anesthetic antagonist anticoagulant antidepressant blocker contraceptive corticosteroid diuretic
drug inhibitor lactam modulator
""".split()  # noqa: SIM905
_LAST_WORDS = frozenset({*_ENDS, *(f"{one}s" for one in _ENDS)})
_PHRASE = re.compile(rf"(?<![\w-])(?:{_PHRASES.replace(chr(10), '')})s?\Z", re.IGNORECASE)
_WORD = re.compile(r"[\w-]+")
# Characters of the longest phrase, and more.
_LONGEST = 64


def find_drug_classes(text: str) -> Iterator[tuple[int, int]]:
    """The offsets of the names of drug classes, in order; none overlaps another. Capitals do not matter.

    A word of the text is looked up, and only the last words of phrases are compared with all phrases.
    """
    start_before, before, end_of_found = 0, "", 0
    for match in _WORD.finditer(text):
        word = match[0].lower()
        found = None
        if word.rpartition("-")[2] in _LAST_WORDS:
            from_char = max(end_of_found, match.end() - _LONGEST)
            phrase = _PHRASE.search(text, from_char, match.end())
            found = None if phrase is None else phrase.start()
        if found is None and word in _WORDS:
            found = match.start()
        if found is None and word in _NOUNS and before in _ADJECTIVES and text[match.start() - 1] == " ":
            found = start_before
        if found is not None:
            yield found, match.end()
            end_of_found = match.end()
        start_before, before = match.start(), word
