"""Apotti's other tables in the synthetic region: plausible across tables, and nobody else's bytes.

Here: shares, references, phases, and that the older tables are as they were. Not here: that the
manifest lists exactly the bad rows (`test_synthetic_region`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import Catalogue
from dagster_project.settings import PROJECT_ROOT
from dagster_project.synthetic.apotti import TRUE_NEED
from dagster_project.synthetic.clinical import ODD_VALUES
from dagster_project.synthetic.region import make_deliveries
from dagster_project.synthetic.social import LADDER

OLDER = (
    "population_register",
    "enrolment_portal/enrolments",
    "apotti/encounters",
    "apotti/diagnoses",
)
PERSONAL = (
    "measurements",
    "procedures",
    "referrals",
    "access_events",
    "named_professional",
    "need_assessments",
    "social_services",
)
ROWS_A_RESIDENT_YEAR = {
    "measurements": (3.0, 5.0),
    "procedures": (0.8, 1.4),
    "referrals": (0.5, 1.1),
    "access_events": (2.2, 4.0),
    "need_assessments": (0.1, 0.3),
    "social_services": (0.08, 0.3),
}
MOST = {
    "6128": 300,
    "4515": 20,
    "4516": 10,
    "4599": 20,
    "4600": 1500,
    "8480-6": 400,
    "8462-4": 250,
    "29463-7": 300,
    "39156-5": 100,
}
"""Values beyond these are impossible."""
RESIDENTS, MONTHS = 10_000, 12


@dataclass(frozen=True)
class Made:
    """A region on disk."""

    folder: Path
    manifest: dict[str, Any]
    catalogue: Catalogue

    def table(self, name: str) -> pl.DataFrame:
        """All versions of a table under the lake's names, with the month that brought each."""
        contract = self.catalogue.latest(f"apotti/{name}")
        names = {c.source_name: c.name for c in contract.columns}
        files = sorted((self.folder / "landing/apotti" / name).iterdir())
        return pl.concat(
            [
                pl.read_csv(file, separator=";", infer_schema=False)
                .rename(names, strict=False)
                .with_columns(sequence=pl.lit(int(file.stem[-6:])))
                for file in files
            ],
            how="diagonal",
        )

    def newest(self, name: str) -> pl.DataFrame:
        """The version in force of each row."""
        key = self.catalogue.latest(f"apotti/{name}").primary_key
        return self.table(name).sort("updated_at", "sequence").unique(key, keep="last")


