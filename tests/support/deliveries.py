"""Deliveries of a few rows, written as their contracts say.

Here: rows by lake column name, and files from rows. Not here: what becomes of them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.contracts.model import Column, Contract, FileFormat
from dagster_project.pipeline import load_definition

Value = str | int | bool | date | datetime | Decimal | None
Row = Mapping[str, Value]

RESIDENTS = "population_register/residents"
ENCOUNTERS = "apotti/encounters"
DIAGNOSES = "apotti/diagnoses"
PROCEDURES = "apotti/procedures"
ENROLMENTS = "enrolment_portal/enrolments"
MUNICIPALITIES = "reference/municipalities"
SITES = "reference/sites"
REFERRALS = "apotti/referrals"
EPISODES = "hus/specialised_care"
INVOICES = "hus/invoices"
LEDGER = "finance/general_ledger"
CENTRES = "finance/cost_centre_map"
FEES = "finance/client_fees"
SERVICE_CLASSES = "reference/service_classes"
UNIT_COSTS = "thl/unit_costs"
SOCIAL_SERVICES = "apotti/social_services"


@dataclass(frozen=True, repr=False)
class Sent:
    """One delivery, ready to be written."""

    key: str
    sequence: int
    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        """Which it is."""
        return f"{self.key.split('/')[1]}_{self.sequence}"

    def __str__(self) -> str:
        """Every row, with what is set in it."""
        lines = [str({k: str(v) for k, v in row.items() if v is not None}) for row in self.rows]
        return "\n  ".join([f"{self.key} {self.sequence}", *lines])


def sent(key: str, sequence: int, *rows: Row) -> Sent:
    """A delivery of these rows."""
    return Sent(key, sequence, rows)


def write(landing: Path, delivery: Sent) -> Path:
    """Put a delivery into landing under the name and in the form of its contract."""
    contract = load_definition().catalogue.in_force(delivery.key, delivery.sequence)
    name = f"{contract.table}_{delivery.sequence}.{contract.dialect.format}"
    path = landing / delivery.key / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(contract, delivery.rows))
    return path


def write_all(landing: Path, deliveries: Iterable[Sent]) -> None:
    """Put several deliveries into landing."""
    for delivery in deliveries:
        write(landing, delivery)


def encode(contract: Contract, rows: Iterable[Row]) -> bytes:
    """Rows as the bytes of a delivery."""
    if contract.dialect.format is FileFormat.NDJSON:
        return _json_lines(contract, rows)
    if contract.dialect.format is FileFormat.PARQUET:
        return _parquet(contract, list(rows))
    dialect = contract.dialect
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=dialect.delimiter, lineterminator="\n")
    writer.writerow([c.source_name for c in contract.columns])
    for row in rows:
        writer.writerow([_text(row.get(c.name), contract) or "" for c in contract.columns])
    return buffer.getvalue().encode(dialect.encoding)


def _json_lines(contract: Contract, rows: Iterable[Row]) -> bytes:
    objects = (
        _nested({c.source_name: _text(row.get(c.name), contract) for c in contract.columns})
        for row in rows
    )
    return "".join(json.dumps(fields) + "\n" for fields in objects).encode()


_TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
}


def _parquet(contract: Contract, rows: list[Row]) -> bytes:
    arrays = {
        c.source_name: pa.array([row.get(c.name) for row in rows], _type(c))
        for c in contract.columns
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays), buffer)
    return buffer.getvalue()


def _type(column: Column) -> pa.DataType:
    if column.is_identity:
        return pa.string()
    if column.sql_type.startswith("DECIMAL"):
        precision, scale = column.sql_type.removeprefix("DECIMAL(").rstrip(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return _TYPES[column.sql_type]


def _nested(fields: Mapping[str, str | None]) -> dict[str, Any]:
    """Values at their JSON pointers, or in fields of plain names."""
    record: dict[str, Any] = {}
    for name, value in fields.items():
        *outer, last = name.removeprefix("/").split("/")
        place = record
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value
    return record


def _text(value: Value, contract: Contract) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            dialect = contract.dialect
            return (dialect.true_values if value else dialect.false_values)[0]
        case datetime():
            return value.strftime(contract.dialect.timestamp_format)
        case date():
            return value.strftime(contract.dialect.date_format)
        case _:
            return str(value).replace(".", contract.dialect.decimal_separator)


def resident(person: str, born: date, **others: Value) -> Row:
    """A row of the population register; at home in 091 00100 since birth unless told otherwise."""
    row: dict[str, Value] = {
        "person_id": person,
        "municipality_code": "091",
        "postal_code": "00100",
        "sex_code": "1",
        "language_code": "fi",
        "birth_country_code": "246",
        "birth_date": born,
        "has_protection_order": False,
    }
    return row | others


def encounter(number: int, person: str, started: datetime, **others: Value) -> Row:
    """An encounter at site S1, saved when it began unless told otherwise."""
    row: dict[str, Value] = {
        "encounter_id": number,
        "person_id": person,
        "site_id": "S1",
        "started_at": started,
        "service_code": "T11",
        "contact_type_code": "R10",
        "profession_code": "2221",
        "duration_minutes": Decimal("12.5"),
        "updated_at": started,
    }
    return row | others


def diagnosis(encounter_number: int, person: str, day: date, **others: Value) -> Row:
    """Diagnosis number 1 of an encounter."""
    row: dict[str, Value] = {
        "encounter_id": encounter_number,
        "diagnosis_number": 1,
        "person_id": person,
        "icd10_code": "I10",
        "diagnosed_date": day,
        "updated_at": datetime(day.year, day.month, day.day, 12),
    }
    return row | others


def procedure(number: int, person: str, day: date, **others: Value) -> Row:
    """A filling of one surface of tooth 11 at site S1, of the encounter of its number."""
    row: dict[str, Value] = {
        "procedure_id": number,
        "person_id": person,
        "encounter_id": number,
        "performed_date": day,
        "procedure_code": "SFA10",
        "tooth_code": "11",
        "site_id": "S1",
        "updated_at": datetime(day.year, day.month, day.day, 9),
    }
    return row | others


def enrolment(identifier: str, person: str, start: date, **others: Value) -> Row:
    """A choice of site S1 of provider P1 for reception, saved on its first day."""
    row: dict[str, Value] = {
        "enrolment_id": identifier,
        "person_id": person,
        "service_code": "reception",
        "provider_id": "P1",
        "site_id": "S1",
        "start_date": start,
        "channel_code": "web",
        "updated_at": datetime(start.year, start.month, start.day, 9),
    }
    return row | others


def referral(number: int, person: str, sent_at: datetime, **others: Value) -> Row:
    """A referral to Hyvinkää Hospital for surgery, not answered yet."""
    row: dict[str, Value] = {
        "referral_id": number,
        "person_id": person,
        "speciality_code": "20",
        "kind_code": "referral",
        "sent_at": sent_at,
        "received_by_code": "HUS-HYV",
        "updated_at": sent_at,
    }
    return row | others


def hospital_episode(number: int, person: str, started: datetime, **others: Value) -> Row:
    """A visit of half an hour, saved when it began unless told otherwise."""
    row: dict[str, Value] = {
        "episode_id": number,
        "person_id": person,
        "unit_code": "HUS-HYV",
        "episode_kind_code": "outpatient_visit",
        "speciality_code": "20",
        "started_at": started,
        "ended_at": started + timedelta(minutes=30),
        "updated_at": started,
    }
    return row | others


def invoice_line(number: int, person: str, day: date, **others: Value) -> Row:
    """Line 1 of an invoice of 100 euros, saved on its day."""
    row: dict[str, Value] = {
        "invoice_id": number,
        "invoice_line_number": 1,
        "person_id": person,
        "unit_code": "HUS-HYV",
        "invoiced_date": day,
        "service_date": date(2016, 12, 1),
        "product_code": "KAY-1",
        "quantity": Decimal(1),
        "amount_eur": Decimal("100.00"),
        "is_credit": False,
        "updated_at": datetime(day.year, day.month, day.day, 9),
    }
    return row | others


def ledger_line(number: int, month: date, **others: Value) -> Row:
    """Line 1 of a voucher of 100 euros of centre 1000, posted on the first day of its month."""
    row: dict[str, Value] = {
        "voucher_number": number,
        "line_number": 1,
        "ledger_month": month,
        "posted_date": month,
        "cost_centre_code": "1000",
        "account_code": "4000",
        "amount_eur": Decimal("100.00"),
        "updated_at": datetime(month.year, month.month, 1, 9),
    }
    return row | others


def centre_key(centre: str, service_class: str, share: str, **others: Value) -> Row:
    """A share of a cost centre, in force since 2010."""
    row: dict[str, Value] = {
        "cost_centre_code": centre,
        "cost_centre_name": f"Centre {centre}",
        "service_class_code": service_class,
        "share": Decimal(share),
        "is_overhead": False,
        "valid_from_date": date(2010, 1, 1),
    }
    return row | others


def service_class(code: str, mapped: str, share: str = "1.000") -> Row:
    """A service package in force to 2022, or an AURA class from 2023, by its first letter."""
    is_package = code.startswith("P")
    return {
        "classification_code": "package" if is_package else "aura",
        "service_class_code": code,
        "service_class_name_fi": code,
        "service_class_name_en": code,
        "mapped_class_code": mapped,
        "mapped_share": Decimal(share),
        "valid_from_date": date(2000, 1, 1) if is_package else date(2023, 1, 1),
        "valid_to_date": date(2023, 1, 1) if is_package else None,
    }


def unit_cost(code: str, unit: str, euros: str, year: int) -> Row:
    """A national unit cost in the prices of a year."""
    return {
        "unit_cost_code": code,
        "unit_cost_name": code,
        "service_name": "Palvelu",
        "cost_unit_code": unit,
        "cost_eur": Decimal(euros),
        "price_year": year,
    }


def client_fee(number: int, person: str, day: date, **others: Value) -> Row:
    """A fee of a doctor's visit, paid on its day."""
    row: dict[str, Value] = {
        "fee_id": number,
        "person_id": person,
        "fee_type_code": "doctor_visit",
        "charged_date": day,
        "amount_eur": Decimal("20.60"),
        "status_code": "paid",
        "updated_at": datetime(day.year, day.month, day.day, 15),
    }
    return row | others


