"""`python -m benchmarks`: measure, and print a table for `benchmarks/README.md`.

Here: arguments and printing. Not here: what is timed (`budgets`, `landing_to_core`,
`own_extracts`, `publishing`, `settlement`, `start_up`).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import budgets, landing_to_core, own_extracts, publishing, settlement, start_up


def main() -> None:
    """Run the measurements asked for, in a temporary home."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--residents", type=int, default=311_899)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--runs", type=int, default=1, help="pairs of plain copy and pipeline")
    parser.add_argument("--work", type=Path, help="keep deliveries and homes here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        lines = [
            *start_up.measure(),
            *own_extracts.measure(work),
            *(row for n in (140, 5_000, 200_000) for row in budgets.measure(work, clients=n)),
            *settlement.measure(work, residents=arguments.residents, months=arguments.months),
            *settlement.measure(work, residents=5_600_000, months=1, memory_gib=4),
            *landing_to_core.measure(
                work, residents=arguments.residents, months=arguments.months, runs=arguments.runs
            ),
            *publishing.measure(work),
        ]
    print("| what | measured |\n| --- | --- |")
    for what, figure in lines:
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
