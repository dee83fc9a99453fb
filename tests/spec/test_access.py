"""Access to care: waits by class and clock, the guarantee by its dated limits, published waits.

Here: Vantaa's figures of 8-9/2021 as golden cases, made into events and counted by the models that
count the lake's own; limits by service, age and date. Not here: how events are delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import chain as chained
from typing import Any

import pytest

from dagster_project.rulebook import load_rulebooks
from tests.support.model_chain import Chain, chain

TABLES = {
    "effective.delivery": "covers_to_date date",
    "core.site": (
        "site_id varchar, provider_id varchar, service_code varchar, municipality_code varchar,"
        " valid_from_date date, valid_to_date date"
    ),
    "core.person": "person_id bigint, birth_date date",
    "core.access_limit": (
        "limit_id varchar, guarantee_code varchar, reason_code varchar, from_age_years integer,"
        " to_age_years integer, limit_count integer, limit_unit_code varchar,"
        " clock_from_code varchar, clock_to_code varchar, valid_from_date date, valid_to_date date"
    ),
    "core.access_event": (
        "person_id bigint, site_id varchar, service_code varchar, profession_code varchar,"
        " reason_code varchar, contacted_date date, assessed_at timestamp, visited_at timestamp"
    ),
    "current.third_next_available": (
        "site_id varchar, profession_code varchar, measured_date date, with_named_days integer,"
        " without_named_days integer"
    ),
    "rulebook.unfit_figure": (
        "indicator_id varchar, provider_id varchar, from_date date, to_date date"
    ),
}
MODELS = (
    *("core.site_month", "core.realised_wait", "mart.wait_by_unit", "mart.care_guarantee"),
    *("mart.t3_by_unit", "mart.published_wait"),
)
CLASSES = {"0-7": (0, 7), "8-14": (8, 14), "15-30": (15, 30), "31-90": (31, 90), ">90": (91, 200)}
STATIONS = {
    "V-REMOTE": (247, 5, 0, 0, 0),
    "V-HAKUNILA": (421, 79, 144, 87, 4),
    "V-KOIVUKYLA": (81, 49, 77, 31, 10),
    "V-KORSO": (166, 112, 104, 103, 0),
    "V-LANSIMAKI": (130, 35, 94, 37, 1),
    "V-MARTINLAAKSO": (557, 173, 248, 145, 20),
    "V-MYYRMAKI": (475, 40, 115, 352, 47),
    "V-TIKKURILA": (397, 195, 299, 441, 4),
}
AUGUST, SEPTEMBER = (5812, 400, 799, 1248, 79), (6131, 638, 1174, 1505, 97)
MONTHS = (date(2021, 8, 31), date(2021, 9, 30))
DOCTOR, NURSE = "2221", "32311"
Row = tuple[Any, ...]
SITES: list[Row] = [
    (s, "M092", "reception", "092", date(2009, 1, 1), None) for s in (*STATIONS, "V-REST")
]


@cache
def models() -> Chain:
    return chain(MODELS, TABLES)


def noon(day: date | None) -> datetime | None:
    return datetime.combine(day, time(12)) if day else None


def event(
    visited: date,
    *,
    assessed: date | None,
    contacted: date | None = None,
    site: str | None = "V-REST",
    **others: Any,
) -> Row:
    row = {"person": 1, "service": "T11", "profession": DOCTOR, "reason": None} | others
    return (
        *(row["person"], site, row["service"], row["profession"], row["reason"]),
        *(contacted or assessed, noon(assessed), noon(visited)),
    )


def waits(counts: Iterable[int], months: Iterable[date], **of: Any) -> Iterator[Row]:
    """Events of each class, now its shortest wait and now its longest, in turn in the months."""
    days = list(months)
    for count, bounds in zip(counts, CLASSES.values(), strict=True):
        for number in range(count):
            visited = days[number % len(days)]
            wait = timedelta(days=bounds[number // len(days) % 2])
            yield event(visited, assessed=visited - wait, **of)


def vantaa() -> list[Row]:
    """Doctors' visits by station, and at other units what the city had beside them, by month."""
    rows = list(chained(*(waits(c, MONTHS, site=s) for s, c in STATIONS.items())))
    for month, counts in zip(MONTHS, (AUGUST, SEPTEMBER), strict=True):
        doctors = [0] * 5
        for row in rows:
            if row[3] == DOCTOR and row[7] == noon(month):
                wait = (row[7] - row[6]).days
                doctors[sum(wait > last for _, last in CLASSES.values())] += 1
        rest = [c - d for c, d in zip(counts, doctors, strict=True)]
        rows += waits(rest, [month], profession=NURSE)
    return rows


