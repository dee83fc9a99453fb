"""The synthetic region: same bytes by seed, the area's shape, a manifest that tells the truth."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import Catalogue, Column, Contract, FileFormat, Severity
from dagster_project.settings import PROJECT_ROOT
from dagster_project.synthetic.blemishes import BLEMISHES, Fate
from dagster_project.synthetic.parameters import load_parameters
from dagster_project.synthetic.region import TRUE_RISK, make_deliveries
from dagster_project.vault.identity_codes import is_valid_code
from tests.support.landing_records import at

RESIDENTS = "population_register/residents"
ENCOUNTERS = "apotti/encounters"
DIAGNOSES = "apotti/diagnoses"
ENROLMENTS = "enrolment_portal/enrolments"
HELSINKI = ZoneInfo("Europe/Helsinki")
Record = dict[str, str | None]


@dataclass(frozen=True)
class Made:
    """A region on disk."""

    landing: Path
    manifest: dict[str, Any]
    catalogue: Catalogue
    read: dict[tuple[str, int], list[Record]] = field(default_factory=dict)

    def sequences(self, key: str) -> list[int]:
        return sorted(int(path.stem.rpartition("_")[2]) for path in (self.landing / key).iterdir())

    def contract(self, key: str, sequence: int) -> Contract:
        return self.catalogue.in_force(key, sequence)

    def file(self, key: str, sequence: int) -> str:
        return next(
            f"{key}/{p.name}"
            for p in (self.landing / key).iterdir()
            if p.stem.endswith(f"_{sequence}")
        )

    def records(self, key: str, sequence: int) -> list[Record]:
        """Records under the lake's column names, empty fields as None; an independent reader."""
        if (key, sequence) not in self.read:
            self.read[key, sequence] = self._records(key, sequence)
        return self.read[key, sequence]

    def _records(self, key: str, sequence: int) -> list[Record]:
        contract = self.contract(key, sequence)
        names = {c.source_name: c.name for c in contract.columns}
        raw = (self.landing / self.file(key, sequence)).read_bytes()
        if contract.dialect.format is FileFormat.PARQUET:
            typed_rows = pq.read_table(pa.BufferReader(raw)).to_pylist()
            return [{names[k]: as_text(v) for k, v in row.items()} for row in typed_rows]
        text = raw.decode(contract.dialect.encoding)
        if contract.dialect.format is FileFormat.NDJSON:
            lines = [json.loads(line) for line in text.splitlines()]
            return [{n: at(line, source) for source, n in names.items()} for line in lines]
        if contract.dialect.format is FileFormat.JSON:
            items: list[Record] = json.loads(text)[contract.dialect.records.removeprefix("/")]
            return items
        lines = text.splitlines(keepends=True)[contract.dialect.header_line - 1 :]
        rows = csv.DictReader(lines, delimiter=contract.dialect.delimiter)
        return [{names[k]: v or None for k, v in row.items()} for row in rows]

    def planted(self, section: str, file: str) -> set[tuple[int, str]]:
        rows = self.manifest[section]
        return {
            (r["record_number"], r.get("rule_id") or r["column"]) for r in rows if r["file"] == file
        }


def as_text(value: object) -> str | None:
    """A value of a typed format as a CSV of the same contract would have it."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case _:
            return str(value)


def make(folder: Path, **arguments: Any) -> Made:
    make_deliveries(folder / "landing", manifest=folder / "manifest.json", **arguments)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Made(folder / "landing", manifest, load_catalogue(PROJECT_ROOT / "data_contracts"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The smallest region in which every kind must occur."""
    return make(tmp_path_factory.mktemp("small"), residents=1000, months=6)


