"""The ledger, cost centres and client fees of the synthetic region: what was done is what it cost.

Here: euros by resident, keys, reversals and late vouchers, fees against the visits and the ceiling.
Not here: that the manifest lists exactly the bad rows (`test_synthetic_region`).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import Catalogue
from dagster_project.settings import PROJECT_ROOT
from dagster_project.synthetic.finance import cents_text
from dagster_project.synthetic.ledger import WHOLE, restated_keys
from dagster_project.synthetic.region import make_deliveries

LEDGER, CENTRES, FEES = "general_ledger", "cost_centre_map", "client_fees"
RESIDENTS, MONTHS = 5_000, 9


@dataclass(frozen=True)
class Made:
    """A region on disk."""

    folder: Path
    manifest: dict[str, Any]
    catalogue: Catalogue

    def file(self, key: str, sequence: int) -> pl.DataFrame:
        contract = self.catalogue.latest(key)
        path = self.folder / "landing" / key / f"{contract.table}_{sequence}.csv"
        text = path.read_bytes().decode(contract.dialect.encoding).encode()
        names = {c.source_name: c.name for c in contract.columns}
        return pl.read_csv(text, separator=";", infer_schema=False).rename(names)

    def sequences(self, key: str) -> list[int]:
        return sorted(
            int(p.stem.rpartition("_")[2]) for p in (self.folder / "landing" / key).iterdir()
        )

    def all(self, table: str) -> pl.DataFrame:
        """All versions, with euros as numbers of cents and the sequence that brought each."""
        frames = [
            self.file(f"finance/{table}", s).with_columns(sequence=pl.lit(s))
            for s in self.sequences(f"finance/{table}")
        ]
        frame = pl.concat(frames)
        if "amount_eur" not in frame.columns:
            return frame
        cents = [int(Decimal(a.replace(",", ".")) * 100) for a in frame["amount_eur"]]
        return frame.with_columns(cents=pl.Series(cents, dtype=pl.Int64))


def make(folder: Path, **arguments: Any) -> Made:
    make_deliveries(folder / "landing", manifest=folder / "manifest.json", **arguments)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Made(folder, manifest, load_catalogue(PROJECT_ROOT / "data_contracts"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("clean")
    return make(folder, residents=RESIDENTS, months=MONTHS, with_dirt=False)


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Over the turn of the classifications."""
    folder = tmp_path_factory.mktemp("turn")
    return make(folder, residents=1_000, months=3, start_month=202211, with_dirt=False)


def lines(made: Made) -> pl.DataFrame:
    """Ledger lines in their newest version."""
    return made.all(LEDGER).unique(["voucher_number", "line_number"], keep="last")


def keys_on(made: Made, day: date) -> dict[str, dict[str, int]]:
    """Millionths by centre and class, as the newest list has them on a day."""
    newest = made.sequences(f"finance/{CENTRES}")[-1]
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in made.file(f"finance/{CENTRES}", newest).iter_rows(named=True):
        if as_date(row["valid_from_date"]) <= day < as_date(row["valid_to_date"] or "1.1.9999"):
            share = int(Decimal(row["share"].replace(",", ".")) * WHOLE)
            found[row["cost_centre_code"]][row["service_class_code"]] = share
    return found


def as_date(text: str) -> date:
    day, month, year = text.split(".")
    return date(int(year), int(month), int(day))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    def digest(name: str, seed: int) -> str:
        made = make(tmp_path / name, residents=1_000, months=2, seed=seed)
        files = sorted((made.folder / "landing/finance").rglob("*.csv"))
        return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()

    assert digest("a", 5) == digest("b", 5) != digest("c", 6)


def test_euros_a_resident_come_near_the_published_ones(clean: Made) -> None:
    """Uusimaa 2 986 in 2015 and 3 115 in 2019; a small region strays."""
    a_year = lines(clean)["cents"].sum() / 100 / RESIDENTS / MONTHS * 12
    assert 2_500 < a_year < 3_600


def test_the_hospitals_bills_are_in_the_ledger_to_the_cent(clean: Made) -> None:
    paid = lines(clean).filter(
        pl.col("cost_centre_code").is_in(["8400", "8500"]), pl.col("account_code") == "4300"
    )
    files = sorted((clean.folder / "landing/hus/invoices").glob("*.parquet"))
    bills = pl.concat([pl.read_parquet(f) for f in files])
    contract = clean.catalogue.latest("hus/invoices")
    bills = bills.rename({c.source_name: c.name for c in contract.columns})
    bills = bills.unique(["invoice_id", "invoice_line_number"], keep="last")
    by_month = bills.group_by(pl.col("invoiced_date").dt.strftime("%-m")).agg(
        pl.col("amount_eur").sum()
    )
    due = dict(by_month.iter_rows())
    booked = paid.group_by(pl.col("ledger_month").str.split(".").list.get(1)).agg(
        pl.col("cents").sum()
    )
    for month, cents in booked.iter_rows():
        # Bills that come after the window's end are in no file yet.
        late = abs(cents - int(due[month] * 100)) / cents
        assert late < 0.03, month


def test_shares_of_every_centre_sum_to_one_on_every_day(clean: Made, turn: Made) -> None:
    for made in (clean, turn):
        for month in {as_date(m) for m in lines(made)["ledger_month"]}:
            sums = {code: sum(keys.values()) for code, keys in keys_on(made, month).items()}
            assert set(sums.values()) == {WHOLE}


def test_every_line_states_its_class_or_has_a_centre_with_keys(clean: Made, turn: Made) -> None:
    for made in (clean, turn):
        for row in lines(made).iter_rows(named=True):
            known = keys_on(made, as_date(row["ledger_month"]))
            assert row["service_class_code"] or row["cost_centre_code"] in known


