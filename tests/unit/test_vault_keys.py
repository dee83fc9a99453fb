"""The key file: refused when unsafe, never overwritten, never shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_project.errors import SettingsError
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.vault.keys import AUDIENCES, create_keyring, demo_keys_path, load_keyring


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "keys.json"
    create_keyring(path)
    return path


def settings_of(tmp_path: Path, keys: Path | None) -> Settings:
    return Settings(home=tmp_path / "home", keys=keys)


def edited(key_file: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads(key_file.read_text())
    change(document)
    key_file.write_text(json.dumps(document))
    return key_file


def test_a_new_key_file_loads_and_holds_every_key(tmp_path: Path, key_file: Path) -> None:
    keyring = load_keyring(settings_of(tmp_path, key_file))

    assert keyring.person_key == keyring.person_keys[keyring.person_key_id]
    assert set(keyring.audience_keys) == set(AUDIENCES)
    assert keyring.age_identity.startswith("AGE-SECRET-KEY-1")
    keys = [*keyring.person_keys.values(), *keyring.audience_keys.values()]
    assert all(len(key) == 32 for key in keys)
    assert len(set(keys)) == len(keys)


def test_a_new_key_file_is_its_owners_alone(key_file: Path) -> None:
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.parent.stat().st_mode & 0o777 == 0o700


def test_keys_are_never_overwritten(key_file: Path) -> None:
    before = key_file.read_bytes()

    with pytest.raises(SettingsError, match="never overwritten"):
        create_keyring(key_file)

    assert key_file.read_bytes() == before


def test_no_text_of_a_keyring_shows_a_secret(tmp_path: Path, key_file: Path) -> None:
    keyring = load_keyring(settings_of(tmp_path, key_file))
    shown = f"{keyring!r} {keyring} {[keyring]}"

    secrets = [keyring.identities_key, keyring.age_identity]
    for key in (*keyring.person_keys.values(), *keyring.audience_keys.values()):
        secrets += [key.hex(), repr(key)]
    assert not [secret for secret in secrets if secret in shown]


def test_a_run_without_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set TIETOALLAS_KEYS"):
        load_keyring(settings_of(tmp_path, None))


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read .*set TIETOALLAS_KEYS"):
        load_keyring(settings_of(tmp_path, tmp_path / "absent.json"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, key_file: Path, mode: int) -> None:
    key_file.chmod(mode)

    with pytest.raises(SettingsError, match="chmod 600"):
        load_keyring(settings_of(tmp_path, key_file))


def test_a_key_file_inside_the_lake_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "home" / "lake" / "keys.json"
    create_keyring(path)

    with pytest.raises(SettingsError, match="beside what it protects"):
        load_keyring(settings_of(tmp_path, path))


def test_a_key_file_inside_the_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="beside what it protects"):
        load_keyring(settings_of(tmp_path, PROJECT_ROOT / "tests" / "keys.json"))


def test_a_link_does_not_hide_where_the_key_file_lies(tmp_path: Path) -> None:
    path = tmp_path / "home" / "lake" / "keys.json"
    create_keyring(path)
    link = tmp_path / "link.json"
    link.symlink_to(path)

    with pytest.raises(SettingsError, match="beside what it protects"):
        load_keyring(settings_of(tmp_path, link))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["person_keys"].update({"1": "ab" * 31}), r"person_keys\.1 .*32 random bytes"),
        (lambda d: d["person_keys"].update({"1": "not hex"}), r"person_keys\.1 .*32 random bytes"),
        (lambda d: d.update(identities_key="ab" * 31), "identities_key .*32 random bytes"),
        (lambda d: d.update(age_identity="AGE-SECRET-KEY-1"), "age_identity"),
        (lambda d: d.update(person_key_id="2"), "person_key_id"),
        (lambda d: d.update(person_keys=[]), "person_keys"),
        (lambda d: d["audience_keys"].pop("omop"), "audience_keys"),
        (lambda d: d["audience_keys"].update(omop=d["audience_keys"]["analyst"]), "used twice"),
        (lambda d: d.pop("audience_keys"), "restore it from its backup"),
        (lambda d: d.update(audience_key={}), "restore it from its backup"),
    ],
)
def test_a_key_file_that_is_not_whole_is_refused(
    tmp_path: Path, key_file: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as refusal:
        load_keyring(settings_of(tmp_path, edited(key_file, change)))

    assert "ab" * 31 not in str(refusal.value)


def test_a_key_file_that_is_not_json_is_refused_without_showing_it(
    tmp_path: Path, key_file: Path
) -> None:
    key_file.write_text("hush: " + "ab" * 32)

    with pytest.raises(SettingsError, match="restore it from its backup") as refusal:
        load_keyring(settings_of(tmp_path, key_file))

    assert "ab" * 32 not in str(refusal.value)
    assert refusal.value.__context__ is None


def test_the_demos_keys_lie_outside_home_and_apart_for_each_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    first = demo_keys_path(Settings(home=tmp_path / "first"))
    second = demo_keys_path(Settings(home=tmp_path / "second"))

    assert first.is_relative_to(tmp_path / "state" / "tietoallas")
    assert first != second
    assert first == demo_keys_path(Settings(home=tmp_path / "first"))


@pytest.mark.parametrize("stated", [None, "", "relative/state"])
def test_the_demos_keys_lie_in_the_users_state_folder_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    if stated is not None:
        monkeypatch.setenv("XDG_STATE_HOME", stated)

    keys = demo_keys_path(Settings(home=tmp_path / "home"))

    assert keys.is_relative_to(tmp_path / ".local" / "state" / "tietoallas")
