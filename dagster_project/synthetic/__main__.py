"""`python -m dagster_project.synthetic`: the synthetic region from the command line.

Here: arguments. Not here: anything else (`region`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dagster_project.synthetic.region import make_deliveries


def main() -> None:
    """Read the arguments and write the deliveries."""
    parser = argparse.ArgumentParser(
        prog="python -m dagster_project.synthetic", description=__doc__
    )
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--residents", type=int, default=5_000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--start-month", type=int, default=201701)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-dirt", action="store_true")
    chosen = parser.parse_args()
    make_deliveries(
        chosen.landing,
        residents=chosen.residents,
        months=chosen.months,
        start_month=chosen.start_month,
        seed=chosen.seed,
        manifest=chosen.manifest,
        with_dirt=not chosen.without_dirt,
    )


if __name__ == "__main__":
    main()
