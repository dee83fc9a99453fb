"""Keys of the vault: they come from outside, have no default, and are never shown.

Here: the key file, its checks, and making a new one. Not here: what the keys do (`deliveries`,
`identities`).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage

from dagster_project.errors import SettingsError
from dagster_project.private_files import fsync_directory, is_open_to_others
from dagster_project.settings import PROJECT_ROOT, Settings

AUDIENCES = ("analyst", "guidance", "omop")
_HELD_ELSEWHERE = {"research"}
"""Audience whose key older files hold too; its ids are made under a key of their own file now."""
MINIMUM_KEY_BYTES = 32
_FIELDS = {"person_key_id", "person_keys", "identities_key", "age_identity", "audience_keys"}
_HOW_TO_MAKE = (
    "set TIETOALLAS_KEYS to a key file outside the lake and the repository"
    " (`tietoallas keys create PATH` makes one)"
)


@dataclass(frozen=True)
class Keyring:
    """Every secret of one installation; its repr shows none of them."""

    person_key_id: str
    """Names the person key in force; new codes are hashed under it."""
    person_keys: dict[str, bytes] = field(repr=False)
    """Person keys by id, retired ones included."""
    identities_key: str = field(repr=False)
    """Encryption key of the identity database."""
    age_identity: str = field(repr=False)
    """`AGE-SECRET-KEY-…`, which opens the deliveries."""
    audience_keys: dict[str, bytes] = field(repr=False)
    """Key of each audience's own pseudonyms."""

    @property
    def person_key(self) -> bytes:
        """The person key in force."""
        return self.person_keys[self.person_key_id]


def load_keyring(settings: Settings) -> Keyring:
    """Read and check the key file that the settings name.

    Raises:
        SettingsError: no file is named; it is missing, readable by others, inside the lake or the
            repository, or not a whole key file; a key is too short, or is used twice.
    """
    if settings.keys is None:
        raise SettingsError(f"no keys: {_HOW_TO_MAKE}")
    _refuse_place(settings.keys, (settings.lake, PROJECT_ROOT))
    return read_keyring(settings.keys)


def read_keyring(path: Path) -> Keyring:
    """Read and check a key file, wherever it lies.

    Raises:
        SettingsError: it is missing, readable by others, or not a whole key file; a key is too
            short, or is used twice.
    """
    return _keyring(_document(_private_bytes(path)))


def create_keyring(path: Path) -> None:
    """Write a new key file with mode 0600.

    Raises:
        SettingsError: the file exists; keys are never overwritten, since the vault opens with
            these alone.
    """
    _write(path, _new_document())


def create_successor(old: Keyring, path: Path, *, audiences: Collection[str] = ()) -> None:
    """Write a key file that follows another: all secrets new, but for retired person keys.

    Args:
        old: What it follows; its person keys stay beside the new one.
        path: File to make, with mode 0600.
        audiences: Whose keys are new as well; the others' pseudonyms stay as they are.

    Raises:
        SettingsError: the file exists, or there is no such audience.
    """
    unknown = sorted(set(audiences) - set(AUDIENCES))
    if unknown:
        raise SettingsError(f"no audience {unknown[0]!r}; there are {', '.join(AUDIENCES)}")
    document = _new_document()
    kept = {name: key.hex() for name, key in old.person_keys.items()}
    key_id = str(len(kept) + 1)
    document["person_keys"] = kept | {key_id: document["person_keys"]["1"]}
    document["person_key_id"] = key_id
    for name, key in old.audience_keys.items():
        if name not in audiences:
            document["audience_keys"][name] = key.hex()
    _write(path, document)


def create_research_key(path: Path) -> None:
    """Write a key file for research pseudonyms, with mode 0600; the controller keeps it apart.

    Raises:
        SettingsError: the file exists.
    """
    _write(path, {"research_key": secrets.token_hex(MINIMUM_KEY_BYTES)})


def read_research_key(path: Path, settings: Settings) -> bytes:
    """The key of research pseudonyms, from a file that lies apart from home, lake and key file.

    Raises:
        SettingsError: it is missing, readable by others, none, or lies beside what it must not.
    """
    beside = [settings.home, settings.lake, PROJECT_ROOT]
    _refuse_place(path, [*beside, *([settings.keys.parent] if settings.keys else [])])
    try:
        document = json.loads(_private_bytes(path))
    except ValueError:
        document = None  # refused below: this error would carry the file's text along
    if not isinstance(document, dict) or set(document) != {"research_key"}:
        raise SettingsError("that is no research key; `tietoallas research key PATH` makes one")
    return _key("research_key", document["research_key"])


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SettingsError(f"{path} exists, and keys are never overwritten") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fsync_directory(path.parent)