def test_centres_open_close_and_change_keys_in_the_window(clean: Made) -> None:
    first, last = keys_on(clean, date(2017, 1, 1)), keys_on(clean, date(2017, 9, 1))
    assert "1900" in last.keys() - first.keys()
    assert first.keys() - last.keys() >= {"4005", "5005"}
    assert first["9000"] != last["9000"]
    assert set(first["9200"].values()) == {333_333, 333_334}
    assert len(clean.sequences(f"finance/{CENTRES}")) == 3


def test_classes_are_those_in_force_on_the_month(turn: Made) -> None:
    for day, letter in ((date(2022, 12, 1), "P"), (date(2023, 1, 1), "A")):
        classes = {name for keys in keys_on(turn, day).values() for name in keys}
        assert {name[0] for name in classes} == {letter}
    stated = lines(turn).filter(pl.col("service_class_code").is_not_null())
    told = {(r["ledger_month"], r["service_class_code"][0]) for r in stated.iter_rows(named=True)}
    assert told == {("1.11.2022", "P"), ("1.12.2022", "P"), ("1.1.2023", "A")}


def test_what_was_posted_twice_is_taken_back_a_month_later(clean: Made) -> None:
    held = lines(clean)
    planted = clean.manifest["reversed_vouchers"]
    assert planted
    for entry in planted:
        wrong = held.filter(pl.col("voucher_number") == entry["voucher_number"])
        back = held.filter(pl.col("voucher_number") == entry["reversed_by"])
        assert len(wrong) == len(back) > 0
        assert sum(wrong["cents"].to_list()) + sum(back["cents"].to_list()) == 0
        assert set(back["sequence"]) == {entry["reversal_sequence"]}


def test_late_vouchers_belong_to_an_earlier_month(clean: Made) -> None:
    counted = clean.manifest["late_arrivals"]["finance/general_ledger"]
    held = clean.all(LEDGER)
    late = held.filter(
        pl.col("ledger_month").map_elements(
            lambda m: as_date(m).year * 100 + as_date(m).month, return_dtype=pl.Int64
        )
        < pl.col("sequence")
    )
    assert len(late) >= sum(counted.values()) > 0


def test_a_line_never_changes_its_euros(clean: Made) -> None:
    versions = (
        clean.all(LEDGER)
        .group_by("voucher_number", "line_number")
        .agg(pl.len(), pl.col("cents").n_unique().alias("amounts"))
    )
    assert versions["len"].max() == 2
    assert versions["amounts"].max() == 1


def newest_fees(made: Made) -> pl.DataFrame:
    return made.all(FEES).unique("fee_id", keep="last", maintain_order=True)


def test_minors_pay_nothing(clean: Made) -> None:
    register = clean.file("population_register/residents", 201701)
    born = dict(register.select("person_id", "birth_date").iter_rows())
    fees = newest_fees(clean).filter(pl.col("fee_type_code").str.contains("visit"))
    years = [
        (as_date(day) - as_date(born[code])).days / 365.25
        for code, day in fees.select("person_id", "charged_date").iter_rows()
        if code in born
    ]
    assert len(years) > 5_000
    assert min(years) > 17.9


def test_doctors_visits_are_charged_three_times_a_year(clean: Made) -> None:
    fees = newest_fees(clean).filter(pl.col("fee_type_code") == "doctor_visit")
    most = fees.group_by("person_id").len()["len"].max()
    assert most == 3


def test_nothing_is_charged_above_the_ceiling_and_what_fills_it_is(clean: Made) -> None:
    fees = newest_fees(clean)
    above = fees.filter(pl.col("status_code") == "above_ceiling")
    assert len(above) > 0
    assert above["cents"].sum() == 0
    counting = [
        "doctor_visit",
        "emergency_visit",
        "therapy_visit",
        "hospital_visit",
        "hospital_day",
    ]
    filled = fees.filter(
        pl.col("fee_type_code").is_in(counting),
        pl.col("person_id").is_in(above["person_id"].implode()),
    )
    sums = filled.group_by("person_id").agg(pl.col("cents").sum())["cents"]
    # A code that changes in the year, or a fee still to come, parts what one person was charged.
    assert np.quantile(sums.to_numpy(), 0.05) >= 68_300


def test_a_fee_is_paid_or_waived_after_it_was_charged(clean: Made) -> None:
    fees = clean.all(FEES)
    assert set(fees["status_code"]) == {"charged", "paid", "waived", "above_ceiling"}
    twice = fees.filter(pl.col("fee_id").is_duplicated()).sort("fee_id", "sequence")
    first = twice.unique("fee_id", keep="first", maintain_order=True)
    last = twice.unique("fee_id", keep="last", maintain_order=True)
    assert set(first["status_code"]) == {"charged"}
    assert set(last["status_code"]) == {"paid", "waived"}
    assert first["cents"].to_list() == last["cents"].to_list()


def test_cents_and_keys_by_hand() -> None:
    assert cents_text(np.array([0, 5, -1234, 100])).to_list() == ["0,00", "0,05", "-12,34", "1,00"]
    shares = {"P01": {"A01": 1000}, "P04": {"A04": 750, "A05": 250}}
    keys = restated_keys({"P01": 333_333, "P04": 666_667}, shares)
    # 666 667 x 0,75 = 500 000,25 and x 0,25 = 166 666,75: the parts lost go to the last class.
    assert keys == {"A01": 333_333, "A04": 500_000, "A05": 166_667}