@pytest.fixture(scope="module")
def autumn(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("autumn"), residents=1000, months=9, start_month=201704)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Large enough for shares, without dirt."""
    folder = tmp_path_factory.mktemp("clean")
    return make(folder, residents=6_000, months=8, start_month=201705, with_dirt=False)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        make(tmp_path / name, residents=1000, months=3, seed=seed)
    a, b, c = (digests(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() == c.keys()
    assert (
        a[f"landing/{ENCOUNTERS}/encounters_201702.csv"]
        != (c[f"landing/{ENCOUNTERS}/encounters_201702.csv"])
    )


def test_every_file_has_its_final_name_and_the_records_the_manifest_counts(small: Made) -> None:
    counted = small.manifest["files"]
    assert set(counted) == {
        p.relative_to(small.landing).as_posix() for p in small.landing.rglob("*.*") if p.is_file()
    }
    for key in small.catalogue.tables():
        if (small.landing / key).is_dir():
            for sequence in small.sequences(key):
                assert counted[small.file(key, sequence)] == len(small.records(key, sequence))


def test_delivered_months(small: Made) -> None:
    months = [201701, 201702, 201703, 201704, 201705, 201706]
    for key in (RESIDENTS, ENCOUNTERS, DIAGNOSES):
        assert small.sequences(key) == months
    assert small.sequences(ENROLMENTS) == [201705, 201706]


def all_codes(made: Made) -> Iterator[str]:
    for key in (RESIDENTS, ENCOUNTERS, DIAGNOSES, ENROLMENTS):
        for sequence in made.sequences(key):
            for record in made.records(key, sequence):
                yield from (
                    code
                    for name in ("person_id", "previous_person_id")
                    if (code := record.get(name)) is not None
                )


def test_no_code_is_outside_the_range_that_no_resident_has(small: Made) -> None:
    assert all(900 <= int(code[7:10]) <= 999 for code in all_codes(small))


# The gate, once more and independently: the manifest lists exactly what the contracts catch.


def typed(column: Column, contract: Contract) -> str:
    """SQL for a text column of the record table as the contract's type."""
    raw, dialect = f'"raw_{column.name}"', contract.dialect
    match column.sql_type.split("(")[0]:
        case "DATE":
            return f"cast(try_strptime({raw}, '{dialect.date_format}') as date)"
        case "TIMESTAMP":
            return f"try_strptime({raw}, '{dialect.timestamp_format}')"
        case "DECIMAL":
            mark = dialect.decimal_separator
            scale = column.sql_type.rstrip(")").rpartition(",")[2]
            pattern = f"-?[0-9]+([{mark}][0-9]{{1,{scale}}})?"
            number = f"try_cast(replace({raw}, '{mark}', '.') as {column.sql_type})"
            return f"case when regexp_full_match({raw}, '{pattern}') then {number} end"
        case "BOOLEAN":
            yes, no = dialect.true_values[0], dialect.false_values[0]
            return f"case {raw} when '{yes}' then true when '{no}' then false end"
        case "BIGINT" | "INTEGER" if not column.is_identity:
            return (
                f"case when regexp_full_match({raw}, '-?[0-9]+') then {raw}::{column.sql_type} end"
            )
        case _:
            return raw


def broken_rules(
    made: Made, key: str, sequence: int, *, severity: Severity
) -> set[tuple[int, str]]:
    """Record number and rule id of every broken row rule, and of type and required fields."""
    contract = made.contract(key, sequence)
    rules = {r.id: r.expression for r in contract.row_rules if r.severity is severity}
    if severity is Severity.ERROR:
        rules |= {f"{n}.required": f'"raw_{n}" is not null' for n in required(contract)}
        rules |= {
            f"{c.name}.type": f'"raw_{c.name}" is null or "{c.name}" is not null'
            for c in contract.columns
        }
    last = f"date '{contract.delivery.last_date(sequence)}'"
    with duckdb.connect() as connection:
        connection.register("raw", text_table(made, key, sequence))
        columns = ", ".join(f'{typed(c, contract)} as "{c.name}"' for c in contract.columns)
        connection.execute(f"create table judged as select *, {columns} from raw")
        return {
            (number, rule_id)
            for rule_id, expression in rules.items()
            for (number,) in connection.execute(
                f"select record from judged where not ({expression})".replace(
                    "$delivery_date", last
                )
            ).fetchall()
        }


def text_table(made: Made, key: str, sequence: int) -> pa.Table:
    records = made.records(key, sequence)
    names = [c.name for c in made.contract(key, sequence).columns]
    columns = {f"raw_{n}": pa.array([r[n] for r in records], pa.string()) for n in names}
    return pa.table(columns | {"record": pa.array(range(1, len(records) + 1))})


def required(contract: Contract) -> list[str]:
    return [c.name for c in contract.columns if c.is_required or c.primary_key_position is not None]


def wrong_codes(made: Made, key: str, sequence: int) -> set[tuple[int, str]]:
    identities = [c.name for c in made.contract(key, sequence).columns if c.is_identity]
    return {
        (number, f"{name}.identity_code")
        for number, record in enumerate(made.records(key, sequence), start=1)
        for name in identities
        if (code := record[name]) is not None and not is_valid_code(code)
    }


def in_missing_hour(text: str) -> bool:
    if text[5:7] != "03":
        return False
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=HELSINKI)
    except ValueError:
        return False
    return local.astimezone(UTC).astimezone(HELSINKI).replace(tzinfo=None) != local.replace(
        tzinfo=None
    )


