"""What a model card says of the base and of the time that a training took."""

import json
from pathlib import Path

from litmine.training.card_text import base_data, describe_base_data, format_duration


def test_a_short_training_is_given_in_seconds() -> None:
    assert [format_duration(seconds) for seconds in (0.6, 1.4, 4.4, 89, 130, 100_000)] == [
        "1 second",
        "1 second",
        "4 seconds",
        "89 seconds",
        "2 minutes",
        "1,667 minutes",
    ]


def test_a_card_names_what_the_base_was_trained_on(tmp_path: Path) -> None:
    data = base_data("builtin")
    assert data is not None
    assert "NCBI-disease" in data
    assert "squad_v2.0_dev" in (base_data("builtin-reader") or ())
    paragraph = describe_base_data("builtin", "builtin", ["BC5CDR", "Own"], "ner")
    assert paragraph.startswith("\n\nThe base `builtin` was trained before, on NCBI-disease, BC5CDR, ")
    assert " BC5CDR is used here again. Texts of that data are not new to this model" in paragraph
    assert "used here again" not in describe_base_data("builtin", "builtin", ["Own"], "ner")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert describe_base_data(str(tmp_path), "base", ["Own"], "ner") == ""
    (tmp_path / "litmine.json").write_text("{}")
    assert "by litmine; see its card" in describe_base_data(str(tmp_path), "base", [], "qa")
