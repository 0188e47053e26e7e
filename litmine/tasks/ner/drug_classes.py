"""Names of drug classes, such as "ACE inhibitors" and "NSAIDs", which the corpora of chemicals do not annotate.

They are the frequent ones among MeSH's names of pharmacologic actions (branch D27.505) in reviews of drug classes, and
further ones of the same form. The linker gives them MeSH's identifiers.
"""

import re

# In the plural, or before a word such as "drugs": alone, the singular is mostly an adjective.
_PLURALS = """
analgesic anesthetic antacid anti-emetic antiarrhythmic antibiotic anticholinergic anticoagulant anticonvulsant
antidepressant antidiabetic antiemetic antiepileptic antifungal antihistamine antihyperglycemic antihypertensive
antimalarial antimicrobial antimuscarinic antineoplastic antioxidant antiparasitic antiplatelet antipsychotic
antiretroviral antirheumatic antispasmodic antithrombotic antiviral anxiolytic barbiturate bronchodilator
cephalosporin chemotherapeutic contraceptive corticosteroid cytostatic diuretic fibrate fluoroquinolone
glucocorticoid hypnotic hypoglycemic immunosuppressant immunosuppressive laxative macrolide narcotic neuroleptic
nootropic opiate opioid penicillin phenothiazine progestin progestogen psychostimulant psychotropic retinoid sedative
stimulant sulfonamide sulfonylurea tetracycline thiazolidinedione tocolytic tranquilizer vasoconstrictor vasodilator
vasopressor
""".split()  # noqa: SIM905 - a list of words in quotes would be longer
# Both numbers.
_NAMES = """
aminoglycoside|benzodiazepine|bisphosphonate|carbapenem|coxib|DMARD|gliptin|gliflozin|glinide|NOAC|NSAID|SNRI|SSRI|SERM
|statin|triptan|tricyclic antidepressant|loop diuretic|thiazide diuretic|thiazide|Z-drug|beta[- ]lactam
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
_TEXT = (
    rf"(?:{'|'.join(_PLURALS)})(?:s| (?:drug|agent|medication|medicine)s?)|"
    rf"(?:{_NAMES.replace(chr(10), '')})s?(?: drugs?)?"
)
DRUG_CLASS = re.compile(rf"(?<![\w-])(?:{_TEXT})(?![\w-])", re.IGNORECASE)
