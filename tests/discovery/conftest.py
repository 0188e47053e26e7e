"""Fixtures for tests of discovery: an empty lake, and the lake of twenty articles."""

from collections.abc import Callable
from pathlib import Path

import pytest

from litmine import Lake
from tests.fixtures.written_concepts import add_twenty


@pytest.fixture
def lake(place_lake: Callable[[], Path]) -> Lake:
    return Lake(place_lake())


@pytest.fixture
def twenty(lake: Lake) -> Lake:
    add_twenty(lake)
    return lake
