"""Specialised care in the synthetic region: of a country's size, and of the same people.

Here: volumes, who comes and after what, and that bills match episodes. Not here: that the manifest
lists exactly the bad rows (`test_synthetic_region`).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import Catalogue
from dagster_project.rulebook import load_rulebooks
from dagster_project.settings import PROJECT_ROOT
from dagster_project.synthetic import region
from dagster_project.synthetic.hospital import EPISODES
from dagster_project.synthetic.invoices import INVOICES, Invoiced
from dagster_project.synthetic.parameters import load_parameters
from tests.support.landing_records import all_records, records, sequences

RESIDENTS, MONTHS = 10_000, 12
REFERRALS, ENCOUNTERS = "apotti/referrals", "apotti/encounters"
CENT = pl.col("amount_eur").cast(pl.Decimal(18, 2))


@dataclass(frozen=True)
class Made:
    """A region on disk, and what its generator says was billed."""

    folder: Path
    manifest: dict[str, Any]
    invoiced: Invoiced
    catalogue: Catalogue

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    def newest(self, key: str) -> pl.DataFrame:
        """The version in force of each row."""
        own = self.catalogue.latest(key).primary_key
        rows = all_records(self.landing, key).sort("updated_at", "delivery_sequence")
        return rows.unique(own, keep="last", maintain_order=True)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Large enough for shares, without dirt."""
    folder = tmp_path_factory.mktemp("clean")
    invoiced = Invoiced()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region, "Invoiced", lambda: invoiced)
        region.make_deliveries(
            folder / "landing",
            residents=RESIDENTS,
            months=MONTHS,
            manifest=folder / "manifest.json",
            with_dirt=False,
        )
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Made(folder, manifest, invoiced, load_catalogue(PROJECT_ROOT / "data_contracts"))


@pytest.fixture(scope="module")
def episodes(clean: Made) -> pl.DataFrame:
    return clean.newest(EPISODES).with_columns(
        pl.col("started_at", "ended_at").str.to_datetime("%Y-%m-%d %H:%M:%S")
    )


@pytest.fixture(scope="module")
def lines(clean: Made) -> pl.DataFrame:
    return clean.newest(INVOICES).with_columns(CENT)


def of_kind(episodes: pl.DataFrame, kind: str) -> pl.DataFrame:
    return episodes.filter(pl.col("episode_kind_code") == kind)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("outpatient_visit", 1.2, 1.7),
        ("remote_contact", 0.2, 0.45),
        ("emergency_visit", 0.2, 0.32),
        ("inpatient_stay", 0.11, 0.155),
    ],
)
def test_volumes_a_resident_and_year(
    episodes: pl.DataFrame, kind: str, low: float, high: float
) -> None:
    """HUS 2018-2019: 1.74 visits, 0.18 of them to specialised emergency care, 0.45 DRG products."""
    assert low < len(of_kind(episodes, kind)) / RESIDENTS < high


def test_a_stay_lasts_four_to_six_days_and_longer_in_psychiatry(episodes: pl.DataFrame) -> None:
    stays = of_kind(episodes, "inpatient_stay").filter(pl.col("ended_at").is_not_null())
    days = (pl.col("ended_at").dt.date() - pl.col("started_at").dt.date()).dt.total_days()
    mean = stays.group_by(is_psychiatric=pl.col("speciality_code").is_in(["70", "75"])).agg(
        days.mean().alias("mean")
    )
    somatic, psychiatric = (
        mean.filter(pl.col("is_psychiatric") == p)["mean"].item() for p in (False, True)
    )
    assert 4 < stays.select(days.mean()).item() < 6
    assert somatic < 4.5 < psychiatric


def test_a_referral_is_followed_by_visits_some_weeks_later(
    clean: Made, episodes: pl.DataFrame
) -> None:
    referred = episodes.filter(pl.col("referral_id").is_not_null())
    sent = clean.newest(REFERRALS).select(
        "referral_id",
        pl.col("sent_at").str.to_datetime("%Y-%m-%d %H:%M:%S"),
        whose="person_id",
        receiver="received_by_code",
        asked="speciality_code",
    )
    joined = referred.join(sent, on="referral_id", how="left")
    assert joined["whose"].null_count() == 0
    assert (joined["started_at"] > joined["sent_at"]).all()
    assert (joined["receiver"] == joined["unit_code"]).all()
    assert (joined["asked"] == joined["speciality_code"]).all()
    # One code may be older than the other; the persons are the same.
    assert (joined["whose"] == joined["person_id"]).sum() > 0.99 * len(joined)
    first = joined.sort("started_at").unique("referral_id", keep="first")
    weeks = (first["started_at"] - first["sent_at"]).dt.total_days() / 7
    assert 3 < float(weeks.median()) < 10  # type: ignore[arg-type]
    assert 0.25 < len(referred) / len(episodes) < 0.5


