"""The synthetic region: exactly what was planted is caught, linked, ended and left waiting.

Here: the manifest against the lake. Not here: whether the manifest tells the truth about the files
(`tests/unit/test_synthetic_region.py`).
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from dagster_project.pipeline import load_definition
from tests.pipeline.conftest import Region
from tests.support.deliveries import DIAGNOSES, ENCOUNTERS, ENROLMENTS, RESIDENTS, SITES
from tests.support.homes import codes_of_persons
from tests.support.landing_records import all_records, sequences

HELSINKI = ZoneInfo("Europe/Helsinki")
DAY = timedelta(days=1)
WAITED_FOR = {
    ("encounters", "site_id"),
    ("diagnoses", "encounter_id"),
    ("enrolments", "site_id"),
    ("procedures", "encounter_id"),
    ("specialised_care", "referral_id"),
    ("invoices", "episode_id"),
    ("invoices", "credited_invoice_id"),
    ("general_ledger", "cost_centre_code"),
    ("general_ledger", "service_class_code"),
    ("flags", "site_id"),
    ("corrective_actions", "flag_id"),
    ("experience", "site_id"),
}
"""References that core waits for; a reference that may be empty keeps no row out of core."""

FOLLOWING = ("person", "residence", "encounter", "diagnosis", "enrolment", "person_month")
FOLLOWING_IN_GUIDANCE = (
    "study_enrolment",
    "research_consent",
    "guidance_contact",
    "guidance_assessment",
    "guidance_outcome",
)
"""Core tables whose persons follow a change of code."""


@lru_cache
def file_name(key: str, sequence: int) -> str:
    source, table = key.split("/")
    form = load_definition().catalogue.in_force(key, sequence).dialect.format
    name = "scorecard" if source == "provider_scorecards" else table
    return f"{key}/{name}_{sequence}.{form}"


def planted(region: Region, section: str, label: str = "rule_id") -> Counter[tuple[str, int, str]]:
    return Counter((r["file"], r["record_number"], r[label]) for r in region.manifest[section])


def people(region: Region) -> dict[str, int]:
    return codes_of_persons(region.session)


def test_nothing_is_refused(region: Region) -> None:
    assert region.ingested.refusals == ()
    assert len(region.ingested.outcomes) == len(region.manifest["files"])


def test_every_record_of_every_file_is_received(region: Region) -> None:
    received = {
        file_name(f"{source}/{table}", sequence): count
        for source, table, sequence, count in region.session.lake.rows(
            "select source, table_name, delivery_sequence, received_count from ops.delivery"
        )
    }
    assert received == region.manifest["files"]


def test_quarantine_holds_exactly_the_dirty_rows(region: Region) -> None:
    caught = Counter(
        (file_name(f"{source}/{table}", sequence), record, rule)
        for source, table, sequence, record, rule in region.session.lake.rows(
            "select source, table_name, delivery_sequence, record_number, rule_id"
            " from ops.quarantine"
        )
    )
    assert caught == planted(region, "dirty_rows")
    assert len(caught) >= 60


def test_warnings_count_exactly_the_warned_rows_and_let_them_in(region: Region) -> None:
    lake = region.session.lake
    counted = {
        (file_name(f"{source}/{table}", sequence), rule): count
        for source, table, sequence, rule, count in lake.rows(
            "select source, table_name, delivery_sequence, rule_id, violated_count"
            " from ops.rule_result where severity = 'warning' and violated_count > 0"
        )
    }
    due = Counter((file, rule) for file, _, rule in planted(region, "warned_rows").elements())
    assert counted == dict(due)
    for warned in region.manifest["warned_rows"]:
        assert in_staging(region, warned["file"], warned["record_number"])


def in_staging(region: Region, file: str, record_number: int) -> list[tuple[Any, ...]]:
    _, table, name = file.split("/")
    sequence = int(name.split(".")[0].rsplit("_", 1)[1])
    return region.session.lake.rows(
        f"select * from staging.{table} where delivery_sequence = ? and record_number = ?",
        [sequence, record_number],
    )


def test_a_quoted_field_is_taken_in_character_by_character(region: Region) -> None:
    assert region.manifest["quoted_fields"]
    columns = [c.name for c in region.session.definition.catalogue.latest(SITES).lake_columns]
    for quoted in region.manifest["quoted_fields"]:
        (row,) = in_staging(region, quoted["file"], quoted["record_number"])
        assert row[columns.index(quoted["column"])] == quoted["value"]
    marks = "".join(q["value"] for q in region.manifest["quoted_fields"])
    assert ";" in marks
    assert '"' in marks


def links(region: Region) -> dict[tuple[int, int], tuple[int, int | None]]:
    rows = region.session.lake.rows(
        "select from_person_id, to_person_id, known_from_seq, known_to_seq from core.person_link"
    )
    return {(former, later): (since, until) for former, later, since, until in rows}


def test_person_links_are_exactly_the_planted_changes_and_merges(region: Region) -> None:
    ids = people(region)
    due = {
        (ids[c["previous_code"]], ids[c["code"]]): (c["sequence"], None)
        for c in region.manifest["code_changes"]
    } | {
        (ids[m["merged_code"]], ids[m["code"]]): (m["sequence"], m["undone_sequence"])
        for m in region.manifest["merges"]
    }
    assert links(region) == due
    assert any(m["undone_sequence"] for m in region.manifest["merges"])
    assert any(not m["undone_sequence"] for m in region.manifest["merges"])


def test_aliases_are_the_links_that_still_hold(region: Region) -> None:
    ids = people(region)
    due = {ids[c["previous_code"]]: ids[c["code"]] for c in region.manifest["code_changes"]} | {
        ids[m["merged_code"]]: ids[m["code"]]
        for m in region.manifest["merges"]
        if m["undone_sequence"] is None
    }
    held = dict(
        region.session.lake.rows("select alias_person_id, person_id from core.person_alias")
    )
    assert held == due


def test_a_former_code_names_nobody_in_core(region: Region) -> None:
    for table in (*FOLLOWING, *FOLLOWING_IN_GUIDANCE):
        left = region.session.lake.count(
            f"select count(*) from core.{table} semi join core.person_alias"
            f" on {table}.person_id = person_alias.alias_person_id"
        )
        assert left == 0, table


def test_a_merge_undone_leaves_two_listed_persons(region: Region) -> None:
    ids = people(region)
    for merge in region.manifest["merges"]:
        both = [ids[merge["code"]], ids[merge["merged_code"]]]
        listed = region.session.lake.rows(
            "select person_id from core.person where person_id in (?, ?) and is_listed", both
        )
        assert {p for (p,) in listed} == set(both if merge["undone_sequence"] else both[:1])


def test_a_merged_person_lives_where_the_register_lists_them(region: Region) -> None:
    """Of everybody in the newest snapshot, the merged too, the last place known is the row's."""
    newest = all_records(region.landing, RESIDENTS).filter(
        pl.col("delivery_sequence") == pl.col("delivery_sequence").max(),
        pl.col("has_protection_order") == "0",
    )
    ids = people(region)
    lake = region.session.lake
    last_day = lake.value(
        "select max(covers_to_date) from ops.delivery where table_name = 'residents'"
    )
    homes = dict(
        lake.rows(
            "select person_id, municipality_code from core.residence where known_to_seq is null"
            " and valid_from_date <= ? and coalesce(valid_to_date > ?, true)",
            [last_day, last_day],
        )
    )
    quarantined = {
        record
        for (record,) in lake.rows(
            "select record_number from ops.quarantine where table_name = 'residents'"
            " and delivery_sequence = (select max(delivery_sequence) from staging.residents)"
        )
    }
    warned = {
        r["record_number"] for r in region.manifest["warned_rows"] if "residents" in r["file"]
    }
    expected = {
        ids[row["person_id"]]: row["municipality_code"]
        for row in newest.iter_rows(named=True)
        if row["record_number"] not in quarantined | warned and not row["death_date"]
    }
    protected = {p for (p,) in lake.rows("select person_id from protected_person")}
    expected = {p: home for p, home in expected.items() if p not in protected}
    assert {p: homes.get(p) for p in expected} == expected


