"""The view `trials` over mentions that a test writes itself, with records, links and registrations beside them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from litmine import Lake
from litmine.lake.articles import read_new_texts
from litmine.lake.registered_trials import write_registered_trials
from litmine.lake.runs import ActiveModel, Run
from litmine.lake.targets import TargetFooter, TargetSet, write_target
from litmine.pipeline.compact import compact
from litmine.tasks.classification.found import FoundLabel, label_rows
from litmine.tasks.ner.model import entity_rows
from litmine.tasks.trials.mentions import TrialMention, all_mentions, rule_mentions
from litmine.tasks.trials.model import trial_rows
from litmine.types import Article, DataBank, Entity, RegisteredTrial, SourceRecord

MODEL, OTHER, TAGGER = "trials@0123456789ab", "other@0123456789ab", "tagger@0123456789ab"
CLASSIFIER = "classifier@0123456789ab"
WHEN = datetime(2025, 1, 1, tzinfo=UTC)
TITLE = "A phase II, double-blind, randomised crossover trial of aspirin in 120 children with headache."
ABSTRACT = "Sixty took aspirin and 60 placebo. Pain fell by 30 %. ISRCTN12345678; NCT00000011."
PAPERS = [
    Article(1, TITLE, ABSTRACT, year=2012, data_banks=(DataBank("ClinicalTrials.gov", ("NCT00000022",)),)),
    Article(
        2, "Aspirin for pain.", "We treated patients.", publication_types=("Clinical Trial, Phase III",), year=2013
    ),
    Article(3, "A systematic review of randomised trials of aspirin.", "Patients.", year=2014),
    Article(4, "Aspirin in mice.", "Mice took aspirin.", year=2014, data_banks=(DataBank("GENBANK", ("X1",)),)),
    Article(5, TITLE, "Protocol of it.", publication_types=("Clinical Trial Protocol",)),
    Article(6, "Aspirin.", "We randomly assigned 40 women to aspirin.", retracted=True),
]
# Words of the first paper, their element and their guideline.
FOUND = [
    ("children with headache", "Population", "PICO-sections"),
    ("120 children with headache", "Population", "EBM-NLP"),
    ("aspirin", "Intervention", "PICO-sections"),
    ("placebo", "Comparator", "PICO-sections"),
    ("Pain", "Outcome", "EvidenceOutcomes"),
    ("120", "total-participants", "PICO-Corpus"),
    ("Sixty", "intervention-participants", "PICO-Corpus"),
    ("60", "control-participants", "PICO-Corpus"),
    ("30 %", "iv-bin-percent", "PICO-Corpus"),
]
NUMBERS = {"120": 120, "Sixty": 60, "60": 60, "40": 40}


def mention(text: str, words: str, element: str, guideline: str) -> TrialMention:
    start = text.index(words)
    return TrialMention(start, start + len(words), words, element, guideline, None, NUMBERS.get(words), 0.75)


def mentions_of(pmid: int, text: str) -> list[TrialMention]:
    found = FOUND if pmid in (1, 5) else [("40", "total-participants", "PICO-Corpus")] if pmid == 6 else []
    heads = [mention(text, *one) for one in found if one[0] in text]
    return [*heads, *rule_mentions(text)]


def write(lake: Lake, targets: TargetSet, part: str, texts: Any, rows: Any) -> None:
    footer = TargetFooter(targets.model, part, len(texts), (), "cpu", "float32", 0.1, 9, {})
    write_target(lake.location, targets, part, texts, rows, footer)


@pytest.fixture
def trial_lake(tmp_path: Path) -> Lake:
    """A lake with what a model of trials and a tagger found in `PAPERS`."""
    lake = Lake.create(tmp_path / "lake")
    for papers in (PAPERS[:3], PAPERS[3:]):
        added = lake.add([SourceRecord(paper, WHEN) for paper in papers], source=f"{papers[0].pmid}", dated=True)
        for part in added.parts:
            texts = read_new_texts(lake.part(part))
            found = [mentions_of(pmid, text) for pmid, text in zip(texts.pmids, texts.texts, strict=True)]
            for model in (MODEL, OTHER):
                write(lake, TargetSet("trial_mentions", model), part, texts, trial_rows(texts, found))
            entities = [
                [Entity("headache", "Disease", text.index("headache"), text.index("headache") + 8, 0.9, "MESH:D006261")]
                if "headache" in text
                else []
                for text in texts.texts
            ]
            write(lake, TargetSet("entities", TAGGER), part, texts, entity_rows(texts, entities))
    active = [ActiveModel("trials", MODEL), ActiveModel("ner", TAGGER)]
    lake.record_run(Run("r", "annotate", WHEN, WHEN, "done", active=active))
    registered = [
        RegisteredTrial("NCT00000011", "Aspirin in children", phase="2", enrolled=130, result_pmids=(1,)),
        RegisteredTrial("NCT00000033", "Aspirin", result_pmids=(2,)),
        RegisteredTrial("NCT00000044", "Never reported"),
    ]
    write_registered_trials(lake.location, registered, "studies.json", WHEN, True)
    return lake


def test_which_articles_report_a_trial(trial_lake: Lake) -> None:
    rows = trial_lake.rows("select pmid, round(score::decimal(4, 3), 2)::double, retracted from trials order by pmid")
    assert rows == [(1, 0.9, False), (2, 1.0, False), (6, 0.8, True)]
    assert trial_lake.rows("select count(*), count(distinct model) from all_trials") == [(6, 2)]


def test_the_cells_of_a_report(trial_lake: Lake) -> None:
    (row,) = trial_lake.sql("select * from trials where pmid = 1").to_pylist()
    assert row["registry_ids"] == ["ISRCTN12345678", "NCT00000011", "NCT00000022"]
    design = row["design"]
    words = design.pop("words")
    assert design == {"randomised": True, "blinding": "double", "crossover": True, "phase": "2"}
    assert [one["mention"] for one in words] == ["phase II", "double-blind", "randomised", "crossover"]
    assert (row["enrolled"], row["enrolled_mention"]["mention"]) == (120, "120")
    assert [(one["arm"], one["number"]) for one in row["arms"]] == [("intervention", 60), ("control", 60)]
    (population,) = row["populations"]
    assert (population["mention"], population["identifiers"]) == ("children with headache", ["MESH:D006261"])
    cells = {name: [one["mention"] for one in row[name]] for name in ("interventions", "comparators", "outcomes")}
    assert cells == {"interventions": ["aspirin"], "comparators": ["placebo"], "outcomes": ["Pain"]}
    assert [(one["measure"], one["mention"]) for one in row["results"]] == [("iv-bin-percent", "30 %")]
    text = f"{TITLE} {ABSTRACT}"
    for one in [*words, *row["populations"], *row["outcomes"], *row["results"], row["enrolled_mention"]]:
        assert text[one["start_char"] : one["end_char"]] == one["mention"]


def test_design_and_numbers_from_the_record(trial_lake: Lake) -> None:
    (row,) = trial_lake.sql("select * from trials where pmid = 2").to_pylist()
    assert (row["design"]["phase"], row["design"]["randomised"], row["enrolled"]) == ("3", None, None)
    assert row["registry_ids"] == ["NCT00000033"]


def test_the_rules_give_the_number_where_the_heads_find_none(trial_lake: Lake) -> None:
    paper = Article(7, "Aspirin: a randomised trial.", "A total of 1,292 ambulatory men took part.")
    (part,) = trial_lake.add([SourceRecord(paper, WHEN)], source="more", dated=True).parts
    texts = read_new_texts(trial_lake.part(part))
    found = [all_mentions(text, []) for text in texts.texts]
    write(trial_lake, TargetSet("trial_mentions", MODEL), part, texts, trial_rows(texts, found))
    (row,) = trial_lake.sql("select enrolled, enrolled_mention, design from trials where pmid = 7").to_pylist()
    assert (row["enrolled"], row["enrolled_mention"]["mention"]) == (1292, "1,292")
    assert [one["mention"] for one in row["design"]["words"]] == ["randomised"]


def test_the_score_of_a_classifier_adds_reports(trial_lake: Lake) -> None:
    """Of articles that nothing else says are reports, and not against the words of a review or of animals.

    Other labels do not count, such as those of a classifier of one's own that is named `rct` too.
    """
    known = trial_lake.rows("select pmid, score from trials order by pmid")
    more = [
        Article(7, "Aspirin or ibuprofen.", "Two groups of women."),
        Article(8, "Aspirin helps."),
        Article(9, "Aspirin in rats."),
    ]
    scores = {1: 0.99, 3: 0.99, 7: 0.75, 8: 0.25, 9: 0.99}
    parts = trial_lake.add([SourceRecord(paper, WHEN) for paper in more], source="more", dated=True).parts
    for part in trial_lake.parts():
        texts = read_new_texts(trial_lake.part(part))
        found = [
            [FoundLabel("rct", "randomized controlled trial", scores[pmid]), FoundLabel("rct", "exclude", 0.9)]
            if pmid in scores
            else []
            for pmid in texts.pmids
        ]
        write(trial_lake, TargetSet("labels", CLASSIFIER), part, texts, label_rows(texts, found))
        if part in parts:
            write(
                trial_lake,
                TargetSet("trial_mentions", MODEL),
                part,
                texts,
                trial_rows(texts, [[] for _ in texts.pmids]),
            )
    assert trial_lake.rows("select pmid from trials where pmid > 6") == []
    active = [ActiveModel("trials", MODEL), ActiveModel("ner", TAGGER), ActiveModel("classification", CLASSIFIER)]
    later = WHEN + timedelta(days=1)
    trial_lake.record_run(Run("r2", "annotate", later, later, "done", active=active))
    assert trial_lake.rows("select pmid, score, design.randomised from trials where pmid > 6") == [(7, 0.75, True)]
    assert trial_lake.rows("select pmid, score from trials where pmid <= 6 order by pmid") == known


def test_registrations_without_a_report(trial_lake: Lake) -> None:
    query = (
        "select registry_id from registered_trials anti join (select unnest(registry_ids) as registry_id from trials)"
        " using (registry_id)"
    )
    assert trial_lake.rows(query) == [("NCT00000044",)]


def test_compaction_keeps_every_view(trial_lake: Lake) -> None:
    queries = [f"from {view} order by all" for view in ("trial_mentions", "trials", "all_trials", "registered_trials")]
    before = [trial_lake.rows(query) for query in queries]
    again = RegisteredTrial("NCT00000044", "Never reported", updated="2020-01-01")
    write_registered_trials(trial_lake.location, [again], "newer.json", WHEN, True)
    compact(trial_lake, part_rows=6, grace=timedelta(0))
    names = trial_lake.rows("select distinct part from targets where task = 'trials'")
    assert len(names) == 1
    after = [trial_lake.rows(query) for query in queries]
    assert after[:3] == before[:3]
    assert trial_lake.rows("select registry_id, updated from registered_trials where updated is not null") == [
        ("NCT00000044", "2020-01-01")
    ]
    # The same file again writes nothing, although its rows are in a merged file.
    assert not write_registered_trials(trial_lake.location, [again], "newer.json", WHEN, True)
