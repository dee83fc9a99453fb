"""A thousand residents' codes, searched for in all that an installation wrote: none can be read.

Here: files and output of whole runs. Not here: messages about hostile files (`test_messages`), the
vault by itself (`test_vault_bytes`).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.pipeline import Session
from dagster_project.vault.identities import Identities
from tests.privacy.conftest import Region
from tests.support.identity import code
from tests.support.runs import files_under, kill_at, small_home
from tests.support.search import codes_readable_in, found_under, unpacked
from tests.support.small_region import CODES, LATER_CODE


def test_codes_of_every_fate_are_planted(region: Region) -> None:
    """Valid, replaced, protected, in texts, with a wrong check character: all are searched for."""
    listed = [change["previous_code"] for change in region.manifest["code_changes"]]
    listed += [c for order in region.manifest["protection_orders"] for c in order["codes"]]
    rules = {row["rule_id"] for row in region.manifest["dirty_rows"]}
    assert len(region.codes) > 1_000
    assert set(listed) <= region.codes
    assert {"person_id.identity_code", "previous_person_id.identity_code"} <= rules
    assert region.manifest["codes_in_texts"]


def test_no_code_can_be_read_anywhere_after_a_run(region: Region) -> None:
    home, keys = region.settings.home, region.settings.keys
    assert keys is not None
    searched = files_under(home, keys.parent)
    assert {path.suffix for path in searched} >= {".age", ".duckdb", ".json", ".parquet", ".sqlite"}
    assert found_under(region.codes, home, keys.parent) == {}


def test_no_code_is_printed(region: Region) -> None:
    assert "encounters 201705" in region.printed
    assert codes_readable_in(region.printed.encode()) & region.codes == set()


def test_the_vault_holds_what_was_searched_for(region: Region, session: Session) -> None:
    """The deliveries are kept whole: opened with the key, they hold every code."""
    kept = (session.lake.settings.vault / "deliveries").glob("*.age")
    assert {path.stem for path in kept} == region.deliveries
    opened = (session.blobs.read(digest) for digest in region.deliveries)
    assert set.union(*(codes_readable_in(data) for data in opened)) == region.codes


def in_text(path: Path, planted: str) -> Path:
    path.write_text(f"line of {planted}", encoding="utf-8")
    return path


def in_name(path: Path, planted: str) -> Path:
    path = path.with_name(f"{planted}.log")
    path.touch()
    return path


def in_parquet(path: Path, planted: str) -> Path:
    path = path.with_suffix(".parquet")
    table = pa.table({"note": [f"{i} {planted.lower()} {i}" for i in range(1_000)]})
    pq.write_table(table, path, compression="zstd", write_statistics=False)
    return path


def in_duckdb(path: Path, planted: str) -> Path:
    path = path.with_suffix(".duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema deep")
        connection.execute(
            "create table deep.notes as select i || ' ' || ? as note from range(10000) as t (i)",
            [planted],
        )
    return path


def in_sqlite(path: Path, planted: str) -> Path:
    path = path.with_suffix(".sqlite")
    connection = sqlite3.connect(path)
    connection.execute("create table notes (note blob)")
    connection.execute("insert into notes values (?)", [planted.encode("utf-16-le")])
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize("plant", [in_text, in_name, in_parquet, in_duckdb, in_sqlite])
def test_the_search_finds_a_planted_code(
    plant: Callable[[Path, str], Path], tmp_path: Path, region: Region
) -> None:
    planted = sorted(region.codes)[0]
    copytree(region.settings.lake / "data" / "core" / "person", tmp_path / "person")
    path = plant(tmp_path / "person" / "notes", planted)
    assert found_under(region.codes, tmp_path) == {str(path): 1}


def test_no_code_can_be_read_in_what_a_killed_run_leaves(tmp_path: Path) -> None:
    """With the logs of vault and catalog unmerged, and temporary files still there."""
    settings = small_home(tmp_path)
    kill_at(settings, "rows written", occurrence=5)
    places = [p for p in settings.home.iterdir() if p != settings.landing]
    assert any(path.name.endswith("-wal") for path in files_under(settings.lake))
    assert found_under({*CODES, LATER_CODE, code(90)}, *places) == {}


def person_ids(session: Session) -> set[int]:
    return {person_id for (person_id,) in session.lake.rows("select person_id from identity_map")}


def integers_in(path: Path) -> set[int]:
    words = unpacked(path).split()
    return {int(word) for word in words if word.isdigit() and len(word) > 12}


def test_the_lakes_own_person_ids_are_in_no_release(region: Region, session: Session) -> None:
    lake_files = files_under(region.settings.lake / "data" / "core" / "person")
    persons = person_ids(session)
    assert len(persons & {n for file in lake_files for n in integers_in(file)}) >= 1_000

    published = files_under(region.settings.published)
    assert {path.suffix for path in published} >= {".duckdb", ".parquet", ".json"}
    assert {str(path) for path in published if persons & integers_in(path)} == set()


def analyst_pseudonyms(session: Session) -> dict[int, int]:
    session.identities.pseudonyms("analyst")
    return dict(session.lake.rows("select person_id, audience_person_id from audience_person"))


def test_analysts_persons_are_the_lakes_under_a_key_and_others_under_another_key(
    region: Region, session: Session
) -> None:
    ours = analyst_pseudonyms(session)
    database = region.settings.published / "current" / "analyst" / "tietoallas.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute("select person_id from core.person").fetchall()
    assert {person_id for (person_id,) in rows} <= set(ours.values())

    keys = session.keyring.audience_keys | {"analyst": b"\1" * 32}
    rekeyed = Identities(
        session.lake.connection,
        session.lake.settings.vault,
        replace(session.keyring, audience_keys=keys),
    )
    theirs = analyst_pseudonyms(replace(session, identities=rekeyed))
    assert theirs.keys() == ours.keys()
    assert not set(theirs.values()) & set(ours.values())


def unkeyed(message: bytes) -> Iterator[int]:
    """What anyone could compute: the first 8 bytes of common digests, as signed and unsigned."""
    for name in ("md5", "sha1", "sha256", "sha512"):
        first = int.from_bytes(
            hashlib.new(name, message, usedforsecurity=False).digest()[:8], "big"
        )
        yield from (first, first >> 1, first & (1 << 63) - 1)


def test_no_pseudonym_can_be_computed_without_a_key(region: Region, session: Session) -> None:
    lake_to_analyst = analyst_pseudonyms(session)
    from_codes = {n for c in region.codes for n in unkeyed(c.encode())}
    from_ids = {
        n
        for person in lake_to_analyst
        for message in (str(person).encode(), person.to_bytes(8, "big"))
        for n in unkeyed(message)
    }
    assert not from_codes & {*lake_to_analyst, *lake_to_analyst.values()}
    assert not from_ids & set(lake_to_analyst.values())