def test_codes_that_differ_in_the_century_mark_alone_are_two_persons(region: Region) -> None:
    ids = people(region)
    lake = region.session.lake
    for first, second in region.manifest["century_pairs"]:
        assert first[:6] + first[7:] == second[:6] + second[7:]
        both = [ids[first], ids[second]]
        assert len(set(both)) == 2
        found = lake.count("select count(*) from core.person where person_id in (?, ?)", both)
        assert found == 2


def test_an_encounter_in_the_doubled_hour_began_in_its_first_run(region: Region) -> None:
    ids = [d["encounter_id"] for d in region.manifest["doubled_hour"]]
    assert ids
    sent = all_records(region.landing, ENCOUNTERS).filter(
        pl.col("encounter_id").is_in([str(i) for i in ids])
    )
    local = {int(r["encounter_id"]): r["started_at"] for r in sent.iter_rows(named=True)}
    for encounter_id, started_at in region.session.lake.rows(
        "select encounter_id, started_at from core.encounter where list_contains(?, encounter_id)",
        [ids],
    ):
        summer = datetime.fromisoformat(local[encounter_id]).replace(tzinfo=HELSINKI, fold=0)
        assert summer.utcoffset().total_seconds() == 3 * 3600  # type: ignore[union-attr]
        assert started_at == summer.astimezone(UTC).replace(tzinfo=None)
    kept = region.session.lake.count(
        "select count(*) from core.encounter where list_contains(?, encounter_id)", [ids]
    )
    assert kept == len(set(ids))


