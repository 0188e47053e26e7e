"""What all tests share: the hypothesis profile, and where the checkout and its sample data are."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("gate", max_examples=60, deadline=None, derandomize=True)
settings.register_profile("soak", max_examples=3000, deadline=None)
settings.load_profile(os.environ.get("LITMINE_HYPOTHESIS_PROFILE", "gate"))


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top folder of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def sample_data(checkout: Path) -> Path:
    """`sample_data/` of the checkout."""
    return checkout / "sample_data"
