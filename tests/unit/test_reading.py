"""Reading ahead: in order, each fault in its turn, and never more than there is room for.

Here: `read_ahead` over files that do not exist. Not here: reading one (`tests/bad_input`).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from pyrage import x25519

from dagster_project.errors import DeliveryRefused
from dagster_project.lake import reading
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import load_definition
from dagster_project.settings import Settings
from dagster_project.sources.landing import LandingFile
from dagster_project.vault.deliveries import DeliveryVault, VaultedDelivery

THREADS = 2
MIB = 1024**2
GIB = 1024 * MIB
OTHER = "apotti/diagnoses"


class Reader:
    """Notes what it is asked to read, and refuses some."""

    def __init__(self, refused: frozenset[int] = frozenset()) -> None:
        self.started: list[int] = []
        self._refused = refused

    def read(self, _: Lake, __: object, file: LandingFile, *___: object) -> reading.Arrival:
        self.started.append(file.sequence)
        if file.sequence in self._refused:
            raise DeliveryRefused("file.empty", "the file is empty")
        return reading.Arrival(file, (0, 0, 0), VaultedDelivery("0" * 64, 0, file.path), "")


def files(folder: Path, *, count: int, byte_count: int) -> tuple[LandingFile, ...]:
    contract = load_definition().catalogue.latest("apotti/encounters")
    found = []
    for sequence in range(count):
        path = folder / str(sequence)
        with path.open("wb") as file:
            file.truncate(byte_count)
        found.append(LandingFile(path, contract, sequence))
    return tuple(found)


def vault(folder: Path) -> DeliveryVault:
    return DeliveryVault(folder / "vault", str(x25519.Identity.generate()))


def lake(folder: Path, *, memory_gib: float = 4) -> Lake:
    settings = Settings(home=folder, threads=THREADS, memory_limit_gib=memory_gib)
    return Lake(duckdb.connect(), settings)


def test_deliveries_come_in_order_and_a_fault_in_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_read", Reader(frozenset({1})).read)
    given = files(tmp_path, count=4, byte_count=1)
    (arrivals,) = reading.read_ahead(lake(tmp_path), vault(tmp_path), given, {})
    outcomes = [
        one.reason.rule_id if isinstance(one, reading.Refused) else one.file.sequence
        for one in arrivals.each
    ]
    assert outcomes == [0, "file.empty", 2, 3]


def test_small_deliveries_of_a_contract_are_read_together(tmp_path: Path) -> None:
    """Each group ends where the next file is of another contract, too large, or one too many."""
    small, large = files(tmp_path, count=70, byte_count=1), tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(17 * MIB)
    other = load_definition().catalogue.latest(OTHER)
    given = [
        *small[:2],
        replace(small[2], path=large),
        *small[3:5],
        replace(small[4], path=tmp_path / "again"),
        replace(small[5], contract=other),
        replace(small[6], contract=other),
        *small,
    ]
    sizes = [len(group) for group in reading.in_groups(given)]
    assert sizes == [2, 1, 2, 1, 2, 64, 6]


@pytest.mark.parametrize(
    ("byte_count", "ahead"),
    [(1, THREADS + 2), (GIB // 6, 3), (GIB // 3, 1), (GIB, 1)],
    ids=["small", "three fit", "one fits", "none fits"],
)
def test_no_more_is_read_ahead_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, byte_count: int, ahead: int
) -> None:
    """An eighth of 4 GiB is half a GiB of files; the first is handed over with those behind it."""
    monkeypatch.setattr(reading, "_MOST_IN_A_GROUP", 1)
    monkeypatch.setattr(reading, "_read", Reader().read)
    really, begun = Lake.beside, list[Lake]()

    def beside(self: Lake) -> Lake:
        begun.append(really(self))
        return begun[-1]

    monkeypatch.setattr(Lake, "beside", beside)
    given = files(tmp_path, count=6, byte_count=byte_count)
    with closing(reading.read_ahead(lake(tmp_path), vault(tmp_path), given, {})) as arrivals:
        next(arrivals)
    assert len(begun) == ahead


def test_a_file_that_is_gone_is_still_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_read", Reader().read)
    given = files(tmp_path, count=2, byte_count=1)
    given[1].path.unlink()
    arrivals = reading.read_ahead(lake(tmp_path), vault(tmp_path), given, {})
    assert [one.file.sequence for group in arrivals for one in group.each] == [0, 1]


def test_what_was_read_of_a_file_that_is_refused_is_forgotten(tmp_path: Path) -> None:
    """Empty fields too many are seen after the records were read."""
    header = (
        "Asiointitunniste;Henkilötunnus;Toimipiste;Alkoi;Päättyi;Palvelumuoto;Yhteystapa;"
        "Ammattiryhmä;Kiireellisyys;Asiointikieli;Palvelukieli;Kesto;Päivitetty\n"
    )
    contract = load_definition().catalogue.latest("apotti/encounters")
    path = tmp_path / "encounters_201705.csv"
    path.write_bytes(header.encode("utf-8-sig") + b"1;;;;;;;;;;;;;\n")
    opened = lake(tmp_path)
    (arrivals,) = reading.read_ahead(
        opened, vault(tmp_path), (LandingFile(path, contract, 201705),), {}
    )
    (refused,) = arrivals.each
    assert isinstance(refused, reading.Refused)
    assert refused.reason.rule_id == "file.columns"
    reading.forget(opened, arrivals)
    assert opened.rows("select table_name from duckdb_tables()") == []
