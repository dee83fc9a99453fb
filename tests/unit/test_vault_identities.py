"""Identities: one code is one person for ever; protection only grows; access leaves a trace."""

from __future__ import annotations

import hmac
import os
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.errors import VaultError
from dagster_project.lake.connection import load_extensions
from dagster_project.vault.identities import Identities, PersonHash, keyed_hash
from dagster_project.vault.identity_codes import check_character
from dagster_project.vault.keys import AUDIENCES, Keyring

IDENTITIES_KEY = "it's 'quoted' " + "0f" * 32


def keyring_of(*, person_key_id: str = "1", identities_key: str = IDENTITIES_KEY) -> Keyring:
    return Keyring(
        person_key_id=person_key_id,
        person_keys={"1": b"1" * 32, "2": b"2" * 32},
        identities_key=identities_key,
        age_identity=str(pyrage.x25519.Identity.generate()),
        audience_keys={name: name.encode() * 16 for name in AUDIENCES},
    )


def code_of(number: int, mark: str = "-", born: date = date(1950, 1, 1)) -> str:
    """The artificial code of a running number: day by day, a hundred a day."""
    digits = f"{born + timedelta(days=number // 100):%d%m%y}{900 + number % 100}"
    return f"{digits[:6]}{mark}{digits[6:]}{check_character(digits)}"


