"""What a search is asked: values from Python and rules, each checked with one sentence."""

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litmine import Lake
from litmine.discovery.request import request_with
from litmine.discovery.rules import DiscoveryRules, read_rules, rules_text
from litmine.discovery.wording import with_option_names
from litmine.errors import DiscoveryError, LitmineError, SettingError, UnknownNameError

RULES = DiscoveryRules(most_frequent=1.0, fewest_articles=1, least_depth=1)


def test_one_name_stands_for_a_list_of_one(twenty: Lake) -> None:
    by_text = twenty.discover("Alpha disease", to="Chemical", via="Gene", until=1988, rules=RULES)
    by_list = twenty.discover("Alpha disease", to=["Chemical"], via=("Gene",), until=1988, rules=RULES)
    assert by_text.equals(by_list)
    assert by_text["concept"].unique().to_pylist() == ["Delta salt", "Gamma oil"]
    lower = twenty.discover("Alpha disease", to="d10", until=1988, rules=RULES)
    assert lower["concept"].unique().to_pylist() == ["Gamma oil"]


@pytest.mark.parametrize(
    ("concepts", "options", "error", "message"),
    [
        (
            ("a",),
            {"untill": 1985},
            UnknownNameError,
            r"no option untill \(did you mean until\?\); its options are where",
        ),
        (("a",), {"concepts": "b"}, UnknownNameError, "no option concepts; its options are"),
        (("a",), {"until": "1985"}, DiscoveryError, "`until` is a whole number of at least 1, not '1985'"),
        (("a",), {"until": 0}, DiscoveryError, "`until` is a whole number"),
        (("a",), {"until": 10**5000}, DiscoveryError, "`until` is a whole number"),
        (("a",), {"known": True}, DiscoveryError, "`known` is a whole number of at least 0, not True"),
        (("a",), {"known": -1}, DiscoveryError, "`known` is a whole number of at least 0, not -1"),
        (("a",), {"limit": 0}, DiscoveryError, "`limit` is a whole number of at least 1, not 0"),
        (("a",), {"links": 2.5}, DiscoveryError, "`links` is a whole number of at least 1, not 2.5"),
        (("a",), {"to": None}, DiscoveryError, "`to` is a name, or a list of names in quotes, not None"),
        (("a",), {"via": ("Gene", " ")}, DiscoveryError, "a name in `via` is empty"),
        (("a",), {"narrower": "no"}, DiscoveryError, "`narrower` is true or false, not 'no'"),
        (("a",), {"rules": {}}, DiscoveryError, "`rules` are DiscoveryRules"),
        (("a",), {"where": 3}, DiscoveryError, "`where` is a SQL condition as text, not 3"),
        (("a",), {"measure": ["npmi"]}, UnknownNameError, "no measure .*npmi.*the measures are linking_terms"),
        (("a",), {"kind": "words"}, UnknownNameError, "no kind of concepts 'words'; the kinds are entities"),
        ((["a", "b"],), {}, DiscoveryError, "`concepts` is a name, or a list of names"),
        ((5,), {}, DiscoveryError, "`concepts` is a name"),
        (("\udcff",), {}, DiscoveryError, "a name in `concepts` has characters that no name has"),
    ],
)
def test_a_wrong_option_in_python_is_one_sentence(
    concepts: tuple[Any, ...], options: dict[str, Any], error: type[LitmineError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        request_with(concepts, options)
    assert "--" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_interfaces_have_their_own_names_of_options() -> None:
    names = {"until": "--until", "kind": "--concepts"}
    assert (
        with_option_names('take `until`, or `kind="mesh"`, `dwpc`', names) == "take --until, or --concepts mesh, `dwpc`"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('branches = ["c14"]', "branches has 'c14', which is no branch of MeSH"),
        ('branches = [""]', "branches has '', which is no branch"),
        ('branches = ["C14."]', "is no branch of MeSH; write a letter or a tree number, such as V or D12.776"),
        ('leave_out = [""]', "leave_out has '', which is empty"),
        ('leave_out = ["MESH:D1|MESH:D2"]', "as several identifiers do"),
        ('leave_out = ["D006801"]', "needs the prefix MESH:"),
        ('leave_out = ["mesh:D006801"]', "needs the prefix MESH:"),
        ('leave_out = ["ncbigene:1"]', "needs the prefix NCBIGene:"),
        ('leave_out = ["a\\nb"]', "a character that cannot be printed"),
        ("least_depth = 0", "least_depth must be at least 1"),
    ],
)
def test_wrong_rules_are_one_sentence_with_the_file(line: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(SettingError, match=message) as caught:
        read_rules(file)
    assert str(caught.value).startswith(str(file))


def test_a_missing_file_of_rules_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"does not exist; `litmine discover --show-rules > rules\.toml` writes"):
        read_rules(tmp_path / "rules.toml")
    with pytest.raises(SettingError, match=r"cannot be read \(Is a directory\)") as caught:
        read_rules(tmp_path)
    assert "Errno" not in str(caught.value)


# Identifiers of term lists may have any characters that can be printed.
_IDENTIFIERS = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=9)


@given(st.lists(_IDENTIFIERS.map("X:{}:".format).filter(lambda one: "|" not in one), max_size=3), st.booleans())
def test_rules_that_are_shown_are_read_back(leave_out: list[str], same_thing: bool) -> None:
    rules = DiscoveryRules(0.3, 1, 2, ("C", "D12.776"), tuple(leave_out), same_thing)
    values: dict[str, Any] = tomllib.loads(rules_text(rules))
    read = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    assert read == asdict(rules)


def test_quotes_in_rules_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    rules = DiscoveryRules(leave_out=('my "list": 5\\\'', "MESH:D006801"))
    file.write_text(rules_text(rules), encoding="utf-8")
    assert read_rules(file) == rules
