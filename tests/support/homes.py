"""Fresh homes, runs over them, and what the lake holds afterwards.

Here: opening, running and reading a lake in tests. Not here: deliveries (`deliveries`), a lake
without DuckLake (`quick_lake`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster_project import pipeline
from dagster_project.lake import status
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from dagster_project.settings import Settings
from dagster_project.vault.keys import create_keyring
from tests.support.deliveries import Sent, write_all

Rows = Counter[tuple[Any, ...]]
Contents = dict[str, Rows]


def silent(_: str) -> None:
    """Report nothing."""


def new_settings(folder: Path, *, keep_landing: bool = False, keys: Path | None = None) -> Settings:
    """Settings of an empty home in a folder, with these keys or a fresh key file beside it.

    Homes with the same keys give the same persons the same ids, so their tables can be compared.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if keys is None:
        keys = folder / "keys"
        create_keyring(keys)
    settings = Settings(home=folder / "home", keys=keys, keep_landing=keep_landing)
    settings.landing.mkdir(parents=True)
    return settings


@contextmanager
def new_home(folder: Path, *, keys: Path | None = None) -> Iterator[Session]:
    """An open session over an empty home."""
    with pipeline.open_session(new_settings(folder, keys=keys)) as session:
        yield session


def take_in(session: Session, *deliveries: Sent) -> pipeline.Ingested:
    """Send deliveries and take them in."""
    write_all(session.lake.settings.landing, deliveries)
    return pipeline.ingest(session, report=silent)


def build(session: Session) -> pipeline.BuildReport:
    """Build everything and run the checks."""
    return pipeline.build(session, report=silent)


def run(session: Session, *deliveries: Sent) -> pipeline.BuildReport:
    """Send deliveries, take them in and build."""
    ingested = take_in(session, *deliveries)
    assert not ingested.refusals
    return build(session)


def turn(session: Session, key: str, sequence: int) -> None:
    """Withdraw a delivery that is in force, reinstate one that is withdrawn."""
    source, table = key.split("/")
    is_withdrawn = session.lake.count(
        "select count(*) from effective.withdrawn_delivery"
        " where source = ? and table_name = ? and delivery_sequence = ?",
        [source, table, sequence],
    )
    act = status.reinstate if is_withdrawn else status.withdraw
    catalogue = session.definition.catalogue
    act(session.lake, catalogue, session.run, key=key, sequence=sequence, reason="test")


def rows(lake: Lake, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """All rows of a table, in the order of their values."""
    return lake.rows(f"select {columns} from {table} order by all")


def contents(session: Session, *, without: Sequence[str] = ()) -> Contents:
    """Every row of every core table and mart, whatever the order."""
    models = [m.full_name for m in session.definition.graph.models]
    return {m: Counter(session.lake.rows(f"from lake.{m}")) for m in models if m not in without}


def differences(left: Contents, right: Contents) -> dict[str, tuple[Rows, Rows]]:
    """Tables that differ: what only the left holds, what only the right holds."""
    assert left.keys() == right.keys()
    return {t: (left[t] - right[t], right[t] - left[t]) for t in left if left[t] != right[t]}


def person(session: Session, code: str) -> int:
    """The person that the vault has for a code.

    Raises:
        KeyError: it has none.
    """
    found = session.lake.rows("select person_id from identity_map where identity_code = ?", [code])
    if not found:
        raise KeyError("the vault knows no such code")
    return int(found[0][0])


def codes_of_persons(session: Session) -> dict[str, int]:
    """Person by identity code, for every code that the vault knows."""
    return dict(session.lake.rows("select identity_code, person_id from identity_map"))
