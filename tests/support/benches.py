"""The residence and enrolment models, spoken to in the words of `reference`.

Here: tables from statements and versions, facts from rows. Not here: scenarios.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.support.models import Bench, bench
from tests.support.reference import Choice, Known, Snapshot, Stay, Version

REGION = "01"


def residence_bench() -> Bench:
    """`core.residence` over empty tables."""
    return bench(
        "core.residence",
        {
            "effective.delivery": "source varchar, table_name varchar, delivery_sequence bigint,"
            " covers_to_date date",
            "effective.residents": "person_id bigint, municipality_code varchar,"
            " postal_code varchar, birth_date date, death_date date, moved_date date,"
            " delivery_sequence bigint, record_number bigint",
            "core.person_alias": "alias_person_id bigint, person_id bigint",
            "core.municipality": "municipality_code varchar, region_code varchar,"
            " is_trial_area boolean",
        },
    )


def residence_by_sql(
    on: Bench, snapshots: Iterable[Snapshot], alias: Mapping[int, int] | None = None
) -> list[Known[Stay]]:
    """The model's rows over these snapshots, as facts."""
    rows = residence_rows(on, snapshots, alias)
    return [Known(_stay(row), row["known_from_seq"], row["known_to_seq"]) for row in rows]


def residence_rows(
    on: Bench, snapshots: Iterable[Snapshot], alias: Mapping[int, int] | None = None
) -> list[dict[str, Any]]:
    """The model's rows over these snapshots, in an area of the one municipality 091."""
    ordered = list(snapshots)
    return on.run(
        {
            "effective.delivery": [
                ("population_register", "residents", s.sequence, s.covers_to) for s in ordered
            ],
            "effective.residents": [
                (t.code, *(t.place or (None, None)), t.moved, t.death, t.moved, s.sequence, record)
                for s in ordered
                for record, t in enumerate(s.statements, start=1)
            ],
            "core.person_alias": list((alias or {}).items()),
            "core.municipality": [("091", REGION, True)],
        }
    )


def _stay(row: Mapping[str, Any]) -> Stay:
    told = row["municipality_code"] is not None
    place = (row["municipality_code"], row["postal_code"]) if told else None
    return Stay(row["person_id"], place, row["valid_from_date"], row["valid_to_date"])


def enrolment_bench() -> Bench:
    """`core.enrolment` over empty tables."""
    return bench(
        "core.enrolment",
        {
            "effective.enrolments": "enrolment_id varchar, person_id bigint, service_code varchar,"
            " provider_id varchar, site_id varchar, start_date date, end_date date,"
            " channel_code varchar, updated_at timestamp, delivery_sequence bigint,"
            " record_number bigint",
            "core.person_alias": "alias_person_id bigint, person_id bigint",
            "core.site": "site_id varchar",
        },
    )


def enrolment_by_sql(on: Bench, versions: Sequence[Version]) -> list[Known[Choice]]:
    """The model's rows over these versions, at sites that are all known."""
    rows = on.run(
        {
            "effective.enrolments": [
                (
                    v.enrolment,
                    v.person,
                    v.service,
                    v.provider,
                    v.site,
                    v.start,
                    v.end,
                    "web",
                    v.updated,
                    v.sequence,
                    record,
                )
                for record, v in enumerate(versions, start=1)
            ],
            "core.site": [(s,) for s in sorted({v.site for v in versions})],
        }
    )
    return [Known(_choice(row), row["known_from_seq"], row["known_to_seq"]) for row in rows]


def _choice(row: Mapping[str, Any]) -> Choice:
    return Choice(
        row["enrolment_id"],
        row["person_id"],
        row["service_code"],
        row["provider_id"],
        row["site_id"],
        row["valid_from_date"],
        row["valid_to_date"],
        row["is_ended_by_next"],
        row["is_early_change"],
    )
