"""How cost grows with the region: `python -m benchmarks.scale --residents 31000 100000 --work DIR`.

Each size is run cold in a process of its own and added to `scale.csv`: seconds by the wall and of
the processor per stage, peak memory, bytes. `--fit` reads the file, fits a straight line per stage
(what a run costs however small, and what a million rows cost more), and foretells another size on
the same hardware. What it assumes is printed with it.

Here: measuring and fitting. Not here: the stages (`landing_to_core`), figures (`README.md`).
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.landing_to_core import Measured, apart, run_pipeline, sequence_of
from dagster_project.lake.connection import open_lake
from dagster_project.settings import Settings
from dagster_project.synthetic.region import make_deliveries

FILE = Path(__file__).with_name("scale.csv")
STAGES = ("ingest_s", "delivered_core_s", "rest_of_build_s", "release_s")
COUNTRY_RESIDENTS, COUNTRY_MONTHS = 5_600_000, 120


@dataclass(frozen=True)
class Point:
    """One size, measured."""

    engine: str
    memory_gib: float
    threads: int
    load: float
    """Of the machine when the run began: above the threads, seconds by the wall mean little."""
    residents: int
    months: int
    row_count: int
    landing_bytes: int
    lake_bytes: int
    peak_bytes: int
    ingest_s: float
    ingest_cpu_s: float
    delivered_core_s: float
    delivered_core_cpu_s: float
    rest_of_build_s: float
    release_s: float


def measure(work: Path, *, residents: int, months: int) -> Point:
    """Make the deliveries, if they are not there, and run the pipeline over them."""
    landing = work / f"landing-{residents}-{months}"
    if not landing.exists():
        make_deliveries(landing, residents=residents, months=months, manifest=work / "manifest")
    home = work / f"home-{residents}-{months}"
    load = os.getloadavg()[0]
    measured: Measured = apart(run_pipeline, landing, home, sequence_of(months), False)
    settings = Settings(home=home)
    with open_lake(settings) as lake:
        rows = lake.count("select sum(received_count) from ops.delivery")
    return Point(
        engine=settings.engine,
        memory_gib=settings.memory_limit_bytes / 2**30,
        threads=settings.worker_threads,
        load=load,
        residents=residents,
        months=months,
        row_count=rows,
        landing_bytes=_bytes(landing),
        lake_bytes=_bytes(settings.lake),
        **{name: value for name, value in asdict(measured).items() if name in _MEASURED},
    )


_MEASURED = frozenset(Point.__dataclass_fields__) & frozenset(Measured.__dataclass_fields__)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def keep(point: Point) -> None:
    """Add a point to the file."""
    is_new = not FILE.exists()
    with FILE.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(asdict(point)), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(point))


def read() -> list[dict[str, str]]:
    """Every point so far."""
    with FILE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Line:
    """Seconds of a stage: what it costs however small, and what a million rows cost more."""

    start_s: float
    per_million_s: float

    def seconds(self, million_rows: float) -> float:
        """Seconds for so many rows."""
        return self.start_s + self.per_million_s * million_rows


def fit(points: Sequence[Mapping[str, str]]) -> dict[str, Line]:
    """A line for each stage, by least squares; of one size none can be drawn.

    Raises:
        ValueError: all points are of one size.
    """
    rows = [int(point["row_count"]) / 1e6 for point in points]
    if len(set(rows)) < 2:
        raise ValueError("two sizes at least are due; measure another one")
    lines = {}
    for stage in STAGES:
        slope, start = np.polyfit(rows, [float(point[stage]) for point in points], 1)
        lines[stage] = Line(float(start), float(slope))
    return lines


def foretell(points: Sequence[Mapping[str, str]], *, residents: int, months: int) -> list[str]:
    """What another size would cost on the hardware of these points, stage by stage."""
    per_resident_month = max(
        int(p["row_count"]) / int(p["residents"]) / int(p["months"]) for p in points
    )
    million = per_resident_month * residents * months / 1e6
    lines = fit(points)
    return [
        f"{residents} residents, {months} months: {million:.0f} M rows at"
        f" {per_resident_month:.2f} a resident and month, as in the points",
        *(
            f"{stage.removesuffix('_s')}: {line.seconds(million) / 3600:.1f} h"
            f" ({line.per_million_s:.2f} s a million rows)"
            for stage, line in lines.items()
        ),
        "Assumed: the points' engine, threads and disk; cost per row stays that of the points,"
        " spilling included only where a point spilled; nothing else at work.",
    ]


def main() -> None:
    """Measure the sizes asked for, or fit what is there."""
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description=__doc__)
    parser.add_argument("--residents", type=int, nargs="*", default=[31_000, 100_000, 311_899])
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--work", type=Path, default=Path("var/scale"))
    parser.add_argument("--fit", action="store_true", help="fit what was measured, measure nothing")
    arguments = parser.parse_args()
    if arguments.fit:
        told = foretell(read(), residents=COUNTRY_RESIDENTS, months=COUNTRY_MONTHS)
        print("\n".join(told))
        return
    arguments.work.mkdir(parents=True, exist_ok=True)
    for residents in arguments.residents:
        point = measure(arguments.work, residents=residents, months=arguments.months)
        keep(point)
        print(point)


if __name__ == "__main__":
    main()