def social_service(number: int, person: str, started: date, **others: Value) -> Row:
    """Home care of seven hours a week that goes on, decided on the day it began."""
    row: dict[str, Value] = {
        "service_period_id": number,
        "person_id": person,
        "service_class_code": "home_care",
        "client_group_code": "elderly",
        "contacted_date": started,
        "assessed_date": started,
        "decided_date": started,
        "started_date": started,
        "decision_code": "granted",
        "ladder_code": "regular_home_care",
        "hours_a_week": Decimal("7.0"),
        "is_carer": False,
        "updated_at": datetime(started.year, started.month, started.day, 9),
    }
    return row | others


def municipality(municipality_code: str, *, is_trial_area: bool = True) -> Row:
    """A municipality of region 01, in force since 2009."""
    return {
        "municipality_code": municipality_code,
        "name_fi": f"Kunta {municipality_code}",
        "name_sv": f"Kommun {municipality_code}",
        "region_code": "01",
        "region_name": "Uusimaa",
        "county_code": "01",
        "county_name": "Alue",
        "is_trial_area": is_trial_area,
        "valid_from_date": date(2009, 1, 1),
    }


def site(site_id: str, provider_id: str) -> Row:
    """A private reception, open since 2009."""
    return {
        "site_id": site_id,
        "site_name": f"Asema {site_id}",
        "provider_id": provider_id,
        "provider_name": f"Tuottaja {provider_id}",
        "business_id": "9900001-8",
        "sector_code": "private",
        "service_code": "reception",
        "municipality_code": "091",
        "language_codes": "fi,sv",
        "valid_from_date": date(2009, 1, 1),
    }


def reference_lists() -> tuple[Sent, Sent]:
    """Three municipalities of the area and four sites of two providers."""
    return (
        sent(MUNICIPALITIES, 20170101, *(municipality(m) for m in ("091", "092", "106"))),
        sent(
            SITES,
            20170101,
            *(site(s, p) for s, p in (("S1", "P1"), ("S2", "P1"), ("S3", "P2"), ("S4", "P2"))),
        ),
    )