def run(events: list[Row], **others: list[Row]) -> Chain:
    built = models()
    fixed: dict[str, list[Row]] = {
        "effective.delivery": [(date(2026, 1, 31),)],
        "core.site": SITES,
        "core.access_event": events,
    }
    built.run(fixed | {name.replace("__", "."): rows for name, rows in others.items()})
    return built


def test_vantaas_figures_come_of_vantaas_events_and_two_printed_cells_are_flagged() -> None:
    built = run(vantaa())
    counted = built.rows(
        "select visit_month, sum(visit_count), sum(case wait_class_code when '0-7' then visit_count"
        " end), sum(case wait_class_code when 'over_90' then visit_count end)"
        " from mart.wait_by_unit where clock_code = 'assessment' group by visit_month order by 1"
    )
    assert counted == [
        (date(2021, 8, 1), 8338, 5812, 79),
        (date(2021, 9, 1), 9545, 6131, 97),
    ]
    cells = "unit_id, wait_class_code, printed_count, computed_count, summed_count"
    assert built.rows(f"select {cells} from mart.published_wait where is_flagged order by all") == [
        ("all", "15-30", 1018, 1081, 1081),
        ("all", "all", 55525, 5525, 5525),
    ]
    assert built.rows("select count(*), count(computed_count) from mart.published_wait") == [
        (72, 72)
    ]


def test_visits_under_another_guarantee_are_not_of_the_print() -> None:
    """Waits in primary care are held against no dental visit of the same city."""
    month = MONTHS[0]
    dental = event(month, assessed=month, service="T60")
    ask = "select max(computed_count) from mart.published_wait where publication_code = ?"
    for events, found in (([dental], None), ([dental, event(month, assessed=month)], 1)):
        assert run(events).rows(ask.replace("?", "'vantaa_2021_08'")) == [(found,)]


def test_a_print_of_units_that_the_lake_does_not_have_is_held_against_itself_alone() -> None:
    built = run([])
    assert built.rows(
        "select wait_class_code, computed_count, summed_count"
        " from mart.published_wait where is_flagged order by all"
    ) == [("15-30", None, 1081), ("all", None, 5525)]


def test_coverage_of_vantaas_waiting_data() -> None:
    day = MONTHS[0]
    known, by_contact, visits = 74_002, 74_831, 75_270
    rows = [event(day, assessed=day)] * known
    rows += [event(day, assessed=None, contacted=day)] * (by_contact - known)
    rows += [event(day, assessed=None)] * (visits - by_contact)
    assert run(rows).rows(
        "select visit_count, assessment_known_count, contact_known_count, assessment_known_pct,"
        " contact_known_pct from mart.care_guarantee"
    ) == [(visits, known, by_contact, Decimal("98.32"), Decimal("99.42"))]


LIMITS: list[Row] = [
    ("old", "primary_care", "any", 0, None, 3, "month", date(2011, 5, 1), date(2023, 9, 1)),
    ("all_14", "primary_care", "any", 0, None, 14, "day", date(2023, 9, 1), date(2025, 1, 1)),
    ("young", "primary_care", "any", 0, 23, 14, "day", date(2025, 1, 1), None),
    ("adult", "primary_care", "any", 23, None, 3, "month", date(2025, 1, 1), None),
    ("therapy", "therapy", "mental_health", 0, 23, 28, "day", date(2025, 5, 1), None),
    ("dental", "oral_health", "any", 0, None, 6, "month", date(2011, 5, 1), None),
]


@pytest.mark.parametrize(
    ("service", "profession", "born", "assessed", "limit", "last"),
    [
        ("T11", DOCTOR, date(1980, 1, 1), date(2023, 8, 31), "old", date(2023, 11, 30)),
        ("T11", DOCTOR, date(1980, 1, 1), date(2023, 9, 1), "all_14", date(2023, 9, 15)),
        ("T11", NURSE, date(2002, 3, 2), date(2025, 3, 1), "young", date(2025, 3, 15)),
        ("T11", NURSE, date(2002, 3, 2), date(2025, 3, 2), "adult", date(2025, 6, 2)),
        ("T11", NURSE, None, date(2024, 3, 2), "all_14", date(2024, 3, 16)),
        # Of the 14 days of outpatient care and the 28 of therapy the shorter one holds.
        ("T71", "2445", date(2010, 1, 1), date(2025, 5, 1), "young", date(2025, 5, 15)),
        ("T60", "2222", date(1980, 1, 1), date(2024, 1, 31), "dental", date(2024, 7, 31)),
        ("T22", NURSE, date(1980, 1, 1), date(2024, 1, 31), None, None),
        ("T11", NURSE, None, date(2025, 3, 2), None, None),
    ],
)
def test_the_limit_turns_on_service_age_and_day_of_assessment(
    service: str,
    profession: str,
    born: date | None,
    assessed: date,
    limit: str | None,
    last: date | None,
) -> None:
    visits = [last, last + timedelta(days=1)] if last else [assessed]
    built = run(
        [event(v, assessed=assessed, service=service, profession=profession) for v in visits],
        core__person=[(1, born)] if born else [],
        core__access_limit=[(*r[:7], "assessment", "care", *r[7:]) for r in LIMITS],
    )
    due = [(limit, "within"), (limit, "exceeded")] if limit else [(None, "not_judged")]
    found = built.rows(
        "select limit_id, verdict_code from core.realised_wait order by verdict_code desc"
    )
    assert found == due


