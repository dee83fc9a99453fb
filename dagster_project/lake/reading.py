"""The first half of the protocol, ahead of the second: bytes to the vault, text to judged records.

It writes nothing to the lake, so it runs beside the writing of the deliveries before. Each delivery
is read by one thread, and several deliveries at a time: within one, DuckDB spends more on keeping
file order over threads than they save. What a crash leaves (bytes in the vault, a table in memory)
is no delivery yet.

Here: what is done in advance, and how far. Not here: casts and rules (`gate`), or what becomes of
the records (`delivery`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from dagster_project.errors import DeliveryRefused
from dagster_project.lake import gate
from dagster_project.lake.connection import Lake
from dagster_project.lake.runs import OnStep, no_step
from dagster_project.sources.landing import Key, LandingFile
from dagster_project.sources.readable import readable
from dagster_project.vault.deliveries import DeliveryVault, VaultedDelivery

Fingerprint = tuple[int, int, int]
_MEMORY_PER_BYTE = 8
"""Deliveries are read ahead as long as their files are an eighth of the memory limit: as records
in memory they take up to twice the room of their text, and the statements need theirs."""


@dataclass(frozen=True)
class Arrival:
    """A landing file whose bytes are in the vault and whose records are in a table in memory."""

    file: LandingFile
    taken: Fingerprint
    """Of the file just before it was read."""
    vaulted: VaultedDelivery
    records: str | None
    """Name of the table; None where a delivery of that sequence was taken in before."""


def fingerprint(file: LandingFile) -> Fingerprint:
    """What tells one state of a landing file from another.

    Raises:
        DeliveryRefused: the file cannot be had.
    """
    try:
        status = file.path.stat()
    except OSError as error:
        raise DeliveryRefused(
            "file.unreadable", f"the file cannot be read ({error.strerror}); mend its permissions"
        ) from None
    return status.st_ino, status.st_size, status.st_mtime_ns


def read_ahead(
    lake: Lake,
    blobs: DeliveryVault,
    files: tuple[LandingFile, ...],
    known: Mapping[Key, str],
    *,
    on_step: OnStep = no_step,
) -> Generator[tuple[LandingFile, Future[Arrival]]]:
    """Each file with its arrival, in the order given; those that follow are read meanwhile.

    Args:
        lake: Its database holds the tables of records until they are forgotten.
        blobs: Where the bytes go.
        files: What lies in landing.
        known: Deliveries in the register; it may grow while files are read.
        on_step: Told of every step, by the thread that took it.
    """
    readers = lake.settings.worker_threads + 1
    room = lake.settings.memory_limit_bytes // _MEMORY_PER_BYTE
    ahead: deque[tuple[LandingFile, Future[Arrival]]] = deque()
    pool = ThreadPoolExecutor(max_workers=readers)
    try:
        for number, file in enumerate(files):
            while len(ahead) > readers or (ahead and _size(ahead) + _byte_count(file) > room):
                yield ahead.popleft()
            records = f"records_{number}"
            arrival = pool.submit(_read, lake.beside(), blobs, file, known, records, on_step)
            ahead.append((file, arrival))
        yield from ahead
    finally:
        pool.shutdown(cancel_futures=True)


def _size(ahead: Iterable[tuple[LandingFile, Future[Arrival]]]) -> int:
    return sum(_byte_count(file) for file, _ in ahead)


def _byte_count(file: LandingFile) -> int:
    try:
        return file.path.stat().st_size
    except OSError:
        return 0  # the file cannot be had, and the one who reads it says so


def _read(
    lake: Lake,
    blobs: DeliveryVault,
    file: LandingFile,
    known: Mapping[Key, str],
    name: str,
    on_step: OnStep,
) -> Arrival:
    with lake.connection:
        taken = fingerprint(file)
        vaulted = blobs.put(file.path)
        on_step("bytes in the vault")
        if file.key in known:
            return Arrival(file, taken, vaulted, None)
        contract, sequence = file.contract, file.sequence
        try:
            with readable(file.path, contract, sequence=sequence, temp=lake.settings.temp) as text:
                gate.read(lake, contract, sequence, text, into=name)
            on_step("records read")
            gate.find_new_codes(lake, contract, of=name)
            on_step("new codes found")
        except BaseException:
            gate.forget(lake, name)
            raise
        return Arrival(file, taken, vaulted, name)
