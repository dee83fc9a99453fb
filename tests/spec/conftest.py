"""A lake that several files of rules ask: it is built once, and none of them changes it for good.

Here: the fixture. Not here: what is delivered to it (`tests.support.study`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dagster_project.pipeline import Session, load_definition
from tests.support.deliveries import reference_lists
from tests.support.lakes import bring, quick_lake
from tests.support.study import JUNE, MAY, of_june, of_may, register


@pytest.fixture(scope="session")
def study() -> Iterator[Session]:
    """Client guidance and the study of budgets in May and June, over all models."""
    with quick_lake(load_definition()) as opened:
        bring(opened, *reference_lists(), register(MAY), *of_may())
        bring(opened, register(JUNE), *of_june())
        yield opened