def missing_hours(made: Made, key: str, sequence: int) -> set[tuple[int, str]]:
    times = [c.name for c in made.contract(key, sequence).columns if c.sql_type == "TIMESTAMP"]
    return {
        (number, f"{name}.missing_hour")
        for number, record in enumerate(made.records(key, sequence), start=1)
        for name in times
        if (text := record[name]) is not None and in_missing_hour(text)
    }


def duplicates(made: Made, key: str, sequence: int) -> set[tuple[int, str]]:
    """Of two records with one key the last stands: the gate's rule, as copies share their time."""
    seen: set[tuple[str | None, ...]] = set()
    found = set()
    for number, record in reversed(list(enumerate(made.records(key, sequence), start=1))):
        own = tuple(record[name] for name in made.contract(key, sequence).primary_key)
        if None not in own and own in seen:
            found.add((number, "primary_key.duplicate"))
        seen.add(own)
    return found


@pytest.mark.parametrize("key", list(BLEMISHES))
@pytest.mark.parametrize("region", ["small", "autumn", "clean"])
def test_the_manifest_lists_exactly_the_bad_rows(
    region: str, key: str, request: pytest.FixtureRequest
) -> None:
    made: Made = request.getfixturevalue(region)
    for sequence in made.sequences(key):
        caught = (
            broken_rules(made, key, sequence, severity=Severity.ERROR)
            | wrong_codes(made, key, sequence)
            | missing_hours(made, key, sequence)
            | duplicates(made, key, sequence)
        )
        file = made.file(key, sequence)
        assert caught == made.planted("dirty_rows", file)
        assert len({number for number, _ in caught}) == len(caught)
        warned = broken_rules(made, key, sequence, severity=Severity.WARNING)
        assert warned == made.planted("warned_rows", file)


@pytest.mark.parametrize("key", list(BLEMISHES))
def test_every_kind_of_dirt_occurs_in_the_smallest_region(small: Made, key: str) -> None:
    sections = {
        Fate.DIRTY: "dirty_rows",
        Fate.WARNED: "warned_rows",
        Fate.UNRESOLVED: "unresolved_references",
    }
    for blemish in BLEMISHES[key]:
        rows = small.manifest[sections[blemish.fate]]
        label = "column" if blemish.fate is Fate.UNRESOLVED else "rule_id"
        assert any(r["file"].startswith(key) and r[label] == blemish.rule_id for r in rows), blemish


def test_reference_tables_hold_no_bad_row(small: Made) -> None:
    for key in (
        "reference/municipalities",
        "reference/sites",
        "reference/service_classes",
        "finance/cost_centre_map",
    ):
        for sequence in small.sequences(key):
            for severity in Severity:
                assert broken_rules(small, key, sequence, severity=severity) == set()
            assert duplicates(small, key, sequence) == set()


def test_unresolved_references_name_rows_that_nobody_delivers(small: Made) -> None:
    encounters = {
        r["encounter_id"]
        for sequence in small.sequences(ENCOUNTERS)
        for r in small.records(ENCOUNTERS, sequence)
    }
    sites = {
        r["site_id"]
        for sequence in small.sequences("reference/sites")
        for r in small.records("reference/sites", sequence)
    }
    for key, column, known in (
        (DIAGNOSES, "encounter_id", encounters | late_encounters(small)),
        (ENCOUNTERS, "site_id", sites),
    ):
        for sequence in small.sequences(key):
            bad = {number for number, _ in small.planted("dirty_rows", small.file(key, sequence))}
            unknown = {
                (number, column)
                for number, record in enumerate(small.records(key, sequence), start=1)
                if number not in bad and record[column] not in known
            }
            assert unknown == small.planted("unresolved_references", small.file(key, sequence))


def late_encounters(made: Made) -> set[str]:
    """Of encounters that come after the window the diagnosis may have come in its last month."""
    last = made.sequences(DIAGNOSES)[-1]
    own = {r["encounter_id"] for r in made.records(ENCOUNTERS, last)}
    coded = {str(r["encounter_id"]) for r in made.records(DIAGNOSES, last)}
    return {i for i in coded - own if i.isdigit() and int(i) < 900_000_000_000}


def test_quoted_fields_stand_as_listed(small: Made) -> None:
    assert {c for r in small.manifest["quoted_fields"] for c in r["value"]} >= {";", '"'}
    for row in small.manifest["quoted_fields"]:
        sequence = int(Path(row["file"]).stem.rpartition("_")[2])
        records = small.records("reference/sites", sequence)
        assert records[row["record_number"] - 1][row["column"]] == row["value"]


# What happens to people.