def test_volumes_do_not_depend_on_how_long_the_window_has_lasted(episodes: pl.DataFrame) -> None:
    """Referrals of before the window lead to visits until its own do."""
    visits = of_kind(episodes, "outpatient_visit")
    by_month = Counter(visits["started_at"].dt.month().to_list())
    early, late = (sum(by_month[m] for m in months) for months in ((1, 2, 3), (10, 11, 12)))
    assert 0.75 < early / late < 1.15


def test_emergencies_of_primary_care_come_to_the_hospital_the_same_day(
    clean: Made, episodes: pl.DataFrame
) -> None:
    """Some of those who met a doctor on call as an emergency, beyond what chance would give."""
    emergency = set(load_parameters().sites["emergency"].values())
    met = clean.newest(ENCOUNTERS).filter(
        pl.col("site_id").is_in(emergency), pl.col("urgency_code") == "3"
    )
    met = met.select("person_id", day=pl.col("started_at").str.slice(0, 10)).unique()
    came = of_kind(episodes, "emergency_visit").select(
        "person_id", day=pl.col("started_at").dt.strftime("%Y-%m-%d")
    )
    assert 0.2 < len(met.join(came.unique(), on=["person_id", "day"])) / len(met) < 0.45


def test_the_old_and_the_frail_are_admitted(clean: Made, episodes: pl.DataFrame) -> None:
    risk = pl.read_parquet(clean.folder / region.TRUE_RISK).rename({"identity_code": "person_id"})
    stays = of_kind(episodes, "inpatient_stay").filter(
        ~pl.col("drg_code").is_in(["373", "371", "391", "388"])
    )
    counted = risk.join(stays.group_by("person_id").len(), on="person_id", how="left")
    counted = counted.with_columns(pl.col("len").fill_null(0)).sort("expected_contacts_a_year")
    tenth = len(counted) // 10
    assert counted["len"].tail(tenth).sum() > 6 * counted["len"].head(tenth).sum()


def test_nobody_is_treated_after_death_and_some_die_on_a_ward(
    clean: Made, episodes: pl.DataFrame
) -> None:
    listed = all_records(clean.landing, "population_register/residents")
    dead = listed.filter(pl.col("death_date").is_not_null()).select(
        "person_id", death=pl.col("death_date").str.to_date("%d.%m.%Y")
    )
    theirs = episodes.join(dead, on="person_id")
    last = pl.coalesce("ended_at", "started_at").dt.date()
    assert len(theirs) > 100
    assert theirs.filter(last > pl.col("death")).is_empty()
    on_ward = theirs.filter(pl.col("discharge_code") == "deceased")
    assert (on_ward["ended_at"].dt.date() == on_ward["death"]).all()
    assert 0.15 < len(on_ward) / len(dead) < 0.6


def test_a_stay_over_the_turn_of_a_month_comes_open_and_then_ended(clean: Made) -> None:
    stays = of_kind(all_records(clean.landing, EPISODES), "inpatient_stay")
    versions = (
        stays.sort("delivery_sequence")
        .group_by("episode_id")
        .agg(
            first=pl.col("ended_at").first(),
            last=pl.col("ended_at").last(),
            begun=pl.col("delivery_sequence").first(),
        )
    )
    opened = versions.filter(pl.col("first").is_null())
    assert len(opened) > 50
    still_open = opened.filter(pl.col("last").is_null())
    assert still_open["begun"].min() > 201709  # type: ignore[operator]
    assert len(still_open) < 0.25 * len(opened)


def test_nobody_has_two_stays_at_a_time(episodes: pl.DataFrame) -> None:
    stays = of_kind(episodes, "inpatient_stay").sort("person_id", "started_at")
    before = pl.col("ended_at").shift(1).over("person_id")
    assert stays.filter(pl.col("started_at") < before).is_empty()


# Bills.


def test_specialised_care_costs_about_what_it_does(lines: pl.DataFrame) -> None:
    """949 to 1 384 euros a resident and year (HUS 2018: members' payments, all income)."""
    late = lines.filter(pl.col("invoiced_date") >= "2017-07-01")
    assert 950 < float(late["amount_eur"].sum()) / RESIDENTS * 2 < 1_450