def test_a_time_in_the_missing_hour_of_spring_is_quarantined(region: Region) -> None:
    due = [r for r in region.manifest["dirty_rows"] if r["rule_id"] == "started_at.missing_hour"]
    caught = region.session.lake.count(
        "select count(*) from ops.quarantine where rule_id = 'started_at.missing_hour'"
    )
    assert caught == len(due) > 0


def test_early_changes_are_marked_and_no_others(region: Region) -> None:
    marked = {
        i
        for (i,) in region.session.lake.rows(
            "select enrolment_id from core.enrolment where known_to_seq is null and is_early_change"
        )
    }
    planted_ids = {e["enrolment_id"] for e in region.manifest["early_changes"]}
    assert planted_ids
    assert planted_ids <= marked
    assert marked - planted_ids == returns_within_half_a_year(region) - planted_ids


def returns_within_half_a_year(region: Region) -> set[str]:
    """From the files: choices less than six calendar months after the same client's one before."""
    frame = sound(region, ENROLMENTS).sort("updated_at", "delivery_sequence")
    newest = frame.group_by("enrolment_id", maintain_order=True).last()
    known = people(region)
    alias = dict(
        region.session.lake.rows("select alias_person_id, person_id from core.person_alias")
    )
    choices: dict[tuple[int, str], list[tuple[date, str]]] = {}
    for row in newest.iter_rows(named=True):
        person = known[row["person_id"]]
        own = choices.setdefault((alias.get(person, person), row["service_code"]), [])
        own.append((date.fromisoformat(row["start_date"]), row["enrolment_id"]))
    found = set()
    for own in choices.values():
        for (before, _), (start, identifier) in zip(sorted(own), sorted(own)[1:], strict=False):
            months = before.year * 12 + before.month - 1 + 6
            last = min(before.day, 28) if months % 12 == 1 else before.day
            if start < date(months // 12, months % 12 + 1, min(last, 30)):
                found.add(identifier)
    return found


def sound(region: Region, key: str) -> pl.DataFrame:
    """Records of a table that were not planted to be caught."""
    bad = {
        (r["file"], r["record_number"])
        for r in region.manifest["dirty_rows"] + region.manifest["unresolved_references"]
    }
    frame = all_records(region.landing, key)
    good = [
        (file_name(key, sequence), record) not in bad
        for sequence, record in frame.select("delivery_sequence", "record_number").iter_rows()
    ]
    return frame.filter(pl.Series(good, dtype=pl.Boolean))


def test_a_wrong_site_is_replaced_from_the_next_increment_on(region: Region) -> None:
    assert region.manifest["wrong_sites"]
    for wrong in region.manifest["wrong_sites"]:
        versions = sound(region, ENROLMENTS).filter(pl.col("enrolment_id") == wrong["enrolment_id"])
        sent = versions.sort("delivery_sequence")["site_id"].to_list()
        rows = region.session.lake.rows(
            "select site_id, known_from_seq, known_to_seq from core.enrolment"
            " where enrolment_id = ? order by known_from_seq",
            [wrong["enrolment_id"]],
        )
        if rows[0][0] is None:  # a protected person's choice has no site outside the vault
            continue
        assert rows[0][0] == sent[0]
        assert rows[0][1] == wrong["sequence"]
        assert rows[-1][0] == sent[-1] != sent[0]
        assert rows[-1][2] is None


def test_a_late_end_is_known_from_the_increment_that_brought_it(region: Region) -> None:
    months = sequences(region.landing, ENROLMENTS)
    assert region.manifest["late_ends"]
    for late in region.manifest["late_ends"]:
        following = months[months.index(late["sequence"]) + 1]
        versions = sound(region, ENROLMENTS).filter(
            pl.col("enrolment_id") == late["enrolment_id"], pl.col("end_date").is_not_null()
        )
        assert versions["delivery_sequence"].to_list() == [following]
        (end,) = versions["end_date"].to_list()
        rows = region.session.lake.rows(
            "select valid_to_date, known_from_seq, is_ended_by_next from core.enrolment"
            " where enrolment_id = ? and known_to_seq is null",
            [late["enrolment_id"]],
        )
        assert [r[0] for r in rows] == [date.fromisoformat(end)]
        assert rows[0][1] <= following


def test_a_moved_encounter_stands_once_in_its_new_month(region: Region) -> None:
    assert region.manifest["moved_encounters"]
    for moved in region.manifest["moved_encounters"]:
        rows = region.session.lake.rows(
            "select encounter_month, delivery_sequence from core.encounter where encounter_id = ?",
            [moved["encounter_id"]],
        )
        assert rows == [(date(moved["to"] // 100, moved["to"] % 100, 1), moved["sequence"])]


def test_what_waits_is_what_was_planted_and_diagnoses_whose_encounter_is_still_to_come(
    region: Region,
) -> None:
    rows = region.session.lake.rows(
        "select source || '/' || table_name, delivery_sequence, record_number, reference"
        " from core.unresolved"
    )
    waiting = {(file_name(key, sequence), record, column) for key, sequence, record, column in rows}
    planted_rows = {
        row
        for row in planted(region, "unresolved_references", "column")
        if (row[0].split("/")[1], row[2]) in WAITED_FOR
    }
    assert len(rows) == len(waiting)
    assert waiting == planted_rows | early_diagnoses(region)
    assert planted_rows <= waiting


def early_diagnoses(region: Region) -> set[tuple[str, int, str]]:
    """From the files: newest diagnoses of encounters that no sound record brings."""
    unknown = {
        (r["file"], r["record_number"])
        for r in region.manifest["unresolved_references"]
        if r["column"] == "site_id"
    }
    assert unknown
    encounters = set(sound(region, ENCOUNTERS)["encounter_id"])
    newest = (
        sound(region, DIAGNOSES)
        .sort("updated_at", "delivery_sequence", "record_number")
        .group_by("encounter_id", "diagnosis_number", maintain_order=True)
        .last()
    )
    return {
        (file_name(DIAGNOSES, row["delivery_sequence"]), row["record_number"], "encounter_id")
        for row in newest.iter_rows(named=True)
        if row["encounter_id"] not in encounters
    }


@pytest.mark.parametrize(
    ("key", "table"),
    [(ENCOUNTERS, "encounter"), (DIAGNOSES, "diagnosis")],
    ids=["encounter", "diagnosis"],
)
def test_core_holds_the_newest_sound_version_of_each_row(
    region: Region, key: str, table: str
) -> None:
    """Every late row and correction included: the key, and which record speaks for it."""
    own_key = ["encounter_id"] if key == ENCOUNTERS else ["encounter_id", "diagnosis_number"]
    newest = (
        sound(region, key)
        .sort("updated_at", "delivery_sequence", "record_number")
        .group_by(own_key, maintain_order=True)
        .last()
    )
    waiting = early_diagnoses(region)
    due = {
        (*(int(row[k]) for k in own_key), row["delivery_sequence"], row["record_number"])
        for row in newest.iter_rows(named=True)
        if (file_name(key, row["delivery_sequence"]), row["record_number"], "encounter_id")
        not in waiting
    }
    columns = ", ".join([*own_key, "delivery_sequence", "record_number"])
    assert set(region.session.lake.rows(f"select {columns} from core.{table}")) == due


def test_resident_days_add_up_to_the_days_of_the_stays(region: Region) -> None:
    """Over the whole region: stays in the area and in the covered months, against person_month."""
    lake = region.session.lake
    first, last = lake.rows(
        "select min(date_trunc('month', covers_to_date)::date), max(covers_to_date)"
        " from ops.delivery where table_name = 'residents'"
    )[0]
    area = {
        c
        for (c,) in lake.rows("select municipality_code from core.municipality where is_trial_area")
    }
    stays = lake.rows(
        "select valid_from_date, valid_to_date, municipality_code from core.residence"
        " where known_to_seq is null"
    )
    due = sum(
        max(0, (min(end or date.max, last + DAY) - max(start, first)).days)
        for start, end, code in stays
        if code is None or code in area
    )
    assert lake.count("select sum(resident_days) from core.person_month") == due > 100_000