def listed(made: Made, sequence: int) -> dict[str, Record]:
    """Good rows of a snapshot by code."""
    bad = {n for n, _ in made.planted("dirty_rows", made.file(RESIDENTS, sequence))}
    records = made.records(RESIDENTS, sequence)
    return {str(r["person_id"]): r for n, r in enumerate(records, start=1) if n not in bad}


def test_code_changes_show_in_the_register_from_their_month_on(small: Made) -> None:
    changes = small.manifest["code_changes"]
    assert any(c["is_artificial_replaced"] for c in changes)
    assert any(c["is_sex_changed"] for c in changes)
    assert any(not c["is_artificial_replaced"] and not c["is_sex_changed"] for c in changes)
    for change in changes:
        after = listed(small, change["sequence"])
        before = listed(small, change["sequence"] - 1)
        assert change["previous_code"] in before
        assert change["previous_code"] not in after
        assert after[change["code"]]["previous_person_id"] == change["previous_code"]


def test_merges_take_two_listed_persons_for_one_and_one_is_undone(small: Made) -> None:
    undone, lasting = sorted(small.manifest["merges"], key=lambda m: m["undone_sequence"] is None)
    assert lasting["undone_sequence"] is None
    for merge in (undone, lasting):
        assert {merge["code"], merge["merged_code"]} <= set(listed(small, merge["sequence"] - 1))
        merged = listed(small, merge["sequence"])
        assert merged[merge["code"]]["previous_person_id"] == merge["merged_code"]
        assert merge["merged_code"] not in merged
    after = listed(small, undone["undone_sequence"])
    assert after[undone["code"]]["previous_person_id"] is None
    assert undone["merged_code"] in after
    assert lasting["merged_code"] not in listed(small, small.sequences(RESIDENTS)[-1])


def test_pairs_of_codes_differ_in_the_century_mark_alone(small: Made) -> None:
    present = listed(small, small.sequences(RESIDENTS)[-1])
    assert len(small.manifest["century_pairs"]) == 2
    for one, other in small.manifest["century_pairs"]:
        assert one[:6] + one[7:] == other[:6] + other[7:]
        assert one[6] != other[6]
        assert {one, other} <= set(present)


def test_protection_orders_are_those_listed_from_their_month_on(small: Made) -> None:
    orders = small.manifest["protection_orders"]
    first = small.sequences(RESIDENTS)[0]
    assert any(o["sequence"] == first for o in orders)
    assert any(o["sequence"] > first for o in orders)
    assert any(len(o["codes"]) > 1 for o in orders)
    for sequence in small.sequences(RESIDENTS):
        people = listed(small, sequence)
        flagged = {code for code, r in people.items() if r["has_protection_order"] == "1"}
        due = {c for o in orders if o["sequence"] <= sequence for c in o["codes"]} & set(people)
        assert flagged == due


def test_the_dead_and_the_departed_are_listed_once_more_and_then_omitted(clean: Made) -> None:
    area = set(load_parameters().area)
    first, second = clean.sequences(RESIDENTS)[:2]
    before, after = listed(clean, first), listed(clean, second)
    dead = {code for code, r in before.items() if r["death_date"] is not None}
    left = {code for code, r in before.items() if r["municipality_code"] not in area}
    assert dead
    assert left
    assert not (dead | left) & set(after)
    born = [r for c, r in after.items() if c not in before and r["birth_date"].endswith("6.2017")]  # type: ignore[union-attr]
    assert born


# What happens in contacts and choices.


def test_late_rows_and_corrections_are_counted(small: Made) -> None:
    for section in ("late_arrivals", "corrections"):
        for key in (ENCOUNTERS, DIAGNOSES):
            assert sum(small.manifest[section][key].values()) > 0, (section, key)
    versions = Counter(
        r["encounter_id"]
        for sequence in small.sequences(ENCOUNTERS)
        for number, r in enumerate(small.records(ENCOUNTERS, sequence), start=1)
        if number
        not in {n for n, _ in small.planted("dirty_rows", small.file(ENCOUNTERS, sequence))}
    )
    corrected = sum(n - 1 for n in versions.values())
    assert corrected == sum(small.manifest["corrections"][ENCOUNTERS].values())


def test_moved_encounters_change_month_and_are_saved_later(small: Made) -> None:
    assert small.manifest["moved_encounters"]
    for moved in small.manifest["moved_encounters"]:
        key = str(moved["encounter_id"])
        rows = [
            next(r for r in small.records(ENCOUNTERS, s) if r["encounter_id"] == key)
            for s in (moved["from"], moved["to"])
        ]
        months = [str(r["started_at"])[:7].replace("-", "") for r in rows]
        assert months == [str(moved["from"]), str(moved["to"])]
        assert str(rows[0]["updated_at"]) < str(rows[1]["updated_at"])


