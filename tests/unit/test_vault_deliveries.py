"""Deliveries in the vault: whole, encrypted, once; and what is refused."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.errors import DeliveryRefused, SettingsError, VaultError
from dagster_project.vault.deliveries import DeliveryVault, _Source

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def age_identity() -> str:
    return str(pyrage.x25519.Identity.generate())


@pytest.fixture
def vault(tmp_path: Path, age_identity: str) -> DeliveryVault:
    return DeliveryVault(tmp_path / "vault", age_identity)


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    path = tmp_path / "residents_201801.csv"
    path.write_bytes(b"Kotikunta;Postinumero\r\n" + b"543;01900\r\n" * 1000)
    return path


def files_in(vault_directory: Path) -> list[str]:
    return sorted(path.name for path in vault_directory.iterdir())


def test_a_delivery_is_kept_under_its_digest(vault: DeliveryVault, sent: Path) -> None:
    kept = vault.put(sent)

    assert kept.sha256 == hashlib.sha256(sent.read_bytes()).hexdigest()
    assert kept.byte_count == sent.stat().st_size
    assert kept.path.name == f"{kept.sha256}.age"
    assert vault.read(kept.sha256) == sent.read_bytes()


def test_the_file_kept_is_an_age_file_of_its_owner_alone(vault: DeliveryVault, sent: Path) -> None:
    kept = vault.put(sent)

    assert kept.path.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert b"Postinumero" not in kept.path.read_bytes()
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert kept.path.parent.stat().st_mode & 0o777 == 0o700


def test_the_same_bytes_twice_are_kept_once(
    vault: DeliveryVault, sent: Path, tmp_path: Path
) -> None:
    first = vault.put(sent)
    written = first.path.stat()
    copy = tmp_path / "residents_201802.csv"
    copy.write_bytes(sent.read_bytes())

    assert vault.put(copy) == first
    assert first.path.stat() == written
    assert files_in(first.path.parent) == [first.path.name]


@given(content=st.binary(max_size=10_000))
def test_any_bytes_come_back_as_they_were(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        vault = DeliveryVault(Path(name) / "vault", str(pyrage.x25519.Identity.generate()))
        path = Path(name) / "sent"
        path.write_bytes(content)

        kept = vault.put(path)

        assert kept.byte_count == len(content)
        assert vault.read(kept.sha256) == content


def test_a_delivery_of_many_chunks_streams_back(vault: DeliveryVault, tmp_path: Path) -> None:
    path = tmp_path / "encounters_201801.csv"
    path.write_bytes(os.urandom(3 * MEBIBYTE + 17) + b"8;R10\n" * MEBIBYTE)
    target = io.BytesIO()

    vault.copy_to(vault.put(path).sha256, target)

    assert target.getvalue() == path.read_bytes()


def test_a_directory_open_to_others_is_refused(tmp_path: Path, age_identity: str) -> None:
    (tmp_path / "vault").mkdir(mode=0o700)
    (tmp_path / "vault").chmod(0o750)

    with pytest.raises(VaultError, match="chmod 700"):
        DeliveryVault(tmp_path / "vault", age_identity)


# What is refused at the door


@contextmanager
def refused(rule_id: str) -> Iterator[None]:
    with pytest.raises(DeliveryRefused) as refusal:
        yield
    assert refusal.value.rule_id == rule_id
    assert "residents_201801.csv" in str(refusal.value)


def writing_during_the_read(
    monkeypatch: pytest.MonkeyPatch, vault: DeliveryVault, change: Callable[[], None]
) -> None:
    seal = vault._seal

    def seal_and_change(source: _Source, target: BinaryIO) -> None:
        seal(source, target)
        change()

    monkeypatch.setattr(vault, "_seal", seal_and_change)


@pytest.mark.parametrize("how", ["appended", "same size", "replaced", "removed"])
def test_a_file_still_being_written_is_refused(
    vault: DeliveryVault, sent: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def change() -> None:
        content, status = sent.read_bytes(), sent.stat()
        if how in {"replaced", "removed"}:
            sent.rename(sent.with_suffix(".old"))
        if how != "removed":
            sent.write_bytes(content + b"543;01" * (how == "appended"))
            later = status.st_mtime_ns + (how == "same size")
            os.utime(sent, ns=(status.st_atime_ns, later))

    writing_during_the_read(monkeypatch, vault, change)

    with refused("file.being_written"):
        vault.put(sent)

    assert files_in(sent.parent / "vault") == []


def test_a_missing_file_is_refused(vault: DeliveryVault, tmp_path: Path) -> None:
    with refused("file.unreadable"):
        vault.put(tmp_path / "residents_201801.csv")


def test_a_folder_in_place_of_a_file_is_refused(vault: DeliveryVault, tmp_path: Path) -> None:
    (tmp_path / "residents_201801.csv").mkdir()

    with refused("file.unreadable"):
        vault.put(tmp_path / "residents_201801.csv")


def test_a_named_pipe_is_refused_and_not_waited_for(vault: DeliveryVault, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "residents_201801.csv")

    with refused("file.unreadable"):
        vault.put(tmp_path / "residents_201801.csv")


def test_a_file_that_fails_in_mid_read_is_refused(
    vault: DeliveryVault, sent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FailingDisk(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(io, "FileIO", FailingDisk)

    with refused("file.unreadable"):
        vault.put(sent)

    assert files_in(sent.parent / "vault") == []


# What the disk does


@contextmanager
def files_limited_to(byte_count: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (byte_count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_room_in_mid_write_leaves_nothing_and_the_next_run_works(
    vault: DeliveryVault, tmp_path: Path
) -> None:
    path = tmp_path / "encounters_201801.csv"
    path.write_bytes(os.urandom(MEBIBYTE))

    with files_limited_to(MEBIBYTE // 4), pytest.raises(SettingsError, match="disk is full"):
        vault.put(path)

    assert files_in(tmp_path / "vault") == []
    assert vault.read(vault.put(path).sha256) == path.read_bytes()


def test_a_full_disk_at_fsync_leaves_nothing(
    vault: DeliveryVault, sent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(SettingsError, match=r"residents_201801\.csv.*free room"):
        vault.put(sent)

    assert files_in(sent.parent / "vault") == []


def test_an_interrupt_in_mid_read_is_an_interrupt(
    vault: DeliveryVault, sent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    monkeypatch.setattr(io, "FileIO", Interrupted)

    with pytest.raises(KeyboardInterrupt):
        vault.put(sent)

    assert files_in(sent.parent / "vault") == []


def test_temporaries_of_a_killed_run_are_removed_and_deliveries_stay(
    vault: DeliveryVault, sent: Path
) -> None:
    kept = vault.put(sent)
    (kept.path.parent / "incoming-killed.part").write_bytes(b"half")

    vault.remove_temporaries()

    assert files_in(kept.path.parent) == [kept.path.name]


# What comes back


def test_a_delivery_that_is_not_there_is_an_error(vault: DeliveryVault) -> None:
    with pytest.raises(VaultError, match="holds no delivery"):
        vault.read("0" * 64)


@pytest.mark.parametrize("name", ["../keys", "A" * 64, "0" * 63, ""])
def test_only_a_digest_names_a_delivery(vault: DeliveryVault, name: str) -> None:
    with pytest.raises(VaultError, match="64 lowercase"):
        vault.read(name)


def test_another_key_does_not_open_a_delivery(vault: DeliveryVault, sent: Path) -> None:
    kept = vault.put(sent)
    other = DeliveryVault(kept.path.parent, str(pyrage.x25519.Identity.generate()))

    with pytest.raises(VaultError, match="TIETOALLAS_KEYS"):
        other.read(kept.sha256)


def test_a_cut_or_altered_delivery_is_never_taken_for_whole(
    vault: DeliveryVault, sent: Path
) -> None:
    kept = vault.put(sent)
    whole = kept.path.read_bytes()
    middle = len(whole) - 40
    altered = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]

    for damaged in (whole[:-10], whole[:50], b"", altered):
        kept.path.write_bytes(damaged)
        with pytest.raises(VaultError, match="restore it from backup"):
            vault.read(kept.sha256)


def test_a_delivery_under_another_digest_is_an_error(vault: DeliveryVault, sent: Path) -> None:
    kept = vault.put(sent)
    kept.path.rename(kept.path.with_stem("0" * 64))

    with pytest.raises(VaultError, match="does not match its digest"):
        vault.read("0" * 64)


def test_an_error_of_the_reader_of_a_delivery_is_its_own(vault: DeliveryVault, sent: Path) -> None:
    class FullDisk(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        vault.copy_to(vault.put(sent).sha256, FullDisk())
