"""Client guidance in the synthetic region: who is asked what, who consents, what is plausible.

Here: shares, dates and references among the files. Not here: that the manifest lists exactly the
bad rows (`test_synthetic_region`), what core makes of it (`tests/spec`).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import Catalogue
from dagster_project.settings import PROJECT_ROOT
from dagster_project.synthetic.guidance_forms import ASSESSMENT, DAILY_LIFE, Forms
from dagster_project.synthetic.guidance_study import Members
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import NEVER, Month, window
from dagster_project.synthetic.parameters import load_parameters
from dagster_project.synthetic.region import make_deliveries

CODE = re.compile(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]")
FORMS = {
    "worker_assessment": "assessed_date",
    "daily_life_impact": "answered_date",
    "budget_experience": "answered_date",
}
PERSONAL = ("contacts", "study_enrolment", "outcomes", *FORMS)
RESIDENTS, MONTHS = 20_000, 18


@dataclass(frozen=True)
class Made:
    """A region on disk."""

    folder: Path
    manifest: dict[str, Any]
    catalogue: Catalogue

    def table(self, key: str) -> pl.DataFrame:
        """All versions of a table under the lake's names, with the month that brought each."""
        contract = self.catalogue.latest(key)
        names = {c.source_name: c.name for c in contract.columns}
        separator = contract.dialect.delimiter
        return pl.concat(
            [
                pl.read_csv(file, separator=separator, infer_schema=False)
                .rename(names, strict=False)
                .with_columns(sequence=pl.lit(int(file.stem.rpartition("_")[2])))
                for file in sorted((self.folder / "landing" / key).iterdir())
            ],
            how="diagonal",
        )

    def sent(self, name: str) -> pl.DataFrame:
        """All versions of a table of guidance."""
        return self.table(f"guidance/{name}")

    def newest(self, name: str) -> pl.DataFrame:
        """The version in force of each row."""
        key = self.catalogue.latest(f"guidance/{name}").primary_key
        return self.sent(name).sort("updated_at", "sequence").unique(key, keep="last")


