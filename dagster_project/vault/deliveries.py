"""The bytes of every delivery, as sent, compressed and encrypted under their own digest.

Here: putting a file in, and reading it back. Not here: what a delivery says (`sources`,
`lake.gate`), or who may read it back (`identities.log_access` goes before).
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyrage
import zstandard

from dagster_project.errors import DeliveryRefused, SettingsError, VaultError
from dagster_project.private_files import fsync_directory, fsync_file, make_private_directory

_SHA256 = re.compile("[0-9a-f]{64}")
_TEMPORARY_PREFIX, _TEMPORARY_SUFFIX = "incoming-", ".part"
_CHUNK_BYTES = 1 << 20
# Level 1 in two worker threads: on 313 MB of encounters as CSV, level 3 took 1.7 × the time and
# made no smaller file.
_ZSTD_LEVEL, _ZSTD_THREADS = 1, 2
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class VaultedDelivery:
    """A delivery that the vault holds."""

    sha256: str
    """Of the bytes as sent, in lowercase hexadecimal."""
    byte_count: int
    """Of the bytes as sent."""
    path: Path
    """The encrypted file."""


class DeliveryVault:
    """The directory of encrypted deliveries, one `<sha256>.age` each.

    Args:
        directory: Made with mode 0700 if absent.
        age_identity: `AGE-SECRET-KEY-…`; its public half encrypts.

    Raises:
        VaultError: the directory is open to others.
    """

    def __init__(self, directory: Path, age_identity: str) -> None:
        make_private_directory(directory)
        self._directory = directory
        self._identity = pyrage.x25519.Identity.from_str(age_identity)

    def put(self, path: Path) -> VaultedDelivery:
        """Keep the bytes of a file, in one pass and flat memory; a second time changes nothing.

        Plain bytes are never written: the temporary file is encrypted already.

        Raises:
            DeliveryRefused: the file cannot be read (`file.unreadable`), or changed while it was
                read (`file.being_written`).
            SettingsError: the disk is full.
            VaultError: the vault cannot be written.
        """
        with _opened(path) as file, self._writing(path) as (temporary, sealed):
            before = os.fstat(file.fileno())
            source = _Source(file, path)
            self._seal(source, sealed)
            _refuse_if_changed(path, before, byte_count=source.byte_count)
            sha256 = source.digest.hexdigest()
            target = self._path(sha256)
            if not target.exists():
                temporary.replace(target)
                fsync_directory(self._directory)
        return VaultedDelivery(sha256=sha256, byte_count=source.byte_count, path=target)

    def copy_to(self, sha256: str, target: BinaryIO) -> None:
        """Write a delivery as it was sent into a binary file, in a stream.

        Raises:
            VaultError: there is none of that digest, the key does not open it, or its bytes are
                damaged; what has been written by then is not to be used.
        """
        path = self._path(sha256)
        if not path.exists():
            raise VaultError(f"the vault holds no delivery {sha256}")
        digest = hashlib.sha256()
        self._unseal(path, _Sink(target, digest))
        if digest.hexdigest() not in (sha256, self._digest_since_erasure(sha256)):
            raise VaultError(f"delivery {sha256} does not match its digest; restore it from backup")

    def read(self, sha256: str) -> bytes:
        """A delivery as it was sent, whole in memory.

        Raises:
            VaultError: as `copy_to`.
        """
        buffer = io.BytesIO()
        self.copy_to(sha256, buffer)
        return buffer.getvalue()

    def replace(self, sha256: str, data: bytes) -> None:
        """Put other bytes in a delivery's place, those of a person having been erased from it.

        It keeps its name, the digest of what was sent; a file beside it says the new one. A crash
        in between leaves the old bytes, which are valid still.

        Raises:
            VaultError: there is no such delivery, or the vault cannot be written.
            SettingsError: the disk is full.
        """
        target = self._path(sha256)
        if not target.exists():
            raise VaultError(f"the vault holds no delivery {sha256}")
        with self._overwriting(target, data):
            note = self._note_path(sha256)
            note.touch(mode=0o600)
            note.write_text(hashlib.sha256(data).hexdigest(), encoding="ascii")
            fsync_file(note)

    def remove(self, sha256: str) -> None:
        """Remove a delivery for good, its time being over; a second time changes nothing."""
        self._path(sha256).unlink(missing_ok=True)
        self._note_path(sha256).unlink(missing_ok=True)
        fsync_directory(self._directory)

    def reseal(self, sha256: str, *, formerly: DeliveryVault) -> None:
        """Encrypt a delivery to this vault's key; one that this key opens already stays.

        Raises:
            VaultError: neither key opens it, or its bytes are damaged.
            SettingsError: the disk is full.
        """
        if self._opens(sha256):
            return
        with self._overwriting(self._path(sha256), formerly.read(sha256)):
            pass

    def _opens(self, sha256: str) -> bool:
        try:
            self.copy_to(sha256, cast("BinaryIO", _Nowhere()))
        except VaultError:
            return False
        return True

    def digests(self) -> list[str]:
        """SHA-256 of every delivery in the vault."""
        return sorted(path.stem for path in self._directory.glob("*.age"))

    def _digest_since_erasure(self, sha256: str) -> str | None:
        note = self._note_path(sha256)
        return note.read_text(encoding="ascii") if note.exists() else None

    def _note_path(self, sha256: str) -> Path:
        return self._path(sha256).with_suffix(".erased")

    def remove_temporaries(self) -> None:
        """Remove what interrupted runs left; only one writer may be at work."""
        for path in self._directory.glob(f"{_TEMPORARY_PREFIX}*{_TEMPORARY_SUFFIX}"):
            path.unlink()

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise VaultError("a delivery is named by 64 lowercase hexadecimal digits")
        return self._directory / f"{sha256}.age"

    @contextmanager
    def _writing(self, path: Path) -> Iterator[tuple[Path, BinaryIO]]:
        """A temporary file in the vault, of mode 0600, gone afterwards unless renamed."""
        try:
            handle, name = tempfile.mkstemp(
                dir=self._directory, prefix=_TEMPORARY_PREFIX, suffix=_TEMPORARY_SUFFIX
            )
            try:
                with os.fdopen(handle, "wb") as file:
                    yield Path(name), file
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise SettingsError(
                    f"the disk is full: {path.name!r} was not taken in, and nothing else changed;"
                    " free room where TIETOALLAS_HOME is, then run again"
                ) from error
            raise VaultError(f"the vault cannot be written ({error.strerror})") from error

    @contextmanager
    def _overwriting(self, target: Path, data: bytes) -> Iterator[None]:
        """Seal bytes beside a file of the vault, and put them in its place after the block."""
        with self._writing(target) as (temporary, sealed):
            self._seal(_Source(io.BytesIO(data), target), sealed)
            yield
            temporary.replace(target)
            fsync_directory(self._directory)

    def _seal(self, source: _Source, target: BinaryIO) -> None:
        """Compress and encrypt a file into another, to the disk itself."""
        sink = _Sink(target)
        compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, threads=_ZSTD_THREADS)
        compressed = compressor.stream_reader(cast("BinaryIO", source), read_size=_CHUNK_BYTES)
        try:
            pyrage.encrypt_io(compressed, sink, [self._identity.to_public()])
        except (pyrage.EncryptError, zstandard.ZstdError, OSError):
            _raise_first(source.failure, sink.failure)
            raise VaultError("a delivery could not be compressed and encrypted") from None
        target.flush()
        os.fsync(target.fileno())

    def _unseal(self, path: Path, sink: _Sink) -> None:
        """Decrypt and decompress a file into another."""
        plain = zstandard.ZstdDecompressor().stream_writer(cast("BinaryIO", sink), closefd=False)
        try:
            with path.open("rb") as file:
                pyrage.decrypt_io(file, plain, [self._identity])
        except (pyrage.DecryptError, zstandard.ZstdError, OSError):
            _raise_first(sink.failure)
            raise VaultError(
                f"delivery {path.stem} cannot be opened: the key is another's, or its bytes are"
                " damaged; check TIETOALLAS_KEYS, or restore it from backup"
            ) from None


class _Source:
    """A delivery's file: counts and digests what is read, and keeps what went wrong.

    It keeps it because the age library, which calls it, passes on no more than an error's text.
    """

    def __init__(self, file: io.FileIO | io.BytesIO, path: Path) -> None:
        self.digest = hashlib.sha256()
        self.byte_count = 0
        self.failure: BaseException | None = None
        self._file = file
        self._path = path

    def read(self, size: int = -1) -> bytes:
        try:
            chunk = self._file.read(size) or b""
        except OSError as error:
            self.failure = _unreadable(self._path, error.strerror)
            raise
        except BaseException as error:
            self.failure = error
            raise
        self.digest.update(chunk)
        self.byte_count += len(chunk)
        return chunk


class _Sink:
    """A file written by the age library: feeds a digest if given one, and keeps what went wrong."""

    def __init__(self, file: BinaryIO, digest: hashlib._Hash | None = None) -> None:
        self.failure: BaseException | None = None
        self._file = file
        self._digest = digest

    def write(self, data: bytes) -> int:
        if self._digest:
            self._digest.update(data)
        try:
            return self._file.write(data)
        except BaseException as error:
            self.failure = error
            raise

    def flush(self) -> None:
        """Nothing to do: the owner of the file flushes it."""


class _Nowhere:
    """A binary file that forgets what is written to it."""

    def write(self, data: bytes) -> int:
        return len(data)


def _raise_first(*failures: BaseException | None) -> None:
    for failure in failures:
        if failure is not None:
            raise failure from None


@contextmanager
def _opened(path: Path) -> Iterator[io.FileIO]:
    """A regular file, open for reading and unbuffered."""
    try:
        # A named pipe would block for ever without O_NONBLOCK; on a regular file it does nothing.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise _unreadable(path, error.strerror) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _unreadable(path, "not a regular file")
        with io.FileIO(handle, closefd=False) as file:
            yield file
    finally:
        os.close(handle)


def _unreadable(path: Path, reason: str | None) -> DeliveryRefused:
    return DeliveryRefused(
        "file.unreadable", f"{path.name!r} cannot be read ({reason}); mend it, then run again"
    )


def _refuse_if_changed(path: Path, before: os.stat_result, *, byte_count: int) -> None:
    try:
        after = _fingerprint(path.stat())
    except OSError:
        after = None  # renamed or removed while it was read
    if after != _fingerprint(before) or byte_count != before.st_size:
        raise DeliveryRefused(
            "file.being_written",
            f"{path.name!r} changed while it was read; run again when its sender has finished",
        )


def _fingerprint(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
