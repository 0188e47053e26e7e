"""The reader of files of known cases: every value is checked, and each mistake is one sentence with its line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine import Lake
from litmine.discovery.case_files import Case, read_cases
from litmine.discovery.cases import evaluate_case
from litmine.discovery.concept_graph import load_graph
from litmine.discovery.rules import DiscoveryRules
from litmine.errors import DiscoveryError, SettingError

RULES = DiscoveryRules(most_frequent=1.0, fewest_articles=1, least_depth=1)
GOOD: dict[str, Any] = {"start": "a", "results": ["b"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until": "1985"}, "`until` is a whole number of at least 1 and at most 9999, not '1985'"),
        ({"until": 1985.0}, "`until` is a whole number"),
        ({"until": float("nan")}, "`until` is a whole number .*not nan"),
        ({"until": True}, "`until` is a whole number .*not True"),
        ({"until": 10**30}, "`until` is a whole number"),
        ({"to": 3}, "`to` is a name, or a list of names in quotes, not 3"),
        ({"to": [None]}, "`to` is a name, or a list"),
        ({"via": ["Gene", ""]}, "a name in `via` is empty"),
        ({"results": "blood viscosity"}, "`results` must be a list of names, not 'blood viscosity'"),
        ({"results": None}, "`results` must be a list of names"),
        ({"results": []}, "nothing is expected of it"),
        ({"results": [[]]}, "`results` has an empty list"),
        ({"results": [[["b"]]]}, "`results` is a name, or a list of names"),
        ({"results": [5]}, "`results` is a name, or a list of names"),
        ({"results": ["b", ["b", "c"]]}, "`results` has 'b' twice"),
        ({"links": ["b"]}, "this case cannot have `links`"),
        ({"end": "c"}, "this case cannot have `results`"),
        ({"narrower": "false"}, "`narrower` is true or false, not 'false'"),
        ({"start": None}, "`start` must be one name in quotes, not None"),
        ({"start": ["a"]}, "`start` must be one name in quotes"),
        ({"start": " "}, "a name in `start` is empty"),
        ({"start": "\ud800"}, "a name in `start` has characters that no name has"),
        ({"name": 7}, "`name` must be one name in quotes"),
        ({"results": None, "end": "c", "links": ["b"], "to": "Gene"}, "`to` chooses the results of a search from one"),
    ],
)
def test_a_wrong_value_is_one_sentence_with_its_line(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(f"{json.dumps(GOOD)}\n{json.dumps(GOOD | changes)}\n", encoding="utf-8")
    with pytest.raises(SettingError, match=f"cases.jsonl, line 2: .*{message}.*; a line is like ") as caught:
        read_cases(file, RULES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "line 1: it is nested too deeply"),
        (b'{"start": "a", "results": ' + b"[" * 900 + b"]" * 900 + b"}", "line 1: "),
        (b"3", "this is no case, but 3"),
        (b'{"start": "a", "start": "b", "results": ["c"]}', "it has the key 'start' twice"),
        (b'\n{"start": "a", "results": ["\xff"]}', "line 2: this is not UTF-8"),
        (b'{"start": "a", "results": ["b"], "until": 1' + b"0" * 5000 + b"}", "a number that is too long"),
    ],
)
def test_a_hostile_file_is_one_sentence(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(content)
    with pytest.raises(SettingError, match=message):
        read_cases(file, RULES)


def test_an_endless_and_a_missing_file_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="/dev/zero has more than 4 MiB"):
        read_cases(Path("/dev/zero"), RULES)
    with pytest.raises(SettingError, match="does not exist; give a file of JSON lines") as caught:
        read_cases(tmp_path / "missing.jsonl", RULES)
    assert "Errno" not in str(caught.value)


def test_byte_order_mark_and_line_separators_are_read(tmp_path: Path) -> None:
    """A string may hold what ends lines in Unicode, as JSON does; a tree of names is one of several names."""
    file = tmp_path / "cases.jsonl"
    lines = [
        json.dumps(GOOD | {"name": "one\N{LATIN SMALL LETTER E WITH ACUTE}"}, ensure_ascii=False),
        json.dumps(GOOD),
    ]
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert [case.name for case in read_cases(file, RULES)] == ["one\N{LATIN SMALL LETTER E WITH ACUTE}", "a"]
    file.write_text(json.dumps(GOOD | {"name": "one\u2028two"}, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(SettingError, match="line 1: a name in `name` has characters that no name has"):
        read_cases(file, RULES)
    file.write_text(json.dumps(GOOD | {"to": "Gene", "results": [["b", "c"], "d"]}), encoding="utf-8")
    (case,) = read_cases(file, RULES)
    assert (case.request.to, case.expected) == (("Gene",), (("b", "c"), ("d",)))


def test_a_case_that_the_lake_cannot_answer_names_its_line(twenty: Lake, tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    cases: list[dict[str, Any]]
    cases = [{"start": "Alpha disease", "results": ["Gamma oil"]}, {"start": "Alpha diseas", "results": ["Gamma oil"]}]
    cases.append({"start": "Alpha disease", "results": ["Gamma oil"], "until": 1900})
    file.write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    graph = load_graph(twenty, "entities")
    first, *others = read_cases(file, RULES)
    assert evaluate_case(graph, first)["name"] == "Alpha disease"
    for case, message in zip(
        others, ("line 2: no concept is named", "line 3: no article .* take a later `until`"), strict=True
    ):
        with pytest.raises(DiscoveryError, match=message):
            evaluate_case(graph, case)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["a", "Gene"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ("name", "start", "end", "links", "results", "until", "narrower", "to", "via")
_LINES = (
    st.dictionaries(st.sampled_from(_KEYS), _JSON)
    | st.fixed_dictionaries(
        {"start": st.text(min_size=1, max_size=5), "results": st.lists(st.text(max_size=3), max_size=3)},
        optional={"until": st.integers(1, 2100), "narrower": st.booleans(), "to": st.text(max_size=3), "name": _JSON},
    )
).map(json.dumps)


@given(st.lists(_LINES | st.text(max_size=20), max_size=3), st.booleans())
def test_any_file_gives_checked_cases_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], mark: bool
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.jsonl"
    content = "\n".join(lines)
    file.write_bytes(b"\xef\xbb\xbf" * mark + content.encode("utf-8", "surrogatepass"))
    problem, cases = "", []
    try:
        cases = read_cases(file, RULES)
    except SettingError as error:
        problem = str(error)
    if problem:
        assert problem.startswith(str(file))
        assert "\n" not in problem
        return
    assert len(cases) == sum(bool(line.strip()) for line in content.split("\n"))
    assert all(map(_is_checked, cases))


def _is_checked(case: Case) -> bool:
    request = case.request
    names = [case.name, *request.concepts, *request.to, *request.via, *(name for one in case.expected for name in one)]
    return (
        len(case.expected) > 0
        and all(case.expected)
        and all(isinstance(name, str) and bool(name.strip()) and name.isprintable() for name in names)
        and (request.until is None or (type(request.until) is int and 1 <= request.until <= 9999))
        and isinstance(request.narrower, bool)
    )