def make(folder: Path, **arguments: Any) -> Made:
    make_deliveries(folder / "landing", manifest=folder / "manifest.json", **arguments)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Made(folder, manifest, load_catalogue(PROJECT_ROOT / "data_contracts"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Large enough for shares, without dirt."""
    folder = tmp_path_factory.mktemp("clean")
    return make(folder, residents=RESIDENTS, months=MONTHS, with_dirt=False)


def study(made: Made) -> pl.DataFrame:
    """Members of the study as last known, dates as dates."""
    days = pl.col("enrolled_date", "left_date", "consent_given_date", "consent_withdrawn_date")
    return made.newest("study_enrolment").with_columns(days.str.to_date())


def answers(made: Made, form: str) -> pl.DataFrame:
    """A form's rows with the cohort, group and consent of who it is about."""
    rows = made.newest(form).with_columns(day=pl.col(FORMS[form]).str.to_date())
    return rows.join(study(made), on="person_id", how="inner", suffix="_of_study").filter(
        pl.col("day") >= pl.col("enrolled_date"),
        pl.col("left_date").is_null() | (pl.col("day") < pl.col("left_date")),
    )


@pytest.mark.parametrize("form", list(FORMS))
def test_every_answer_is_of_a_member_whose_consent_is_in_force(clean: Made, form: str) -> None:
    of_members = answers(clean, form)
    assert len(of_members) == len(clean.newest(form)) > 15
    assert (of_members["day"] >= of_members["consent_given_date"]).all()
    withdrawn = of_members.filter(pl.col("consent_withdrawn_date").is_not_null())
    assert (withdrawn["day"] < withdrawn["consent_withdrawn_date"]).all()


def test_each_form_is_asked_of_those_whom_table_5_names(clean: Made) -> None:
    asked = {form: answers(clean, form) for form in FORMS}
    cohorts = {form: set(rows["cohort_code"]) for form, rows in asked.items()}
    assert cohorts == {
        "worker_assessment": {"budget"},
        "daily_life_impact": {"budget", "control"},
        "budget_experience": {"budget"},
    }
    groups = {form: set(rows["budget_group_code"]) for form, rows in asked.items()}
    assert groups["daily_life_impact"] == {"4", "5", "6"}
    assert groups["worker_assessment"] == set("123456")
    assert groups["budget_experience"] <= set("123456")


def test_waves_come_when_they_are_due(clean: Made) -> None:
    months = {"start": 0, "month_3": 3, "month_6": 6, "month_12": 12}
    for form in FORMS:
        rows = answers(clean, form).with_columns(
            due=pl.col("wave_code").replace_strict(months) * 30.4375,
            since=(pl.col("day") - pl.col("enrolled_date")).dt.total_days(),
        )
        assert (rows["since"] - rows["due"]).is_between(-1, 21).all(), form
    assert "start" not in set(clean.newest("budget_experience")["wave_code"])


def test_some_withdraw_and_nothing_is_asked_of_them_any_more(clean: Made) -> None:
    members = study(clean)
    withdrawn = members.filter(pl.col("consent_withdrawn_date").is_not_null())
    assert {"budget", "control"} <= set(withdrawn["cohort_code"])
    assert (withdrawn["consent_withdrawn_date"] > withdrawn["consent_given_date"]).all()
    trial = members.filter(pl.col("cohort_code") != "guidance_only")
    assert trial["consent_given_date"].null_count() == 0
    others = members.filter(pl.col("cohort_code") == "guidance_only")
    unconsented = others["consent_given_date"].null_count() / len(others)
    assert 0.3 < unconsented < 0.6


def test_clients_and_controls_are_as_many_and_of_the_same_groups(clean: Made) -> None:
    """As the plan says of the six and the three municipalities; the extension begins in 2019."""
    counts = study(clean).group_by("cohort_code", "budget_group_code").len()
    by_group = {(c, g): n for c, g, n in counts.iter_rows()}
    for group in "123456":
        assert by_group["budget", group] == by_group["control", group] >= 2


def test_who_gets_a_budget_leaves_the_cohort_of_guidance_alone(clean: Made) -> None:
    members = study(clean).sort("person_id", "enrolled_date")
    following = members.with_columns(
        next_start=pl.col("enrolled_date").shift(-1).over("person_id")
    ).filter(pl.col("next_start").is_not_null())
    assert (following["left_date"] <= following["next_start"]).all()


def test_contacts_are_with_members_or_with_those_whom_a_list_named(clean: Made) -> None:
    contacts = clean.newest("contacts")
    acted = clean.newest("outcomes").filter(pl.col("is_acted_on") == "1")
    known = pl.concat([study(clean)["person_id"], acted["person_id"]])
    changed = {c["previous_code"]: c["code"] for c in clean.manifest["code_changes"]}
    people, met = (s.replace(changed) for s in (known, contacts["person_id"]))
    assert met.is_in(people.implode()).all()
    referred = contacts.filter(pl.col("has_third_sector_referral") == "1")
    assert 0.05 < len(referred) / len(contacts) < 0.15


def test_guides_work_in_one_municipality(clean: Made) -> None:
    """So a guide's code is a place, hidden under a protection order."""
    rows = clean.newest("contacts").join(study(clean), on="person_id", how="inner")
    homes = rows.group_by("guide_code").agg(
        most=pl.col("municipality_code").value_counts(sort=True).first().struct.field("count"),
        all=pl.len(),
    )
    assert int(homes["most"].sum()) / int(homes["all"].sum()) > 0.9


def test_guides_report_their_time_for_the_pilot_month_alone(clean: Made) -> None:
    rows = clean.newest("worker_time")
    assert set(rows["worked_date"].str.slice(0, 7)) == {"2017-05"}
    assert set(clean.sent("worker_time")["sequence"]) == {20170531, 20170630}
    minutes = rows.group_by("guide_code", "worked_date").agg(
        pl.col("worked_minutes").cast(pl.Int64).sum()
    )
    assert 415 < float(minutes["worked_minutes"].to_numpy().mean()) < 455  # a day of 7 h 15 min


def test_outcomes_come_after_their_list_and_settle(clean: Made) -> None:
    rows = clean.newest("outcomes")
    listed = rows["delivery_code"].str.slice(3, 6)
    settled = rows.filter(pl.col("outcome_date").is_not_null())
    assert (rows["updated_at"].str.slice(0, 7).str.replace("-", "") >= listed).all()
    assert 0.8 < len(settled) / len(rows) < 1.0
    twice = clean.sent("outcomes").group_by("outcome_id").len().filter(pl.col("len") > 1)
    assert len(twice) > 100
    born_before_1945 = rows["person_id"].str.slice(4, 2).cast(pl.Int64) < 45
    assert len(rows.filter(born_before_1945)) > len(rows) / 2


def test_codes_typed_into_texts_are_listed_and_stand_in_no_other_column(clean: Made) -> None:
    rows = clean.sent("budget_experience")
    listed = {str(row["answer_id"]) for row in clean.manifest["codes_in_texts"]}
    found = {
        row["answer_id"]
        for row in rows.iter_rows(named=True)
        if CODE.search(row["free_text"] or "")
    }
    assert found == listed != set()
    silent = rows.filter(pl.col("free_text").is_null())
    assert silent["sentiment_code"].null_count() == silent["text_language_code"].null_count()
    assert silent["sentiment_code"].null_count() == len(silent) < len(rows)


@dataclass
class Recorder:
    """Takes what forms send, by table."""

    rows: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    manifest: Manifest = field(default_factory=lambda: Manifest(region={}))

    def hold_back(self, key: str, month: Month, rows: pl.DataFrame, share: float) -> pl.DataFrame:
        return rows

    def correct(self, key: str, month: Month, rows: pl.DataFrame) -> None:
        """Nothing is corrected."""

    def send(self, key: str, month: Month, rows: pl.DataFrame) -> list[pl.DataFrame]:
        self.rows[key].append(rows)
        return self.rows[key]


def test_the_effect_that_the_study_is_to_find_is_there() -> None:
    """Over many members: a budget changes daily life by more, and guides see less need."""
    size, months = 6_000, window(201701, 14)
    number = np.arange(size)
    never = np.full(size, NEVER)
    rng = np.random.default_rng(1)
    members = Members(
        person=number,
        cohort=number % 2,
        group=3 + number % 3,
        place=number * 0,
        start=np.full(size, months[0].first),
        consent=number * 0,
        withdrawn=never,
        client=number,
        trait=rng.normal(size=size),
    )
    study: Any = SimpleNamespace(members=members, asked=lambda member, day: member >= 0)
    people: Any = SimpleNamespace(frailty=np.ones(size), language=number * 0)
    settings = load_parameters().guidance
    forms = Forms(rng, people, settings, study, first_id=1, is_first_chunk=False)
    sender: Any = Recorder()
    codes = pl.Series([f"{n}" for n in range(size)])
    hidden = np.zeros(size, dtype=np.bool_)
    for month in months:
        persons: Any = SimpleNamespace(month=month, codes=codes, hidden=hidden)
        forms.deliver(sender, persons, codes)
    daily = means(pl.concat(sender.rows[DAILY_LIFE]), "home_score")
    assert abs(daily["budget", "start"] - daily["control", "start"]) < 0.1
    assert daily["budget", "month_12"] - daily["control", "month_12"] > 0.3
    need = means(pl.concat(sender.rows[ASSESSMENT]), "score")
    assert need["budget", "start"] - need["budget", "month_12"] > 0.25
    assert ("control", "start") not in need


def means(rows: pl.DataFrame, score: str) -> dict[tuple[str, str], float]:
    """Mean score by cohort (persons are even and odd numbers) and wave."""
    cohort = pl.when(pl.col("person_id").cast(pl.Int64) % 2 == 0).then(pl.lit("budget"))
    found = (
        rows.with_columns(cohort=cohort.otherwise(pl.lit("control")))
        .group_by("cohort", "wave_code")
        .agg(pl.col(score).cast(pl.Float64).mean())
    )
    return {(cohort, wave): mean for cohort, wave, mean in found.iter_rows()}


@pytest.mark.parametrize("name", PERSONAL)
def test_a_row_comes_once_at_most_in_a_file(clean: Made, name: str) -> None:
    own = [*clean.catalogue.latest(f"guidance/{name}").primary_key, "sequence"]
    assert clean.sent(name).select(own).is_duplicated().sum() == 0


def test_a_month_without_a_row_has_a_file_with_the_header_alone(clean: Made) -> None:
    files = clean.manifest["files"]
    for name in PERSONAL:
        months = [f for f in files if f.startswith(f"guidance/{name}/")]
        assert len(months) == MONTHS, name
    assert files["guidance/budget_experience/budget_experience_201701.csv"] == 0


def test_versions_of_a_members_row_follow_one_another(clean: Made) -> None:
    """No later file brings a version saved before the one that an earlier file brought."""
    rows = clean.sent("study_enrolment").sort("study_enrolment_id", "sequence")
    saved = rows.with_columns(prior=pl.col("updated_at").shift().over("study_enrolment_id"))
    again = saved.filter(pl.col("prior").is_not_null())
    assert len(again) > 20
    assert (again["prior"] < again["updated_at"]).all()