def test_a_later_time_of_ones_own_choice_is_no_breach_and_unfit_figures_have_no_share() -> None:
    day, late = date(2024, 3, 1), date(2024, 3, 20)
    rows = [
        event(day, assessed=day),
        event(late, assessed=day),
        event(late, assessed=day, reason="own_wish"),
        event(late, assessed=day, reason="capacity"),
        event(late, assessed=None, contacted=day),
        event(late, assessed=day, site=None),
    ]
    limits = [(*r[:7], "assessment", "care", *r[7:]) for r in LIMITS]
    columns = (
        "site_id, judged_count, within_limit_count, own_choice_count, exceeded_count,"
        " cast(within_limit_pct as varchar), is_unfit"
    )
    ask = f"select {columns} from mart.care_guarantee order by site_id"
    assert run(rows, core__access_limit=limits).rows(ask) == [
        ("V-REST", 4, 1, 1, 2, "33.33", False),
        (None, 1, 0, 0, 1, "0.00", False),
    ]
    unfit = [("access_7_days", "M092", date(2024, 3, 31), date(2024, 5, 1))]
    built = run(rows, core__access_limit=limits, rulebook__unfit_figure=unfit)
    assert built.rows(ask)[0] == ("V-REST", 4, 1, 1, 2, None, True)


def test_keravas_waits_of_august_and_september_2021_are_unreliable_and_never_nought() -> None:
    """By the rulebook in force: what others printed of Kerava is counted, and marked."""
    built = run(
        [
            event(day, assessed=day, site=site)
            for site in ("K-1", "V-REST")
            for day in (date(2021, 7, 31), MONTHS[0], MONTHS[1], date(2021, 10, 1))
        ],
        core__site=[*SITES, ("K-1", "M245", "reception", "245", date(2009, 1, 1), None)],
        rulebook__unfit_figure=[
            row for book in load_rulebooks() if book.name == "unfit_figure" for _, row in book.rows
        ],
    )
    marked = [("M245", date(2021, 8, 1)), ("M245", date(2021, 9, 1))]
    of_classes = built.rows(
        "select provider_id, visit_month from mart.wait_by_unit"
        " where is_unfit and clock_code = 'contact' and visit_count = 1 order by all"
    )
    of_guarantee = built.rows(
        "select provider_id, visit_month from mart.care_guarantee where is_unfit order by all"
    )
    assert (of_classes, of_guarantee) == (marked, marked)


def test_third_next_available_is_the_median_of_the_month_and_the_horizon_is_counted() -> None:
    measured = [
        ("V-KORSO", DOCTOR, date(2021, 8, d), named, days)
        for d, named, days in ((3, None, 90), (10, 68, 90), (17, 70, 40), (24, 80, 41))
    ]
    found = run([], current__third_next_available=measured).rows(
        "select provider_id, cast(with_named_days_median as varchar),"
        " cast(without_named_days_median as varchar), with_named_count, without_named_count,"
        " at_horizon_count from mart.t3_by_unit"
    )
    assert found == [("M092", "70.0", "65.5", 3, 4, 2)]


def test_waits_run_by_helsinki_days_and_of_a_site_as_it_stood_in_the_month() -> None:
    sites = [
        ("S1", "Y1", "reception", "092", date(2009, 1, 1), date(2021, 9, 1)),
        ("S1", "Y2", "reception", "092", date(2021, 9, 1), None),
    ]
    late = (1, "S1", "T11", DOCTOR, None, date(2021, 8, 24), *[datetime(2021, 8, 31, 21, 30)] * 2)
    found = run([late], core__site=sites).rows(
        "select visit_month, clock_code, provider_id, wait_class_code from mart.wait_by_unit"
        " order by clock_code"
    )
    assert found == [
        (date(2021, 9, 1), "assessment", "Y2", "0-7"),
        (date(2021, 9, 1), "contact", "Y2", "8-14"),
    ]
