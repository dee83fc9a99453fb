"""Windows-1252, decimal commas and corrections back: what the voucher system sends, and missends.

Here: its bytes through landing, gate and core. Not here: every fault of every form
(`test_refused_files`, `test_quarantined_records`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.pipeline import Session, load_definition
from tests.support.deliveries import Row, encode, sent
from tests.support.homes import new_home, new_settings, silent, take_in
from tests.support.identity import code
from tests.support.quick_lake import quick_build, quick_home

PROVIDERS, PRICES, TRANSACTIONS = (
    "smartum/providers",
    "smartum/service_prices",
    "smartum/transactions",
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with new_home(tmp_path) as opened:
        yield opened


def provider(name: str, **others: str) -> Row:
    row: dict[str, str | date] = {
        "voucher_provider_id": "PT0001",
        "business_id": "9900001-8",
        "provider_name": name,
        "sector_code": "private",
        "service_codes": "cleaning",
        "approved_from_date": date(2016, 1, 1),
        "municipality_code": "106",
        "language_codes": "fi",
    }
    return row | others


def price(euros: str) -> Row:
    return {
        "price_id": 1,
        "voucher_provider_id": "PT0001",
        "service_code": "cleaning",
        "unit_code": "hour",
        "unit_price_eur": Decimal(euros),
        "vat_code": "standard",
        "vat_pct": Decimal("24.0"),
        "valid_from_date": date(2017, 1, 1),
    }


def payment(number: int, **others: str) -> Row:
    row: dict[str, str | int | date | datetime | Decimal] = {
        "transaction_id": number,
        "person_id": code(0),
        "voucher_provider_id": "PT0001",
        "service_code": "cleaning",
        "unit_code": "hour",
        "quantity": Decimal("2.00"),
        "unit_price_eur": Decimal("30.00"),
        "amount_eur": Decimal("60.00"),
        "client_share_eur": Decimal("0.00"),
        "transaction_kind_code": "payment",
        "service_date": date(2017, 1, 10),
        "booked_at": datetime(2017, 1, 12, 10),
        "updated_at": datetime(2017, 1, 12, 10),
    }
    return row | others


def land(session: Session, key: str, sequence: int, data: bytes) -> pipeline.Ingested:
    folder = session.lake.settings.landing / key
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key.split('/')[1]}_{sequence}.csv").write_bytes(data)
    return pipeline.ingest(session, report=silent)


def written(session: Session, key: str, *rows: Row) -> bytes:
    return encode(session.definition.catalogue.latest(key), rows)


LETTERS = bytes(set(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}).decode("windows-1252")


def test_every_letter_of_windows_1252_comes_through_as_it_is(session: Session) -> None:
    name = f"Hoiva {LETTERS} Žukov & Õnne Oy"
    assert "€" in name
    ingested = take_in(session, sent(PROVIDERS, 201701, provider(name)))
    assert ingested.refusals == ()
    assert session.lake.rows("select provider_name from staging.providers") == [(name,)]


@pytest.mark.parametrize("byte", [b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"])
def test_a_byte_that_windows_1252_has_not_refuses_the_file_by_line_and_column(
    session: Session, byte: bytes
) -> None:
    data = written(session, PROVIDERS, provider("Apu Oy"), provider("Muu", voucher_provider_id="B"))
    bad = data.replace(b"Muu", b"M" + byte + b"u")
    place = bad.split(b"\n")[2].index(byte) + 1

    ingested = land(session, PROVIDERS, 201701, bad)

    (refusal,) = ingested.refusals
    assert refusal.message.endswith(f"[rule file.encoding, line 3, column {place}]")
    assert session.lake.count("select count(*) from staging.providers") == 0
    assert land(session, PROVIDERS, 201701, data).refusals == ()


BAD_SUMS = (
    "60.00",
    "60,000",
    "1 060,00",
    "1.060,00",
    "60,",
    ",60",
    "+60,00",
    "60 €",
    "60 SEK",
    "6O,00",
)


@pytest.mark.parametrize("name", ["quantity", "unit_price_eur", "amount_eur", "client_share_eur"])
def test_sums_that_are_not_written_with_a_decimal_comma_stay_out_alone(
    tmp_path: Path, name: str
) -> None:
    good = 50
    with quick_home(new_settings(tmp_path), load_definition()) as session:
        rows = [payment(n) for n in range(1, good + 1)]
        rows += [payment(good + n, **{name: text}) for n, text in enumerate(BAD_SUMS, start=1)]
        take_in(session, sent(TRANSACTIONS, 201701, *rows))
        kept_out = session.lake.rows(
            "select record_number, rule_id from ops.quarantine order by record_number"
        )
        assert kept_out == [(good + n, f"{name}.type") for n in range(1, len(BAD_SUMS) + 1)]
        total = session.lake.rows("select count(*), sum(amount_eur) from staging.transactions")
        assert total == [(good, Decimal(60 * good))]


def test_a_correction_back_to_earlier_bytes_is_a_correction(tmp_path: Path) -> None:
    """The third file has the bytes of the first; what was known in between stays known."""
    with quick_home(new_settings(tmp_path), load_definition()) as session:
        first = written(session, PRICES, price("31.50"))
        for sequence, data in (
            (201701, first),
            (201702, written(session, PRICES, price("315.00"))),
            (201703, first),
        ):
            assert land(session, PRICES, sequence, data).refusals == ()
        quick_build(session)
        spans = session.lake.rows(
            "select unit_price_eur, known_from_seq, known_to_seq from core.service_price"
            " order by known_from_seq"
        )
        assert spans == [
            (Decimal("31.50"), 201701, 201702),
            (Decimal("315.00"), 201702, 201703),
            (Decimal("31.50"), 201703, None),
        ]
        assert session.lake.rows("select unit_price_eur from current.service_prices") == [
            (Decimal("31.50"),)
        ]
