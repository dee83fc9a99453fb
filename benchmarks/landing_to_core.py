"""Landing to core, against the time DuckDB needs to copy the same files to text Parquet.

Both sides get the same threads and memory, each in a process of its own, in turn: only their ratio
means anything on a shared machine. The plain copy reads UTF-8; transcoding is timed apart.

Here: what is timed. Not here: figures (`README.md`).
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb

from dagster_project import pipeline
from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.lake.connection import prepare_home
from dagster_project.pipeline import load_definition
from dagster_project.publish.release import publish
from dagster_project.settings import Settings
from dagster_project.synthetic.region import make_deliveries
from dagster_project.vault.keys import create_keyring

T = TypeVar("T")

DELIVERED_CORE = (
    "core.person_link",
    "core.person_alias",
    "core.site",
    "core.municipality",
    "core.provider",
    "core.encounter",
    "core.diagnosis",
    "core.enrolment",
    "core.person",
    "core.residence",
    "core.measurement",
    "core.procedure",
    "core.referral",
    "core.access_event",
    "core.need_assessment",
    "core.service_period",
    "core.care_relation",
    "core.hospital_episode",
    "core.invoice_line",
)
"""Core tables that hold the rows of delivered tables; the rest is derived from them."""


@dataclass(frozen=True)
class Plain:
    """The physical limit: seconds, and rows copied."""

    copy_s: float
    copy_cpu_s: float
    transcode_s: float
    row_count: int


@dataclass(frozen=True)
class Measured:
    """One run of the pipeline: seconds by stage, and peak memory."""

    ingest_s: float
    ingest_cpu_s: float
    delivered_core_s: float
    delivered_core_cpu_s: float
    rest_of_build_s: float
    release_s: float
    peak_bytes: int

    @property
    def landing_to_core_s(self) -> float:
        """What the bar is on."""
        return self.ingest_s + self.delivered_core_s

    @property
    def landing_to_core_cpu_s(self) -> float:
        """The same in processor seconds, which hold where others use the machine too."""
        return self.ingest_cpu_s + self.delivered_core_cpu_s

    @property
    def whole_s(self) -> float:
        """The whole pipeline, cold."""
        return self.landing_to_core_s + self.rest_of_build_s + self.release_s


def measure(work: Path, *, residents: int, months: int, runs: int) -> list[tuple[str, str]]:
    """Measure a first load and, on top of it, one more month."""
    landing = work / "landing"
    if not landing.exists():
        make_deliveries(
            landing, residents=residents, months=months + 1, manifest=work / "manifest.json"
        )
    last = sequence_of(months)
    plains, loads, month = [], [], None
    for _ in range(runs):
        plains.append(apart(plain_copy, landing, work / "plain", last))
        shutil.rmtree(work / "home", ignore_errors=True)
        loads.append(apart(run_pipeline, landing, work / "home", last, False))
        month = apart(run_pipeline, landing, work / "home", last, True)
    assert month is not None
    return _lines(plains, loads, month, size=f"{residents} residents, {months} months")


def apart(function: Callable[..., T], *arguments: object) -> T:
    """What a function gives in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def _lines(
    plains: list[Plain], loads: list[Measured], month: Measured, *, size: str
) -> list[tuple[str, str]]:
    ratios = [m.landing_to_core_s / p.copy_s for p, m in zip(plains, loads, strict=True)]
    cpu = [m.landing_to_core_cpu_s / p.copy_cpu_s for p, m in zip(plains, loads, strict=True)]
    plain, load = plains[-1], loads[-1]
    peak = max(m.peak_bytes for m in loads) / 1e9
    return [
        ("size", f"{size}, {plain.row_count / 1e6:.1f} M rows"),
        ("plain copy to text Parquet", f"{plain.copy_s:.1f} s"),
        ("transcoding, apart", f"{plain.transcode_s:.1f} s"),
        ("landing to staging", f"{load.ingest_s:.1f} s"),
        ("staging to core rows of the delivered tables", f"{load.delivered_core_s:.1f} s"),
        (
            "landing to core against the plain copy",
            f"{statistics.median(ratios):.2f} × (runs: {', '.join(f'{r:.2f}' for r in ratios)})",
        ),
        (
            "the same in processor seconds",
            f"{statistics.median(cpu):.2f} × (copy {plain.copy_cpu_s:.0f} s,"
            f" pipeline {load.landing_to_core_cpu_s:.0f} s)",
        ),
        ("derived core, marts, checks", f"{load.rest_of_build_s:.1f} s"),
        ("release", f"{load.release_s:.1f} s"),
        ("whole pipeline, cold", f"{load.whole_s:.1f} s"),
        ("peak resident memory", f"{peak:.2f} GB"),
        ("a further month, landing to core", f"{month.landing_to_core_s:.1f} s"),
        ("a further month, whole pipeline", f"{month.whole_s:.1f} s"),
    ]