def test_some_encounters_begin_in_the_hour_that_comes_twice(autumn: Made) -> None:
    planted = autumn.manifest["doubled_hour"]
    assert planted
    records = {r["encounter_id"]: r for r in autumn.records(ENCOUNTERS, 201710)}
    for row in planted:
        start = str(records[str(row["encounter_id"])]["started_at"])
        assert start.startswith("2017-10-29 03:")


def test_enrolments_are_corrected_changed_early_and_ended_late(autumn: Made) -> None:
    for section in ("wrong_sites", "early_changes", "late_ends"):
        assert autumn.manifest[section], section
    wrong = autumn.manifest["wrong_sites"][0]
    versions = [
        r
        for sequence in autumn.sequences(ENROLMENTS)
        for r in autumn.records(ENROLMENTS, sequence)
        if r["enrolment_id"] == wrong["enrolment_id"]
    ]
    assert len(versions) == 2
    assert versions[0]["site_id"] != versions[1]["site_id"]
    assert str(versions[0]["updated_at"]) < str(versions[1]["updated_at"])


def test_the_language_columns_come_with_the_second_major(small: Made) -> None:
    assert "contact_language_code" not in small.records(ENCOUNTERS, 201703)[0]
    assert "contact_language_code" in small.records(ENCOUNTERS, 201704)[0]


def test_municipalities_have_their_shares(clean: Made) -> None:
    people = listed(clean, clean.sequences(RESIDENTS)[0])
    counts = Counter(r["municipality_code"] for r in people.values())
    rows = load_parameters().population["municipalities"]
    total = sum(m["residents"] for m in rows)
    for m in rows:
        assert counts[m["code"]] / len(people) == pytest.approx(m["residents"] / total, abs=0.015)


def test_totals_are_of_the_right_size(clean: Made) -> None:
    files = clean.manifest["files"]
    totals = Counter[str]()
    for file, records in files.items():
        totals[file.rpartition("/")[0]] += records
    person_months = totals[RESIDENTS]
    assert person_months / (6_000 * 8) == pytest.approx(1.0, abs=0.03)
    assert totals[ENCOUNTERS] / person_months == pytest.approx(0.9, abs=0.05)
    assert totals[DIAGNOSES] / totals[ENCOUNTERS] == pytest.approx(0.5, abs=0.06)
    assert 80 < totals[ENROLMENTS] < 300


def test_few_of_the_rows_are_bad(autumn: Made) -> None:
    """Apart from one of each kind, which would be many in a region as small as this."""
    rows = autumn.manifest["dirty_rows"]
    kinds = {(row["file"].rpartition("/")[0], row["rule_id"]) for row in rows}
    received = sum(autumn.manifest["files"].values())
    assert 0 < (len(rows) - len(kinds)) / received < 0.002


def test_the_true_risk_is_kept_outside_the_landing_folder(small: Made) -> None:
    truth = pq.read_table(small.landing.parent / TRUE_RISK)
    codes = set(truth.column("identity_code").to_pylist())
    assert set(listed(small, 201701)) <= codes
    assert not list(small.landing.rglob(TRUE_RISK))


def test_the_frail_have_more_contacts(clean: Made) -> None:
    truth = pq.read_table(clean.landing.parent / TRUE_RISK).to_pylist()
    contacts = Counter(r["person_id"] for r in clean.records(ENCOUNTERS, 201706))
    ordered = sorted(truth, key=lambda r: float(r["expected_contacts_a_year"]))
    tenth = len(ordered) // 10
    mean = [
        sum(contacts[r["identity_code"]] for r in part) / tenth
        for part in (ordered[:tenth], ordered[-tenth:])
    ]
    assert mean[1] > 10 * mean[0]


@pytest.mark.parametrize("residents", [999, 5_600_001])
def test_sizes_out_of_range_are_refused(tmp_path: Path, residents: int) -> None:
    with pytest.raises(ValueError, match="residents must be"):
        make(tmp_path, residents=residents, months=1)


def test_a_manifest_in_the_landing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="outside landing"):
        make_deliveries(tmp_path, residents=1000, months=1, manifest=tmp_path / "manifest.json")


def test_a_window_that_ends_before_the_first_choices_has_no_enrolments(tmp_path: Path) -> None:
    made = make(tmp_path, residents=1000, months=1)
    assert not (made.landing / ENROLMENTS).exists()
