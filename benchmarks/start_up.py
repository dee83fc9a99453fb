"""How long the definitions take to load: what every Dagster process pays first.

Here: a fresh interpreter, several times. Not here: anything that touches data.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 5


def measure() -> list[tuple[str, str]]:
    """Median wall time of importing the definitions in a fresh interpreter."""
    seconds = [_once() for _ in range(RUNS)]
    median = statistics.median(seconds)
    return [("import of the definitions, median of 5", f"{median:.1f} s")]


def _once() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import dagster_project.definitions"], check=True)
    return time.perf_counter() - started
