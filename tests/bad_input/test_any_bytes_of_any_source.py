"""Whatever bytes come of any source: every record is judged, or the file refused without a leak.

One sound delivery of each contract, in its own format, spoiled at random by a stated seed. Here: no
crash, no lost record, no leak. Not here: text files read a second time (`test_any_bytes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from dagster_project.errors import DeliveryRefused
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import load_definition
from dagster_project.sources.readable import format_of
from dagster_project.vault.identity_codes import CODE_PATTERN
from tests.support.good_deliveries import Good, good_deliveries
from tests.support.leaks import leaked
from tests.support.made_up import bare_lake
from tests.support.spoiling import judge, spoiled

KEYS = load_definition().catalogue.tables()


@pytest.fixture(scope="module")
def goods(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Good]:
    return good_deliveries(tmp_path_factory.mktemp("goods"))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, goods: dict[str, Good]) -> Iterator[Lake]:
    """As much of a lake as the gate needs: a connection, and persons whose codes are known."""
    texts = [good.data.decode("iso-8859-1") for good in goods.values()]
    codes = sorted({code for text in texts for code in re.findall(CODE_PATTERN, text)})
    with bare_lake(tmp_path_factory.mktemp("home"), codes=codes, threads=1) as opened:
        yield opened


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "seeds",
    [range(3), pytest.param(range(3, 203), marks=pytest.mark.deep)],
    ids=["few", "many"],
)
def test_any_bytes_of_any_source_are_judged_or_refused(
    lake: Lake, goods: dict[str, Good], key: str, seeds: range, tmp_path: Path
) -> None:
    """Two hundred of each contract: more than ten thousand in all."""
    good = goods[key]
    for seed in seeds:
        data = spoiled(good.data, Random(f"{key} {seed}"))
        try:
            check(lake, good, data, tmp_path / "delivery")
        except Exception as error:
            error.add_note(f"{key}, seed {seed}")
            raise


def check(lake: Lake, good: Good, data: bytes, path: Path) -> None:
    path.write_bytes(data)
    try:
        verdict = judge(lake, good.contract, good.sequence, path)
    except DeliveryRefused as refused:
        check_refusal(refused, good, data)
        return
    record = format_of(good.contract).record
    assert record(data, good.contract, verdict.received + 1) is None
    assert verdict.received == 0 or record(data, good.contract, verdict.received) is not None
    assert verdict.received == verdict.accepted + verdict.quarantined + verdict.duplicate


def check_refusal(refused: DeliveryRefused, good: Good, data: bytes) -> None:
    assert leaked([str(refused)], data, good.contract) == set()
