"""Backup, restore, and new keys for an old vault.

Here: the acts themselves. Not here: homes whose parts are of different ages (`test_restore`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dagster_project import backup, pipeline
from dagster_project.errors import SettingsError, TietoallasError, VaultError
from dagster_project.settings import Settings
from dagster_project.vault.deliveries import DeliveryVault
from dagster_project.vault.keys import create_keyring, read_keyring
from dagster_project.vault.rotation import rotate
from tests.support.runs import NOW, files_under, lake_content, run_once, small_home

pytestmark = pytest.mark.usefixtures("few_tables")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with two months in it, that no test changes."""
    made = small_home(tmp_path_factory.mktemp("backup"))
    run_once(made)
    return made


@pytest.fixture(scope="module")
def saved(settings: Settings) -> Path:
    """A backup of it."""
    folder = settings.home.parent / "saved"
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        backup.back_up(session, folder)
        assert session.lake.count("select count(*) from identity_map")
    return folder


def elsewhere(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"home": folder / "other"})


def test_a_backup_restored_elsewhere_holds_the_same_and_goes_on(
    settings: Settings, saved: Path, tmp_path: Path
) -> None:
    other = elsewhere(settings, tmp_path)
    backup.restore(saved, other)
    assert lake_content(other) == lake_content(settings)
    assert run_once(other).tables == run_once(settings).tables


def test_a_backup_lists_every_file_and_holds_no_key(settings: Settings, saved: Path) -> None:
    listed = json.loads((saved / backup.LIST).read_text())["sha256"]
    found = {str(path.relative_to(saved)) for path in files_under(saved)}
    assert found == {*listed, backup.LIST}
    assert settings.keys is not None
    keyring = read_keyring(settings.keys)
    secrets = [keyring.identities_key, keyring.age_identity, keyring.person_key.hex()]
    assert not [p for p in files_under(saved) for s in secrets if s.encode() in p.read_bytes()]
    assert {path.stat().st_mode & 0o077 for path in files_under(saved)} == {0}


@pytest.mark.parametrize("fault", ["changed", "missing", "new", "unfinished"])
def test_a_backup_that_is_not_whole_restores_nothing(
    settings: Settings, saved: Path, tmp_path: Path, fault: str
) -> None:
    folder = tmp_path / "copy"
    pipeline_copy(saved, folder)
    victim = next((folder / "vault" / "deliveries").glob("*.age"))
    match fault:
        case "changed":
            victim.write_bytes(victim.read_bytes()[:-1] + b"x")
        case "missing":
            victim.unlink()
        case "new":
            (folder / "lake" / "stray").touch()
        case _:
            (folder / backup.LIST).unlink()
    other = elsewhere(settings, tmp_path)
    with pytest.raises(TietoallasError, match="backup"):
        backup.restore(folder, other)
    assert not other.lake.exists()
    assert not other.vault.exists()


def pipeline_copy(source: Path, target: Path) -> None:
    for path in files_under(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())


def test_nothing_is_overwritten(settings: Settings, saved: Path) -> None:
    with pytest.raises(SettingsError, match="empty TIETOALLAS_HOME"):
        backup.restore(saved, settings)
    with pipeline.open_session(settings) as session:
        with pytest.raises(SettingsError, match="not empty"):
            backup.back_up(session, saved)
        with pytest.raises(SettingsError, match="would be lost with it"):
            backup.back_up(session, settings.home / "saved")


def rotated(settings: Settings, path: Path, *, audiences: tuple[str, ...] = ()) -> Settings:
    with pipeline.open_session(settings) as session:
        rotate(
            session.keyring,
            path,
            directory=settings.vault / "deliveries",
            identities=session.identities,
            audiences=audiences,
        )
    return settings.model_copy(update={"keys": path})


def test_after_a_rotation_the_new_keys_open_everything_and_the_old_ones_nothing(
    tmp_path: Path,
) -> None:
    old = small_home(tmp_path)
    run_once(old)
    before = lake_content(old)
    new = rotated(old, tmp_path / "new_keys", audiences=("analyst",))
    with pytest.raises(VaultError, match="opening it with the key"):
        lake_content(old)
    assert lake_content(new) == before
    with pipeline.open_session(new) as session:
        assert all(session.blobs.read(digest) for digest in session.blobs.digests())
        former, latter = read_keyring(tmp_path / "keys"), session.keyring
    assert latter.person_keys.items() > former.person_keys.items()
    assert latter.audience_keys["analyst"] != former.audience_keys["analyst"]
    assert latter.audience_keys["guidance"] == former.audience_keys["guidance"]
    closed = DeliveryVault(new.vault / "deliveries", former.age_identity)
    with pytest.raises(VaultError, match="cannot be opened"):
        closed.read(closed.digests()[0])


def test_a_rotation_that_was_interrupted_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = small_home(tmp_path)
    run_once(settings)
    before, really, count = lake_content(settings), DeliveryVault.reseal, [0]

    def reseal(self: DeliveryVault, sha256: str, *, formerly: DeliveryVault) -> None:
        count[0] += 1
        if count[0] == 3:
            raise KeyboardInterrupt
        really(self, sha256, formerly=formerly)

    monkeypatch.setattr(DeliveryVault, "reseal", reseal)
    with pytest.raises(KeyboardInterrupt):
        rotated(settings, tmp_path / "new_keys")
    assert lake_content(settings) == before
    assert lake_content(rotated(settings, tmp_path / "new_keys")) == before


def test_a_key_file_that_is_no_successor_is_refused(tmp_path: Path) -> None:
    settings = small_home(tmp_path)
    create_keyring(tmp_path / "others")
    with pytest.raises(SettingsError, match="does not follow"):
        rotated(settings, tmp_path / "others")
