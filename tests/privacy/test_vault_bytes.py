"""A thousand planted codes, searched for in every byte under the vault: none can be read."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from dagster_project.lake.connection import load_extensions
from dagster_project.settings import Settings
from dagster_project.vault.deliveries import DeliveryVault
from dagster_project.vault.identities import Identities
from dagster_project.vault.identity_codes import check_character
from dagster_project.vault.keys import load_keyring
from tests.support.runs import files_under
from tests.support.search import codes_readable_in

PLANTED_COUNT = 1_000


def planted_codes() -> list[str]:
    """Artificial codes, one a day."""
    days = (date(1950, 1, 1) + timedelta(days=number) for number in range(PLANTED_COUNT))
    digits = [f"{day:%d%m%y}{900 + day.day}" for day in days]
    return [f"{d[:6]}-{d[6:]}{check_character(d)}" for d in digits]


@pytest.mark.parametrize("encoding", ["ascii", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("in_hexadecimal", [False, True])
@pytest.mark.parametrize("in_lower_case", [False, True])
def test_the_search_finds_what_is_in_the_clear(
    encoding: str, in_hexadecimal: bool, in_lower_case: bool
) -> None:
    code = planted_codes()[0]
    data = (code.lower() if in_lower_case else code).encode(encoding)
    if in_hexadecimal:
        data = data.hex().encode()

    for padding in (b"", b"\xff", b"\xff\xff\xff"):
        assert codes_readable_in(padding + data + padding) >= {code}


def test_no_planted_code_can_be_read_under_the_vault(settings: Settings, tmp_path: Path) -> None:
    keyring = load_keyring(settings)
    settings.vault.mkdir(mode=0o700, parents=True)
    planted = planted_codes()
    delivery = tmp_path / "residents_201801.csv"
    delivery.write_text("\n".join(f"{code};{code.lower()}" for code in planted))
    temp = settings.vault / "tmp"

    deliveries = DeliveryVault(settings.vault / "deliveries", keyring.age_identity)
    kept = deliveries.put(delivery)
    connection = duckdb.connect(
        config={
            "temp_file_encryption": True,
            "temp_directory": str(temp),
            "memory_limit": "40MB",
            "threads": 1,
        }
    )
    load_extensions(connection, ("httpfs",))
    identities = Identities(connection, settings.vault, keyring)
    identities.attach()
    connection.execute(
        "create temp table spilled as"
        " select column0 as identity_code, md5(column0 || i) as padding"
        " from read_csv(?, header = false, delim = ';'), range(1000) as t (i)",
        [str(delivery)],
    )
    codes = "select identity_code, 1 as delivery_sequence from spilled"
    identities.register(codes, source="population")
    identities.protect("select person_id from identity_map", source="population", sequence=1)

    # While the write-ahead log and the temp files stand, and again after a clean close.
    files = files_under(settings.vault)
    assert {path.suffix for path in files} >= {".age", ".duckdb", ".wal", ".tmp"}
    unreadable(files, planted)
    assert connection.execute("select count(*) from identity_map").fetchone() == (PLANTED_COUNT,)
    connection.close()
    unreadable(files_under(settings.vault), planted)
    assert codes_readable_in(deliveries.read(kept.sha256)) == set(planted)


def unreadable(files: list[Path], planted: list[str]) -> None:
    found = {path.name: codes_readable_in(path.read_bytes()) & set(planted) for path in files}
    assert {name: len(codes) for name, codes in found.items() if codes} == {}
