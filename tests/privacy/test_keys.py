"""Keys and modes: without its keys nothing opens, and nothing shows them.

Here: whole runs. Not here: what a key file must look like (`tests/unit/test_vault_keys`).
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from dagster_project.pipeline import Session, open_session
from dagster_project.settings import Settings
from dagster_project.vault.keys import demo_keys_path
from tests.privacy.conftest import Region
from tests.support.homes import new_settings
from tests.support.runs import command, files_under


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("what_is_there", ["lake/catalog.sqlite", "vault/identities.duckdb"])
def test_a_run_on_an_installation_whose_keys_are_missing_is_refused(
    tmp_path: Path, what_is_there: str
) -> None:
    settings = Settings(home=tmp_path / "home", min_free_disk_gib=0)
    file = settings.home / what_is_there
    file.parent.mkdir(parents=True)
    file.touch()
    status, _, errors = command(settings, "run")
    assert status == 1
    assert errors.startswith("error: no keys: set TIETOALLAS_KEYS")
    assert not demo_keys_path(settings).exists()
    assert files_under(settings.home) == [file]


@pytest.mark.parametrize("arguments", [("status",), ("maintain",), ("quarantine", "list")])
def test_no_command_opens_an_installation_without_keys(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    status, output, errors = command(Settings(home=tmp_path / "home"), *arguments)
    assert (status, output) == (1, "")
    assert errors.startswith("error: no keys: set TIETOALLAS_KEYS")


def test_the_keys_that_a_demo_makes_are_their_owners_alone(region: Region) -> None:
    keys = region.settings.keys
    assert keys is not None
    assert (mode(keys), mode(keys.parent)) == (0o600, 0o700)
    assert not keys.is_relative_to(region.settings.home)


def test_a_demo_leaves_no_list_of_its_people(region: Region) -> None:
    """Not even the synthetic region's own, which names codes and protected persons."""
    keys, home = region.settings.keys, region.settings.home
    assert keys is not None
    assert "demo: making the synthetic region's deliveries (1000 residents" in region.printed
    assert files_under(keys.parent, region.temporary) == [keys]
    folders = {path.relative_to(home).parts[0] for path in files_under(home)}
    assert folders == {"lake", "published", "suppliers", "vault"}


def test_vault_lake_and_temp_are_closed_to_others(region: Region) -> None:
    home = region.settings.home
    for folder in ("vault", "vault/deliveries", "lake", "lake/data", "tmp"):
        assert mode(home / folder) == 0o700, folder
    open_to_others = [p for p in files_under(home / "vault", home / "lake") if mode(p) & 0o077]
    assert open_to_others == []


def test_person_level_files_of_a_release_are_their_owners_and_nobody_writes_in_place(
    region: Region,
) -> None:
    release = region.settings.published / "current"
    assert mode(release / "analyst") == 0o700
    assert mode(release / "analyst" / "tietoallas.duckdb") == 0o400
    assert [path for path in files_under(release.resolve()) if mode(path) & 0o222] == []


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_modes_do_not_depend_on_who_starts_the_run(tmp_path: Path, umask: int) -> None:
    """Dagster starts runs under any umask; the folders themselves shut others out."""
    settings = new_settings(tmp_path)
    before = os.umask(umask)
    try:
        with open_session(settings):
            pass
    finally:
        os.umask(before)
    for folder in (settings.vault, settings.vault / "deliveries", settings.lake, settings.temp):
        assert mode(folder) == 0o700, folder
    for file in (*files_under(settings.vault), settings.lake / "catalog.sqlite"):
        assert mode(file) == 0o600, file


def test_temp_is_empty_after_a_run_and_encrypted_during_one(
    region: Region, session: Session
) -> None:
    assert files_under(region.settings.temp) == []
    current = session.lake.value("select current_setting('temp_directory')")
    assert current == str(region.settings.temp)
    assert session.lake.value("select current_setting('temp_file_encryption')") is True


def secrets(keys: Path) -> list[bytes]:
    """Every key as written and, where it is hexadecimal, its bytes."""
    document = json.loads(keys.read_text())
    written = [
        document["identities_key"],
        document["age_identity"],
        *document["person_keys"].values(),
        *document["audience_keys"].values(),
    ]
    raw = [bytes.fromhex(key) for key in written if not key.startswith("AGE")]
    return [*(k.lower().encode() for k in written), *raw]


def test_no_key_is_printed_or_kept_in_any_file(region: Region) -> None:
    assert region.settings.keys is not None
    keys = secrets(region.settings.keys)
    assert len(keys) == 11
    printed = region.printed.lower().encode()
    assert [number for number, key in enumerate(keys) if key in printed] == []
    for path in files_under(region.settings.home):
        content = path.read_bytes()
        holding = [n for n, key in enumerate(keys) if key in content or key in content.lower()]
        assert holding == [], path