def demo_keys_path(settings: Settings) -> Path:
    """Where the demo keeps its keys: one file per home, outside the home itself.

    Follows the XDG Base Directory Specification: user-specific state, and a path that is not
    absolute does not count.
    """
    stated = Path(os.environ.get("XDG_STATE_HOME", ""))
    state = stated if stated.is_absolute() else Path.home() / ".local" / "state"
    home_digest = hashlib.sha256(str(settings.home.resolve()).encode()).hexdigest()[:12]
    return state / "tietoallas" / home_digest / "keys.json"


def keyed(settings: Settings) -> Settings:
    """Settings with the demo's keys where none are set and the demo was made."""
    keys = demo_keys_path(settings)
    if settings.keys is None and keys.exists():
        return settings.model_copy(update={"keys": keys})
    return settings


def _refuse_place(path: Path, forbidden: Iterable[Path]) -> None:
    for folder in forbidden:
        if path.resolve().is_relative_to(folder.resolve()):
            raise SettingsError(
                f"the key file {path} lies inside {folder}, beside what it protects; move it"
                " elsewhere and set TIETOALLAS_KEYS to its new place"
            )


def _private_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if is_open_to_others(os.fstat(file.fileno())):
                raise SettingsError(
                    f"the key file is readable by group or others; run: chmod 600 '{path}'"
                )
            return file.read()
    except OSError as error:
        raise SettingsError(
            f"the key file {path} cannot be read ({error.strerror}): {_HOW_TO_MAKE}"
        ) from None


def _document(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        document = None  # refused below: this error would carry the file's text along
    if not isinstance(document, dict) or set(document) != _FIELDS:
        raise SettingsError(
            f"the key file is not a JSON object with exactly {', '.join(sorted(_FIELDS))};"
            " restore it from its backup"
        )
    return document


def _keyring(document: dict[str, Any]) -> Keyring:
    keyring = Keyring(
        person_key_id=str(document["person_key_id"]),
        person_keys=_named_keys("person_keys", document["person_keys"]),
        identities_key=_key("identities_key", document["identities_key"]).hex(),
        age_identity=_age_identity(document["age_identity"]),
        audience_keys=_named_keys("audience_keys", document["audience_keys"]),
    )
    if keyring.person_key_id not in keyring.person_keys:
        raise SettingsError("the key file's person_key_id names none of its person_keys")
    if set(keyring.audience_keys) - _HELD_ELSEWHERE != set(AUDIENCES):
        raise SettingsError(f"audience_keys in the key file must be {', '.join(AUDIENCES)}")
    _refuse_shared_keys(keyring)
    return keyring


def _named_keys(name: str, value: object) -> dict[str, bytes]:
    if not isinstance(value, Mapping):
        raise SettingsError(f"{name} in the key file must be an object of named keys")
    return {str(key): _key(f"{name}.{key}", secret) for key, secret in value.items()}


def _key(name: str, value: object) -> bytes:
    try:
        key = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        key = b""
    if len(key) < MINIMUM_KEY_BYTES:
        raise SettingsError(
            f"{name} in the key file must be at least {MINIMUM_KEY_BYTES} random bytes,"
            f" written as {2 * MINIMUM_KEY_BYTES} or more hexadecimal digits"
        ) from None
    return key


def _age_identity(value: object) -> str:
    try:
        pyrage.x25519.Identity.from_str(str(value))
    except pyrage.IdentityError:
        raise SettingsError(
            "age_identity in the key file is not an AGE-SECRET-KEY-1… of age-keygen"
        ) from None
    return str(value)


def _refuse_shared_keys(keyring: Keyring) -> None:
    """Two audiences with one key could join their data."""
    keys = [*keyring.person_keys.values(), *keyring.audience_keys.values()]
    keys.append(bytes.fromhex(keyring.identities_key))
    if len(set(keys)) != len(keys):
        raise SettingsError("one key is used twice in the key file; each must be its own")


def _new_document() -> dict[str, Any]:
    return {
        "person_key_id": "1",
        "person_keys": {"1": secrets.token_hex(MINIMUM_KEY_BYTES)},
        "identities_key": secrets.token_hex(MINIMUM_KEY_BYTES),
        "age_identity": str(pyrage.x25519.Identity.generate()),
        "audience_keys": {name: secrets.token_hex(MINIMUM_KEY_BYTES) for name in AUDIENCES},
    }