def make(folder: Path, **arguments: Any) -> Made:
    make_deliveries(folder / "landing", manifest=folder / "manifest.json", **arguments)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Made(folder, manifest, load_catalogue(PROJECT_ROOT / "data_contracts"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Large enough for shares, without dirt."""
    folder = tmp_path_factory.mktemp("clean")
    return make(folder, residents=RESIDENTS, months=MONTHS, with_dirt=False)


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("dirty"), residents=1_000, months=6)


def mean(of: pl.Series) -> float:
    """Mean of numbers, share of what is true."""
    return float(of.cast(pl.Float64).to_numpy().mean())


def digest(folder: Path, parts: tuple[str, ...]) -> str:
    """One hash over the files of some sources, names and bytes."""
    files = [p for part in parts for p in sorted((folder / "landing" / part).rglob("*.*"))]
    whole = hashlib.sha256()
    for path in files:
        whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()


def test_the_older_tables_are_byte_for_byte_what_they_were(dirty: Made) -> None:
    """Pinned, so that a source added later cannot move them: 1 000 residents, 6 months, seed 1."""
    assert digest(dirty.folder, OLDER) == (
        "76a4c00969e3f1350e59af10f07c6967531d03a453cd11d4c89e04fec543c063"
    )


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    a, b, c = (
        make(tmp_path / name, residents=1_000, months=2, seed=seed)
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    tables = tuple(f"apotti/{name}" for name in PERSONAL)
    assert digest(a.folder, tables) == digest(b.folder, tables) != digest(c.folder, tables)


def test_volumes_a_resident(clean: Made) -> None:
    years = MONTHS / 12
    for name, (low, high) in ROWS_A_RESIDENT_YEAR.items():
        assert low < len(clean.table(name)) / RESIDENTS / years < high, name


def test_no_code_is_outside_the_range_that_no_resident_has(dirty: Made) -> None:
    codes = [dirty.table(name)["person_id"] for name in PERSONAL]
    codes.append(dirty.table("social_services")["cared_person_id"])
    numbers = pl.concat(codes).drop_nulls().str.slice(7, 3).cast(pl.Int64)
    assert len(numbers) > 3_000
    assert numbers.is_between(900, 999).all()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("measurements", "encounter_id"),
        ("procedures", "encounter_id"),
        ("referrals", "encounter_id"),
        ("access_events", "visit_encounter_id"),
    ],
)
def test_every_encounter_that_is_named_is_sent_and_is_the_same_persons(
    clean: Made, name: str, column: str
) -> None:
    rows = clean.table(name).filter(pl.col(column).is_not_null())
    sent = clean.table("encounters").unique("encounter_id", keep="last")
    sent = sent.select(pl.col("encounter_id").alias(column), whose="person_id")
    joined = rows.join(sent, on=column, how="left")
    assert joined["whose"].null_count() == 0
    assert mean(joined["whose"] == joined["person_id"]) > 0.999  # a code may change meanwhile
    assert len(rows) > 500


def test_a_row_comes_once_at_most_in_a_file(clean: Made) -> None:
    for key in clean.catalogue.tables():
        source, _, name = key.partition("/")
        if source == "apotti":
            own = [*clean.catalogue.latest(key).primary_key, "sequence"]
            assert clean.table(name).select(own).is_duplicated().sum() == 0, name


# Measurements.


def numbers(rows: pl.DataFrame) -> pl.DataFrame:
    value = pl.col("value_text").str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    return rows.with_columns(value=value)


def test_two_thirds_of_diabetics_are_in_balance_and_measured_twice_a_year(clean: Made) -> None:
    coded = clean.table("diagnoses").filter(pl.col("icd10_code").str.contains("^E1[01]"))
    known = coded.filter(pl.col("sequence") == 201701).unique("person_id")
    since = coded.group_by("person_id").agg(pl.col("diagnosed_date").min())
    hba1c = numbers(clean.newest("measurements")).filter(
        pl.col("test_code") == "6128",
        pl.col("unit") == "mmol/mol",
        pl.col("value") < 300,
        pl.col("status_code") != "corrected",
    )
    diabetics = hba1c.join(since, on="person_id").filter(
        pl.col("measured_at") >= pl.col("diagnosed_date")
    )
    assert 0.6 < mean(diabetics["value"] < 53) < 0.7
    assert 1.3 < len(hba1c.join(known, on="person_id", how="semi")) / len(known) < 2.4
    others = hba1c.join(coded, on="person_id", how="anti")
    assert mean(diabetics["value"]) > mean(others["value"])


def test_the_manifest_counts_the_odd_values_and_units_that_were_accepted(dirty: Made) -> None:
    bad = {
        (r["file"], r["record_number"])
        for r in dirty.manifest["dirty_rows"] + dirty.manifest["unresolved_references"]
    }
    found: dict[str, int] = {}
    for file in sorted((dirty.folder / "landing/apotti/measurements").iterdir()):
        rows = pl.read_csv(file, separator=";", infer_schema=False)
        name = f"apotti/measurements/{file.name}"
        for number, row in enumerate(rows.iter_rows(named=True), start=1):
            if (name, number) not in bad and row["Tila"] != "cancelled":
                for kind in kinds(row["Tutkimus"], row["Tulos"]):
                    found[kind] = found.get(kind, 0) + 1
    listed = {k: sum(v.values()) for k, v in dirty.manifest["odd_measurements"].items()}
    assert found == {k: v for k, v in listed.items() if k in ODD_VALUES}
    assert {"unit %", "unit mm Hg", "missing NULL", "impossible"} <= set(listed)


def kinds(test: str | None, value: str | None) -> list[str]:
    """Oddities that show in a value alone."""
    if value in (None, "NULL", "NA", "Puuttuu"):
        return [f"missing {value or 'empty'}"]
    if value[:1] in "<>":
        return ["below" if value[0] == "<" else "above"]
    limit = MOST.get(test or "")  # none for a code that was planted to be warned of
    return ["impossible"] if limit and float(value.replace(",", ".")) > limit else []


# Access.


def test_waits_fall_into_the_classes_that_vantaa_published(clean: Made) -> None:
    """8-9/2021: 66.8, 5.8, 11.0, 15.4 and 1.0 % of 17 883 visits."""
    rows = clean.newest("access_events").filter(
        pl.col("visited_at").is_not_null(), pl.col("assessed_at").is_not_null()
    )
    days = [pl.col(c).str.slice(0, 10).str.to_date() for c in ("visited_at", "assessed_at")]
    waits = rows.select(wait=(days[0] - days[1]).dt.total_days())["wait"]
    assert (waits >= 0).all()
    bounds = ((0, 7), (8, 14), (15, 30), (31, 90), (91, 999))
    shares = [100 * mean(waits.is_between(*b)) for b in bounds]
    for share, published in zip(shares, (66.8, 5.8, 11.0, 15.4, 1.0), strict=True):
        assert abs(share - published) < 2.5


def test_a_wait_over_the_turn_of_a_month_comes_twice(clean: Made) -> None:
    versions = (
        clean.table("access_events")
        .sort("sequence")
        .group_by("access_event_id")
        .agg(first=pl.col("visited_at").first(), last=pl.col("visited_at").last(), many=pl.len())
    )
    twice = versions.filter(pl.col("many") >= 2)
    assert len(twice) > 1_000
    assert twice["first"].null_count() > 0.9 * len(twice)
    assert twice["last"].null_count() < 0.01 * len(twice)  # contacts corrected, never visited


def test_free_appointments_and_channels_tell_of_sites_alone(clean: Made) -> None:
    free = clean.newest("third_next_available")
    assert free["without_named_days"].cast(pl.Int64).is_between(0, 90).all()
    channels = clean.newest("contact_channels")
    counts = channels.select(pl.col("arrived_count", "answered_count").cast(pl.Int64))
    assert 0.7 < mean(counts["answered_count"]) / mean(counts["arrived_count"]) < 0.9
    for rows in (free, channels):
        assert "person_id" not in rows.columns


# Need and services.


def at_the_end(made: Made) -> pl.DataFrame:
    """Step of everybody who is on the ladder at the end of the window."""
    rows = made.newest("social_services").filter(
        pl.col("started_date").is_not_null(),
        pl.col("ended_date").is_null(),
        pl.col("client_group_code") == "elderly",
        pl.col("is_carer") == "0",
    )
    ranks = {step: rank for rank, step in enumerate(LADDER)}
    return rows.select("person_id", rank=pl.col("ladder_code").replace_strict(ranks))


def test_the_needier_stand_higher_on_the_ladder(clean: Made) -> None:
    need = pl.read_parquet(clean.folder / TRUE_NEED).rename({"identity_code": "person_id"})
    elderly = need.filter(pl.col("need_at_start") > -10)
    joined = elderly.join(at_the_end(clean), on="person_id", how="left").fill_null(0)
    ranks = joined.sort("need_at_start")["rank"].to_list()
    quarter = len(ranks) // 4
    means = [sum(ranks[i * quarter :][:quarter]) / quarter for i in range(4)]
    assert means == sorted(means)
    assert means[3] > 1 > means[1]


def test_true_risk_goes_with_later_services(clean: Made) -> None:
    risk = pl.read_parquet(clean.folder / "true_risk.parquet").rename(
        {"identity_code": "person_id"}
    )
    need = pl.read_parquet(clean.folder / TRUE_NEED).rename({"identity_code": "person_id"})
    elderly = risk.join(need.filter(pl.col("need_at_start") > -10), on="person_id")
    joined = elderly.join(at_the_end(clean), on="person_id", how="left").fill_null(0)
    correlation = joined.select(pl.corr("frailty", "rank", method="spearman")).item()
    assert correlation > 0.15


def test_carers_and_those_they_care_for_are_pairs(clean: Made) -> None:
    rows = clean.newest("social_services")
    carers = rows.filter(pl.col("is_carer") == "1")
    cared = rows.filter(pl.col("ladder_code") == "informal_care")["person_id"]
    assert len(carers) > 20
    assert mean(carers["cared_person_id"].is_in(cared.implode())) > 0.97
    assert carers["provider_id"].null_count() == len(carers)
    assert (carers["cared_person_id"] != carers["person_id"]).all()


def test_some_move_from_informal_care_to_housing(clean: Made) -> None:
    rows = clean.newest("social_services")
    ended = rows.filter(
        pl.col("ladder_code") == "informal_care", pl.col("ended_date").is_not_null()
    ).select("person_id", "ended_date")
    housing = rows.filter(pl.col("ladder_code").is_in(["housing_24h", "institution"]))
    moved = ended.join(housing.select("person_id", "started_date"), on="person_id").filter(
        pl.col("started_date") > pl.col("ended_date")
    )
    assert moved["person_id"].n_unique() > 3


def test_scores_rise_up_the_ladder(clean: Made) -> None:
    scores = clean.newest("need_assessments").with_columns(score=pl.col("score").cast(pl.Int64))
    means = scores.group_by("instrument_code", "scale_code").agg(pl.col("score").mean())
    for scale in ("MAPLe", "CPS", "ADLH", "IADL"):
        of_scale = means.filter(pl.col("scale_code") == scale)
        home, long_term = (
            of_scale.filter(pl.col("instrument_code") == i)["score"].item()
            for i in ("RAI-HC", "RAI-LTC")
        )
        assert home < long_term, scale
