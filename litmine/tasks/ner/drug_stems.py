"""Names of drugs by their stems, such as "gefitinib" and "adalimumab".

An international nonproprietary name (INN) ends with the stem of its group, so new drugs are recognised that no corpus
annotates yet. The endings are modelled on WHO's list of stems but were not compared with it, and some are longer or
shorter than the stem. Endings of other English or biological words are left out: "-stat" (angiostatin), "-cept"
(concept), "-tidine" (histidine), "-sterol".
"""

import re
from collections.abc import Iterator

_STEMS = tuple(
    """
tinib ciclib rafenib metinib parib zomib lisib degib rasib sidenib sertib clax mab
gliptin gliflozin glitazone glutide glumide
sartan xaban gatran grelor parin parinux ivaptan vastatin dipine olol azosin pril lukast
prazole oxetine triptan azepam azolam racetam gabalin triptyline pramine zapine tiapine peridone rizine thazine
floxacin cillin penem bactam mycin micin kacin oprim conazole fungin nidazole bendazole quine cycline
ciclovir cyclovir tegravir navir previr asvir buvir trelvir mivir fovir desivir cavir piravir virine citabine
rubicin bicin platin taxel tecan mustine trexed trexate inostat limus lidomide trozole mestane gestrel relin
coxib oxicam profen fenac setron caine fentanil curonium curium barbital atadine metidine motidine nitidine
methasone nisolone sonide buterol meterol moterol tropium fenacin stigmine thiazide calcitol nercept bercept tacept
""".split()  # noqa: SIM905 - a list of words in quotes would be longer
)
# A stem, with as many letters before it at least: "april" is no drug.
_BEFORE = 2
_WORD = re.compile(r"(?<![\w-])[A-Za-z][a-z]{5,}(?!\w)")


def find_drug_names(text: str) -> Iterator[tuple[int, int]]:
    """The offsets of the words with the stem of a drug's name, in order."""
    for match in _WORD.finditer(text):
        if _is_drug(match[0]):
            yield match.span()


def _is_drug(word: str) -> bool:
    return word.endswith(_STEMS) and any(word.endswith(stem) for stem in _STEMS if len(stem) <= len(word) - _BEFORE)