class Bench:
    """An identity database on a connection of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.connection = duckdb.connect(config={"temp_file_encryption": True})
        load_extensions(self.connection, ("httpfs",))

    def open(
        self, keyring: Keyring | None = None, hash_under: Callable[[bytes], PersonHash] = keyed_hash
    ) -> Identities:
        identities = Identities(
            self.connection, self.directory, keyring or keyring_of(), hash_under=hash_under
        )
        identities.attach()
        return identities

    def register(self, identities: Identities, *codes: str | None, sequence: int = 1) -> None:
        self.connection.execute("create or replace temp table raw (identity_code varchar)")
        if codes:
            rows = [[code] for code in codes]
            self.connection.executemany("insert into raw values (?)", rows)
        sql = f"select *, {sequence} as delivery_sequence from raw"
        identities.register(sql, source="apotti")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def persons(self) -> dict[str, int]:
        mapped = dict(self.rows("select identity_code, person_id from identity_map"))
        assert mapped == dict(self.rows("select identity_code, person_id from vault.identity"))
        return mapped


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "vault")
    yield bench
    bench.connection.close()


# Codes and persons


def test_a_person_is_the_first_63_bits_of_the_keyed_hash_of_the_code(bench: Bench) -> None:
    bench.register(bench.open(), code_of(0).lower())

    mac = hmac.digest(b"1" * 32, code_of(0).encode(), "sha256")
    assert bench.persons() == {code_of(0): int.from_bytes(mac, "big") >> (256 - 63)}


@given(key=st.binary(min_size=32, max_size=200), message=st.binary(max_size=200))
def test_the_keyed_hash_is_hmac_sha256(key: bytes, message: bytes) -> None:
    mac = hmac.digest(key, message, "sha256")

    assert keyed_hash(key)(message) == int.from_bytes(mac, "big") >> (256 - 63)


def test_what_is_stored_says_where_a_code_came_from(bench: Bench) -> None:
    bench.register(bench.open(), code_of(0), sequence=201801)

    assert bench.rows(
        "select identity_code, key_id, kind, from_source, from_sequence from vault.identity"
    ) == [(code_of(0), "1", "artificial", "apotti", 201801)]


def test_an_official_code_is_marked_so(bench: Bench) -> None:
    digits = "010199899"  # born in 2099
    bench.register(bench.open(), f"{digits[:6]}A{digits[6:]}{check_character(digits)}")

    assert bench.rows("select kind from vault.identity") == [("official",)]


def test_codes_that_are_not_valid_stay_out(bench: Bench) -> None:
    wrong_check = code_of(0)[:-1] + ("0" if code_of(0)[-1] != "0" else "1")
    bench.register(bench.open(), None, "", "x", wrong_check, " " + code_of(1), code_of(2))

    assert list(bench.persons()) == [code_of(2)]


def test_registering_again_changes_nothing(bench: Bench) -> None:
    identities = bench.open()
    bench.register(identities, code_of(0), code_of(1), sequence=1)
    before = bench.rows("from vault.identity order by all")

    bench.register(identities, code_of(1), code_of(0).lower(), code_of(0), sequence=2)
    bench.register(identities, sequence=3)

    assert bench.rows("from vault.identity order by all") == before


def test_a_person_outlives_the_connection_and_the_key_it_was_drawn_under(bench: Bench) -> None:
    identities = bench.open()
    bench.register(identities, code_of(0))
    before = bench.persons()
    identities.detach()

    identities = bench.open(keyring_of(person_key_id="2"))
    bench.register(identities, code_of(0), code_of(1))

    assert bench.persons()[code_of(0)] == before[code_of(0)]
    assert bench.rows("select identity_code, key_id from vault.identity order by key_id") == [
        (code_of(0), "1"),
        (code_of(1), "2"),
    ]


def test_what_was_committed_survives_without_a_clean_close(bench: Bench, tmp_path: Path) -> None:
    bench.register(bench.open(), code_of(0))
    killed = tmp_path / "killed"
    killed.mkdir(mode=0o700)
    for file in bench.directory.iterdir():
        (killed / file.name).write_bytes(file.read_bytes())

    after = Bench(killed)
    after.open()

    assert after.persons() == bench.persons()
    after.connection.close()


@given(number=st.integers(0, 9_999), marks=st.permutations("+-YXWVUABCDEF"))
def test_two_codes_that_differ_only_in_the_century_mark_are_two_persons(
    number: int, marks: list[str]
) -> None:
    hashed = keyed_hash(b"1" * 32)
    first, second = (code_of(number, mark).encode() for mark in marks[:2])

    assert hashed(first) != hashed(second)


def test_every_century_mark_is_registered_as_a_person_of_its_own(bench: Bench) -> None:
    marks = "+-YXWVUABCDEF"
    bench.register(bench.open(), *(code_of(0, mark) for mark in marks))

    assert len(set(bench.persons().values())) == len(marks)


# Collisions


def narrow_hash(key: bytes) -> PersonHash:
    hashed = keyed_hash(key)
    return lambda message: hashed(message) % 512


def test_colliding_codes_become_persons_of_their_own_and_keep_them(bench: Bench) -> None:
    identities = bench.open(hash_under=narrow_hash)
    bench.register(identities, *map(code_of, range(150)))
    first = bench.persons()
    bench.register(identities, *map(code_of, range(300)))
    both = bench.persons()

    drawn = [narrow_hash(b"1" * 32)(code.encode()) for code in both]
    assert len(set(drawn)) < 300, "the narrow hash must collide, or nothing is tested"
    assert len(both) == len(set(both.values())) == 300
    assert first.items() <= both.items()


def test_collisions_are_resolved_alike_on_every_installation_with_that_key(
    bench: Bench, tmp_path: Path
) -> None:
    other = Bench(tmp_path / "other")
    codes = [code_of(number) for number in range(200)]
    bench.register(bench.open(hash_under=narrow_hash), *codes)
    other.register(other.open(hash_under=narrow_hash), *reversed(codes))

    assert bench.persons() == other.persons()
    other.connection.close()


# Protection orders


def test_a_protection_order_is_kept_and_counted_once(bench: Bench) -> None:
    identities = bench.open()
    query = "select * from (values (7), (8), (8), (null)) as t (person_id)"

    assert identities.protect(query, source="population_register", sequence=201801) == 2
    assert identities.protect(query, source="population_register", sequence=201802) == 0
    assert bench.rows("from protected_person order by all") == [(7,), (8,)]
    assert bench.rows("from vault.protection order by all") == [
        (7, 1, "population_register", 201801),
        (8, 2, "population_register", 201801),
    ]


def test_a_protection_order_is_not_lifted_by_a_delivery_without_it(bench: Bench) -> None:
    identities = bench.open()
    identities.protect("select 7 as person_id", source="population_register", sequence=201801)
    identities.protect("select 8 as person_id", source="population_register", sequence=201802)
    identities.detach()
    bench.open()

    assert bench.rows("from protected_person order by all") == [(7,), (8,)]
    assert bench.rows("select protection_number, person_id from vault.protection order by all") == [
        (1, 7),
        (2, 8),
    ]


# The access log


def test_an_access_is_logged_in_utc(bench: Bench) -> None:
    identities = bench.open()
    identities.log_access(
        at=datetime(2018, 7, 1, 12, tzinfo=timezone(timedelta(hours=3))),
        actor="clerk",
        purpose="correction of the source",
        action="quarantine.show",
        delivery="0" * 64,
        record_number=17,
    )
    identities.log_access(
        at=datetime(2018, 7, 2, tzinfo=UTC), actor="clerk", purpose="request", action="list"
    )

    assert bench.rows("from vault.access_log order by all") == [
        (
            datetime(2018, 7, 1, 9),
            "clerk",
            "correction of the source",
            "quarantine.show",
            "0" * 64,
            17,
        ),
        (datetime(2018, 7, 2), "clerk", "request", "list", None, None),
    ]


def test_an_access_cannot_be_logged_in_a_transaction_that_may_be_undone(bench: Bench) -> None:
    identities = bench.open()
    bench.connection.execute("begin")

    with pytest.raises(VaultError, match="access log"):
        identities.log_access(
            at=datetime(2018, 7, 1, tzinfo=UTC), actor="clerk", purpose="request", action="list"
        )


# Audiences


def test_each_audience_has_its_own_pseudonyms(bench: Bench) -> None:
    identities = bench.open()
    bench.register(identities, *map(code_of, range(20)))
    persons = set(bench.persons().values())
    ids = dict[str, dict[int, int]]()
    for audience in AUDIENCES:
        identities.pseudonyms(audience)
        ids[audience] = dict(bench.rows("from audience_person"))
        assert set(ids[audience]) == persons

    person = min(persons)
    mac = hmac.digest(b"omop" * 16, person.to_bytes(8, "big"), "sha256")
    assert ids["omop"][person] == int.from_bytes(mac, "big") >> (256 - 63)
    everyone = [*persons, *(i for audience in ids.values() for i in audience.values())]
    assert len(set(everyone)) == 20 * (1 + len(AUDIENCES))


def test_two_persons_never_share_a_pseudonym(bench: Bench) -> None:
    identities = bench.open(hash_under=lambda key: lambda m: keyed_hash(key)(m) % (1 << 12))
    bench.register(identities, *map(code_of, range(500)))

    with pytest.raises(VaultError, match="share a pseudonym of analyst"):
        identities.pseudonyms("analyst")


def test_an_audience_without_a_key_is_an_error(bench: Bench) -> None:
    with pytest.raises(VaultError, match="no key for the audience 'press'"):
        bench.open().pseudonyms("press")


# The file


def test_directory_and_files_are_their_owners_alone_whatever_the_umask(
    bench: Bench,
) -> None:
    umask = os.umask(0)
    try:
        bench.register(bench.open(), code_of(0))
    finally:
        os.umask(umask)

    modes = {file.name: file.stat().st_mode & 0o777 for file in bench.directory.iterdir()}
    assert modes == {"identities.duckdb": 0o600, "identities.duckdb.wal": 0o600}
    assert bench.directory.stat().st_mode & 0o777 == 0o700


def test_a_directory_open_to_others_is_refused(bench: Bench) -> None:
    bench.directory.mkdir()
    bench.directory.chmod(0o755)

    with pytest.raises(VaultError, match="chmod 700"):
        bench.open()


def test_another_key_does_not_open_the_file_and_no_key_is_shown(bench: Bench) -> None:
    bench.open().detach()

    with pytest.raises(VaultError, match="TIETOALLAS_KEYS") as failure:
        bench.open(keyring_of(identities_key="hush" * 16))

    text = "".join(traceback.format_exception(failure.value))
    assert "hushhush" not in text


def test_a_file_that_is_damaged_is_an_error(bench: Bench) -> None:
    bench.open().detach()
    (bench.directory / "identities.duckdb").write_bytes(b"not a database" * 1000)

    with pytest.raises(VaultError, match="TIETOALLAS_KEYS"):
        bench.open()


def test_a_connection_that_would_spill_in_the_clear_is_refused(bench: Bench) -> None:
    bench.connection.execute("set temp_file_encryption = false")

    with pytest.raises(VaultError, match="temp_file_encryption"):
        bench.open()


def test_no_error_shows_a_code(bench: Bench) -> None:
    identities = bench.open()
    query = f"select cast('{code_of(0)}' as integer)::varchar as identity_code"

    with pytest.raises(VaultError, match="registering codes") as failure:
        identities.register(query, source="apotti")

    assert code_of(0) not in "".join(traceback.format_exception(failure.value))


def test_a_registration_that_fails_leaves_nothing(bench: Bench) -> None:
    identities = bench.open()
    bench.connection.execute("alter table vault.identity add column extra bigint")

    with pytest.raises(VaultError):
        bench.register(identities, code_of(0))

    assert bench.rows("from vault.identity") == []