def sequence_of(month_count: int, start: int = 201701) -> int:
    """The last of so many months, as deliveries are numbered."""
    year, month = divmod(start // 100 * 12 + start % 100 - 1 + month_count - 1, 12)
    return year * 100 + month + 1


def plain_copy(landing: Path, target: Path, last: int) -> Plain:
    """Copy every delivered CSV and Parquet file with nothing but DuckDB, one a table and major."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    catalogue = load_definition().catalogue
    contracts = {(c.key, c.major): c for c in catalogue.contracts}
    groups: defaultdict[tuple[str, int], list[Path]] = defaultdict(list)
    transcode_s = 0.0
    for key in catalogue.tables():
        for file, sequence in _sent(landing / key, last):
            contract = catalogue.in_force(key, sequence)
            if contract.dialect.format not in {FileFormat.CSV, FileFormat.PARQUET}:
                continue
            started = time.perf_counter()
            groups[key, contract.major].append(_as_utf8(file, contract, target))
            transcode_s += time.perf_counter() - started
    settings = Settings()
    connection = duckdb.connect(
        config={
            "threads": settings.worker_threads,
            "memory_limit": f"{settings.memory_limit_bytes}B",
        }
    )
    connection.execute("set enable_progress_bar = false")
    clock = _Clock()
    rows = sum(
        _copy(connection, files, contracts[name], target / f"{number}.parquet")
        for number, (name, files) in enumerate(groups.items())
    )
    copied = clock.lap()
    return Plain(copied.wall_s, copied.cpu_s, transcode_s, rows)


def _sent(folder: Path, last: int) -> list[tuple[Path, int]]:
    """Files of a table, with their sequences, up to a month."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    sent = [(file, int(file.stem.rsplit("_", 1)[1])) for file in files]
    return [(file, sequence) for file, sequence in sent if not _is_later(sequence, last)]


def _is_later(sequence: int, last: int) -> bool:
    """Whether a sequence, a month or a day, lies after a month."""
    return sequence > last if sequence < 1_000_000 else sequence // 100 > last


def _as_utf8(file: Path, contract: Contract, target: Path) -> Path:
    is_text = contract.dialect.format is FileFormat.CSV
    if not is_text or contract.dialect.encoding.startswith("utf-8"):
        return file
    copy = target / file.name
    copy.write_bytes(file.read_bytes().decode(contract.dialect.encoding).encode("utf-8"))
    return copy


def _copy(
    connection: duckdb.DuckDBPyConnection, files: list[Path], contract: Contract, target: Path
) -> int:
    names = ", ".join(f"'{f}'" for f in files)
    dialect = contract.dialect
    source = (
        f"select cast(columns(*) as varchar) from read_parquet([{names}])"
        if dialect.format is FileFormat.PARQUET
        else f"select * from read_csv([{names}], delim = '{dialect.delimiter}', quote = '\"',"
        f" skip = {dialect.header_line - 1}, header = true, all_varchar = true)"
    )
    row = connection.execute(
        f"copy ({source}) to '{target}' (format parquet, compression zstd)"
    ).fetchone()
    return int(row[0]) if row else 0


def run_pipeline(landing: Path, home: Path, last: int, is_further_month: bool) -> Measured:
    """Load everything up to `last` into a new home; or, on top of that, the month after it."""
    settings = Settings(home=home, keys=home.parent / "keys.json", keep_landing=True)
    prepare_home(settings)
    if not settings.keys or not settings.keys.exists():
        create_keyring(home.parent / "keys.json")
    shutil.rmtree(settings.landing)
    _link(landing, settings.landing, last, only_after=is_further_month)
    with pipeline.open_session(settings) as session:
        clock = _Clock()
        pipeline.ingest(session, report=_silent)
        ingest = clock.lap()
        pipeline.hide_places(session)
        delivered, rest = clock.lap(), Lap()
        built = []
        for model in session.definition.graph.models:
            built.append(pipeline.build_one(session, model))
            if model.full_name in DELIVERED_CORE:
                delivered += clock.lap()
            else:
                rest += clock.lap()
        pipeline.finish_build(session, tuple(built), report=_silent)
        rest += clock.lap()
        publish(session)
        release = clock.lap()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Measured(
        ingest.wall_s,
        ingest.cpu_s,
        delivered.wall_s,
        delivered.cpu_s,
        rest.wall_s,
        release.wall_s,
        peak,
    )


def _link(landing: Path, target: Path, last: int, *, only_after: bool) -> None:
    """Hard links to the deliveries due: landing is read, never changed."""
    for file in sorted(p for p in landing.rglob("*") if p.is_file()):
        sequence = int(file.stem.rsplit("_", 1)[1])
        if _is_later(sequence, last) == only_after:
            linked = target / file.relative_to(landing)
            linked.parent.mkdir(parents=True, exist_ok=True)
            linked.hardlink_to(file)


@dataclass(frozen=True)
class Lap:
    """Seconds by the wall and by this process's processors."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    def __add__(self, other: Lap) -> Lap:
        return Lap(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s)


class _Clock:
    """Laps since the last call."""

    def __init__(self) -> None:
        self._last = Lap(time.perf_counter(), time.process_time())

    def lap(self) -> Lap:
        """Seconds since the last call."""
        now = Lap(time.perf_counter(), time.process_time())
        last, self._last = self._last, now
        return Lap(now.wall_s - last.wall_s, now.cpu_s - last.cpu_s)


def _silent(line: str) -> None:
    """Print nothing."""