def test_every_line_bills_an_episode_that_was_sent_by_then(
    lines: pl.DataFrame, episodes: pl.DataFrame
) -> None:
    billed = lines.filter(pl.col("episode_id").is_not_null())
    known = episodes.select(
        "episode_id",
        "ended_at",
        unit="unit_code",
        speciality="speciality_code",
        begun="delivery_sequence",
    )
    joined = billed.join(known, on="episode_id", how="left")
    assert joined["begun"].null_count() == 0
    assert joined["ended_at"].null_count() == 0
    assert (joined["unit"] == joined["unit_code"]).all()
    assert (joined["speciality"] == joined["speciality_code"]).all()
    lag = joined["invoiced_date"].str.to_date() - joined["ended_at"].dt.date()
    assert lag.dt.total_days().is_between(3, 125).all()
    soon = joined.filter(joined["credited_invoice_id"].is_null() & (lag.dt.total_days() < 85))
    assert len(soon) > 0.97 * len(joined)


def test_what_bills_no_episode_names_nobody(lines: pl.DataFrame) -> None:
    others = lines.filter(pl.col("episode_id").is_null())
    assert len(others) == 5 * 2 * MONTHS
    assert others["person_id"].null_count() == len(others)
    assert set(others["product_code"]) == {"VAL-1", "ENS-1"}


def test_a_credit_note_takes_back_the_lines_that_it_names(lines: pl.DataFrame) -> None:
    notes = lines.filter(pl.col("is_credit") == "true")
    credited = lines.select(
        "invoice_line_number",
        "episode_id",
        credited_invoice_id="invoice_id",
        due=-pl.col("amount_eur"),
        billed="invoiced_date",
    )
    joined = notes.join(
        credited, on=["credited_invoice_id", "invoice_line_number", "episode_id"], how="left"
    )
    assert len(notes) > 100
    assert (joined["due"] == joined["amount_eur"]).all()
    assert (joined["billed"].str.slice(0, 7) < joined["invoiced_date"].str.slice(0, 7)).all()
    net = lines.filter(pl.col("episode_id").is_not_null()).group_by("episode_id")
    assert (net.agg(pl.col("amount_eur").sum())["amount_eur"] >= 0).all()


def test_the_totals_for_the_ledger_are_those_of_the_lines_by_month_unit_and_speciality(
    clean: Made, lines: pl.DataFrame
) -> None:
    """Save for what comes one increment late, after the window."""
    months = sequences(clean.landing, INVOICES)
    month = pl.col("invoiced_date").str.slice(0, 7).str.replace("-", "").cast(pl.Int64)
    sums = (
        lines.with_columns(month=month)
        .group_by("month", "unit_code", "speciality_code")
        .agg(pl.col("amount_eur").sum())
    )
    sent = {
        (months.index(m), unit, speciality): int(euros * 100)
        for m, unit, speciality, euros in sums.iter_rows()
    }
    until_last = {k: cents for k, cents in clean.invoiced.cents.items() if k[0] < MONTHS - 1}
    assert until_last == {k: cents for k, cents in sent.items() if k[0] < MONTHS - 1}
    of_last = [
        sum(v for k, v in t.items() if k[0] == MONTHS - 1)
        for t in (sent, dict(clean.invoiced.cents))
    ]
    assert 0.95 * of_last[1] < of_last[0] <= of_last[1]


# How it comes.


@pytest.mark.parametrize("key", [EPISODES, INVOICES])
def test_a_row_comes_once_at_most_in_a_file_and_some_late_or_corrected(
    clean: Made, key: str
) -> None:
    own = list(clean.catalogue.latest(key).primary_key)
    for sequence in sequences(clean.landing, key):
        assert records(clean.landing, key, sequence).select(own).is_duplicated().sum() == 0
    for section in ("late_arrivals", "corrections"):
        assert sum(clean.manifest[section][key].values()) > 20, section


@pytest.mark.parametrize("key", [EPISODES, INVOICES])
def test_no_code_is_outside_the_range_that_no_resident_has(clean: Made, key: str) -> None:
    codes = all_records(clean.landing, key)["person_id"].drop_nulls()
    assert codes.str.slice(7, 3).cast(pl.Int64).is_between(900, 999).all()
    assert codes.n_unique() > 2_000


def test_unit_costs_come_once_a_year_and_cost_all_that_the_rulebook_matches(clean: Made) -> None:
    costs = all_records(clean.landing, "thl/unit_costs")
    assert sequences(clean.landing, "thl/unit_costs") == [2017]
    assert costs["price_year"].unique().to_list() == ["2017"]
    (match,) = (book for book in load_rulebooks() if book.name == "unit_cost_match")
    matched = {row[list(match.columns).index("unit_cost_code")] for _, row in match.rows}
    assert sorted(costs["unit_cost_code"]) == sorted(matched)
