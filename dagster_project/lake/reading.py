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
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from dagster_project.contracts.model import Contract
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
_BYTES_OF_A_GROUP = 16 * 1024 * 1024
_MOST_IN_A_GROUP = 64


@dataclass(frozen=True)
class Arrival:
    """A landing file whose bytes are in the vault and whose records are in a table in memory."""

    file: LandingFile
    taken: Fingerprint
    """Of the file just before it was read."""
    vaulted: VaultedDelivery
    records: str | None
    """Name of the table; None where a delivery of that sequence was taken in before."""


@dataclass(frozen=True)
class Refused:
    """A delivery of which nothing is taken in, and why."""

    file: LandingFile
    reason: DeliveryRefused


@dataclass(frozen=True)
class Arrivals:
    """Deliveries of one contract, each of its own sequence, to be taken in together."""

    contract: Contract
    each: tuple[Arrival | Refused, ...]
    new_codes: str
    """Name of the table in memory with the codes that have no person yet, by delivery."""

    @property
    def tables(self) -> dict[int, str]:
        """Tables in memory with the records of each delivery, by sequence."""
        read = (one for one in self.each if isinstance(one, Arrival))
        return {one.file.sequence: one.records for one in read if one.records}


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


def in_groups(files: Iterable[LandingFile]) -> Iterator[tuple[LandingFile, ...]]:
    """Small files of one contract that follow each other together, a large one alone.

    What a delivery costs however small, a group costs once.
    """
    group: list[LandingFile] = []
    byte_count = 0
    for file in files:
        size = _size(file)
        if group and not (_may_join(group, file) and byte_count + size <= _BYTES_OF_A_GROUP):
            yield tuple(group)
            group, byte_count = [], 0
        group.append(file)
        byte_count += size
    if group:
        yield tuple(group)


def _may_join(group: list[LandingFile], file: LandingFile) -> bool:
    return (
        len(group) < _MOST_IN_A_GROUP
        and file.contract is group[0].contract
        and file.sequence not in {other.sequence for other in group}
    )


def read_ahead(
    lake: Lake,
    blobs: DeliveryVault,
    files: tuple[LandingFile, ...],
    known: Mapping[Key, str],
    *,
    on_step: OnStep = no_step,
) -> Generator[Arrivals]:
    """The files in the order given, in groups; those that follow are read meanwhile.

    Args:
        lake: Its database holds the tables of records until they are forgotten.
        blobs: Where the bytes go.
        files: What lies in landing.
        known: Deliveries in the register; it may grow while files are read.
        on_step: Told of every step, by the thread that took it.
    """
    readers = lake.settings.worker_threads + 1
    room = lake.settings.memory_limit_bytes // _MEMORY_PER_BYTE
    ahead: deque[tuple[int, Future[Arrivals]]] = deque()
    pool = ThreadPoolExecutor(max_workers=readers)
    try:
        for number, group in enumerate(in_groups(files)):
            size = sum(map(_size, group))
            while len(ahead) > readers or (ahead and size + sum(s for s, _ in ahead) > room):
                yield ahead.popleft()[1].result()
            arrivals = pool.submit(_read_group, lake.beside(), blobs, group, known, number, on_step)
            ahead.append((size, arrivals))
        while ahead:
            yield ahead.popleft()[1].result()
    finally:
        pool.shutdown(cancel_futures=True)


def _size(file: LandingFile) -> int:
    try:
        return file.path.stat().st_size
    except OSError:
        return 0  # the file cannot be had, and the one who reads it says so


def forget(lake: Lake, arrivals: Arrivals) -> None:
    """Drop what was read."""
    for table in (*arrivals.tables.values(), arrivals.new_codes):
        lake.execute(f"drop table if exists memory.main.{table}")


def _read_group(
    lake: Lake,
    blobs: DeliveryVault,
    files: tuple[LandingFile, ...],
    known: Mapping[Key, str],
    group: int,
    on_step: OnStep,
) -> Arrivals:
    with lake.connection:
        each: list[Arrival | Refused] = []
        for number, file in enumerate(files):
            try:
                name = f"records_{group}_{number}"
                each.append(_read(lake, blobs, file, known, name, on_step))
            except DeliveryRefused as reason:
                each.append(Refused(file, reason))
        arrivals = Arrivals(files[0].contract, tuple(each), f"new_code_{group}")
        gate.find_new_codes(lake, arrivals.contract, arrivals.tables, into=arrivals.new_codes)
        on_step("new codes found")
        return arrivals


def _read(
    lake: Lake,
    blobs: DeliveryVault,
    file: LandingFile,
    known: Mapping[Key, str],
    name: str,
    on_step: OnStep,
) -> Arrival:
    taken = fingerprint(file)
    vaulted = blobs.put(file.path)
    on_step("bytes in the vault")
    if file.key in known:
        return Arrival(file, taken, vaulted, None)
    contract, sequence = file.contract, file.sequence
    try:
        with readable(file.path, contract, sequence=sequence, temp=lake.settings.temp) as text:
            gate.read(lake, contract, sequence, text, into=name)
    except BaseException:
        lake.execute(f"drop table if exists memory.main.{name}")
        raise
    on_step("records read")
    return Arrival(file, taken, vaulted, name)
