"""What people say in the synthetic region: plausible against what they lived through, and counted.

Here: shares, keys and agreement across sources, and workbooks as Excel would save them. Not here:
that the manifest lists exactly the bad rows (`test_synthetic_region`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from openpyxl import load_workbook

from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import Catalogue, FileFormat
from dagster_project.settings import PROJECT_ROOT
from dagster_project.synthetic.months import window
from dagster_project.synthetic.opinions import quality_of_providers
from dagster_project.synthetic.parameters import load_parameters
from dagster_project.synthetic.region import TRUE_RISK, make_deliveries
from dagster_project.synthetic.tallies import Period, periods
from tests.support.landing_records import at, sheet_rows

HEALTH, FLAGS = "enrolment_portal/health_survey", "enrolment_portal/flags"
ACTIONS, ENROLMENTS = "enrolment_portal/corrective_actions", "enrolment_portal/enrolments"
REPORTED, EXPERIENCE = "surveys/patient_reported", "surveys/experience"
STAFF_SURVEY = "surveys/staff_survey"
INDICATORS, STAFF = "provider_scorecards/indicators", "provider_scorecards/staff"
RESIDENTS, MONTHS, START = 4_000, 10, 201705
CODE = r"\d{6}[-+A-Z]9\d{2}[0-9A-Z]"
"""An identity code of the range that no resident has."""


@dataclass(frozen=True)
class Made:
    """A region on disk."""

    folder: Path
    manifest: dict[str, Any]
    catalogue: Catalogue

    def files(self, key: str) -> list[Path]:
        return sorted((self.folder / "landing" / key).iterdir())

    def table(self, key: str) -> pl.DataFrame:
        """All versions of a table under the lake's names, with the sequence that brought each."""
        return pl.concat([self._read(key, file) for file in self.files(key)])

    def _read(self, key: str, file: Path) -> pl.DataFrame:
        contract = self.catalogue.latest(key)
        names = {c.source_name: c.name for c in contract.columns}
        if contract.dialect.format is FileFormat.CSV:
            rows = pl.read_csv(file, separator=";", infer_schema=False).rename(names)
        else:
            lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
            found = [{n: at(line, source) for source, n in names.items()} for line in lines]
            rows = pl.DataFrame(found, schema={c.name: pl.String for c in contract.columns})
        return rows.with_columns(sequence=pl.lit(int(file.stem.rpartition("_")[2])))

    def newest(self, key: str) -> pl.DataFrame:
        """The version in force of each row."""
        return self.table(key).unique(
            self.catalogue.latest(key).primary_key, keep="last", maintain_order=True
        )

    def scorecards(self, key: str) -> pl.DataFrame:
        """All rows of all workbooks, those sent last in force."""
        contract = self.catalogue.latest(key)
        frames = [
            pl.DataFrame(
                sheet_rows(file, contract),
                schema={c.name: pl.String for c in contract.columns},
            ).with_columns(sequence=pl.lit(int(file.stem[-7:])))
            for file in self.files(key)
        ]
        return pl.concat(frames)


def make(folder: Path, **arguments: Any) -> Made:
    make_deliveries(folder / "landing", manifest=folder / "manifest.json", **arguments)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Made(folder, manifest, load_catalogue(PROJECT_ROOT / "data_contracts"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Large enough for shares, without dirt: May 2017 to February 2018, two whole periods."""
    folder = tmp_path_factory.mktemp("clean")
    return make(folder, residents=RESIDENTS, months=MONTHS, start_month=START, with_dirt=False)


# Answers.


def test_forms_of_health_come_on_enrolment_and_every_three_months(clean: Made) -> None:
    forms = clean.newest(HEALTH).sort("person_id", "answered_at")
    first = forms.filter(pl.col("round_number") == "0")
    starts = clean.table(ENROLMENTS).filter(pl.col("service_code") == "reception")
    begun = starts.select("person_id", month=pl.col("start_date").str.slice(0, 7)).unique()
    met = first.with_columns(month=pl.col("answered_at").str.slice(0, 7))
    assert len(met.join(begun, on=["person_id", "month"], how="semi")) > 0.97 * len(first)
    months = pl.col("answered_at").str.slice(0, 4).cast(int) * 12 + pl.col("answered_at").str.slice(
        5, 2
    ).cast(int)
    passed = forms.with_columns(number=months).with_columns(
        since=pl.col("number") - pl.col("number").min().over("person_id"),
        rounds=pl.col("round_number").cast(int),
    )
    whole = passed.filter((pl.col("rounds").min() == 0).over("person_id"))
    on_time = (whole["since"] == 3 * whole["rounds"]).sum()
    assert on_time > 0.9 * len(whole)  # a new choice begins rounds anew
    assert len(whole) > 100


def test_the_frail_report_poorer_health(clean: Made) -> None:
    risk = pl.read_parquet(clean.folder / TRUE_RISK).rename({"identity_code": "person_id"})
    names = ("Global03", "Global06", "Global07")
    panel = clean.newest(REPORTED).filter(pl.col("instrument_code") == "PROMIS-10")
    wide = panel.pivot("item_code", index=["response_id", "person_id"], values="answer")
    forms = clean.newest(HEALTH).rename({n.lower(): n for n in names})
    both = pl.concat([frame.select("person_id", *names) for frame in (wide, forms)]).drop_nulls()
    joined = both.join(risk, on="person_id").with_columns(pl.col(names).cast(int))
    assert len(joined) > 200
    physical = joined.with_columns(physical=pl.col("Global03") + pl.col("Global06"))
    assert physical.select(pl.corr("physical", "frailty", method="spearman")).item() < -0.15
    assert joined.select(pl.corr("Global07", "frailty", method="spearman")).item() > 0.1


def test_an_answer_holds_each_item_of_its_instrument_once(clean: Made) -> None:
    counts = clean.newest(REPORTED).group_by("response_id", "instrument_code").len()
    due = {"PROMIS-10": 10, "WHODAS-12": 12, "WHOQOL-BREF": 26}
    assert {(i, n) for _, i, n in counts.rows()} == set(due.items())


def test_means_of_items_are_near_those_of_populations(clean: Made) -> None:
    rows = clean.newest(REPORTED).with_columns(pl.col("answer").cast(pl.Float64))
    means = dict(rows.group_by("item_code").agg(pl.col("answer").mean()).rows())
    assert 3.0 < means["Global01"] < 3.8
    assert 1.5 < means["Global07"] < 4.0
    # Clients of care for the elderly are worse off than the population (mean sum 2-4 of 48).
    assert 4 < sum(means[f"S{n}"] for n in range(1, 13)) < 30
    assert means["Q3"] < means["Q1"]  # it asks the other way round


def test_recommendations_come_near_published_scores(clean: Made) -> None:
    points = clean.newest(EXPERIENCE)["recommendation"].cast(int)
    score = 100 * float(((points >= 9).cast(int) - (points <= 6).cast(int)).to_numpy().mean())
    assert 40 < score < 80
    assert len(points) > 300


def test_providers_keep_their_quality_and_private_ones_are_liked_more() -> None:
    parameters = load_parameters()
    arguments = {"mean": {"public": 9.1, "private": 9.75}, "spread": 0.3, "word": 1}
    one, two = (quality_of_providers(5, parameters, **arguments) for _ in range(2))  # type: ignore[arg-type]
    assert one == two != quality_of_providers(6, parameters, **arguments)  # type: ignore[arg-type]
    of = {s: np.mean([v for p, v in one.items() if p[0] in s]) for s in ("MH", "Y")}
    assert of["Y"] > of["MH"]


# Flags and what is agreed on them.


def test_flags_on_access_follow_long_waits(clean: Made) -> None:
    events = clean.table("apotti/access_events").filter(pl.col("visited_at").is_not_null())
    days = [pl.col(c).str.slice(0, 10).str.to_date() for c in ("visited_at", "contacted_at")]
    waited = events.filter((days[0] - days[1]).dt.total_days() > 30)["person_id"].implode()
    flags = clean.table(FLAGS).filter(
        pl.col("flag_state_code") == "open", pl.col("person_id").is_not_null()
    )
    shares = {
        about: float(flags.filter(rule)["person_id"].is_in(waited).to_numpy().mean())
        for about, rule in (
            ("access", pl.col("topic_code") == "access"),
            ("other", pl.col("topic_code") != "access"),
        )
    }
    assert shares["access"] > 0.7
    assert shares["access"] > shares["other"] + 0.2
    assert 1.0 < len(flags) / RESIDENTS * 1000 / MONTHS < 6.0  # a thousand and month


def test_flags_of_providers_name_nobody_and_others_do(clean: Made) -> None:
    flags = clean.newest(FLAGS)
    nobody = flags.filter(pl.col("person_id").is_null())
    assert set(nobody["role_code"]) == {"provider"}
    roles = Counter(flags["role_code"])
    assert roles["client"] > roles["next_of_kin"] > roles["professional"] > 0


def test_a_flag_comes_once_in_a_file_and_again_when_it_is_handled(clean: Made) -> None:
    flags = clean.table(FLAGS)
    assert flags.select("flag_id", "sequence").is_duplicated().sum() == 0
    versions = flags.group_by("flag_id").agg(pl.col("flag_state_code").last(), pl.len())
    twice = versions.filter(pl.col("len") == 2)
    assert set(twice["flag_state_code"]) == {"handled"}
    assert 0.5 < len(twice) / len(versions) < 0.8


def test_actions_rest_on_flags_that_were_sent_or_on_indicators(clean: Made) -> None:
    actions = clean.table(ACTIONS)
    flagged = actions.filter(pl.col("flag_id").is_not_null())
    assert flagged["flag_id"].is_in(clean.table(FLAGS)["flag_id"].implode()).all()
    others = actions.filter(pl.col("flag_id").is_null())
    assert set(others["indicator_code"]) == {"nps"}
    meetings = [201706, 201708, 201710, 201712, 201802]
    assert sorted({s // 100 for s in actions["sequence"]}) == meetings
    followed = actions.filter(pl.col("action_state_code") != "agreed")
    assert followed["follow_up_code"].null_count() == 0
    assert len(followed) > 20


def test_codes_stand_only_in_the_words_that_the_manifest_lists(clean: Made) -> None:
    for key, text in ((FLAGS, "message_text"), (EXPERIENCE, "comment_text")):
        identifier = clean.catalogue.latest(key).primary_key[0]
        rows = clean.table(key)
        typed = rows.filter(pl.col(text).str.contains(CODE))[identifier]
        listed = {r["key"] for r in clean.manifest["codes_in_text"] if r["table"] == key}
        assert set(typed) == listed
        assert listed
        rest = rows.drop(text, "person_id", strict=False)
        assert not any(re.search(CODE, str(row)) for row in rest.rows())


def test_a_form_of_october_was_sent_in_while_the_hour_came_twice(clean: Made) -> None:
    (planted,) = clean.manifest["doubled_hour_answers"]
    rows = clean.table(HEALTH).filter(pl.col("answer_set_id") == planted["answer_set_id"])
    assert rows["answered_at"][0] == "2017-10-29T03:30:00"


# Staff and scorecards.


def test_periods_are_of_five_months_and_then_of_three() -> None:
    settings = load_parameters().scorecards
    found = periods(settings, window(201701, 18))
    assert [(p.first, p.last) for p in found] == [
        (201705, 201709),
        (201710, 201712),
        (201801, 201803),
        (201804, 201806),
    ]
    assert [p.sequence(4) for p in found] == [2017304, 2017404, 2018104, 2018204]
    assert periods(settings, window(201708, 5)) == (Period(2, 201710, 201712),)


def test_staff_answer_by_provider_and_group_and_the_scorecard_reports_their_mean(
    clean: Made,
) -> None:
    answers = clean.table(STAFF_SURVEY)
    assert set(answers["survey_date"]) == {"2017-09-30"}
    mean = answers.group_by("provider_id").agg(pl.col("answer").cast(pl.Float64).mean())
    reported = clean.scorecards(INDICATORS).filter(pl.col("indicator_code") == "staff_survey")
    scheduled = reported.filter(pl.col("period_end_date") == "2017-09-30")
    joined = scheduled.join(mean, on="provider_id")
    assert len(joined) == 17
    apart = joined["reported_value"].cast(pl.Float64) - joined["answer"]
    assert (apart.abs() < 0.006).all()
    others = reported.filter(pl.col("period_end_date") != "2017-09-30")
    assert set(others["indicator_state_code"]) == {"not_scheduled"}


def test_reported_figures_are_the_regions_save_those_planted(clean: Made) -> None:
    """Waits within 7 days, counted once more from what was delivered."""
    sites = clean.table("reference/sites").select("site_id", "provider_id").unique()
    events = clean.newest("apotti/access_events").filter(pl.col("visited_at").is_not_null())
    days = [pl.col(c).str.slice(0, 10).str.to_date() for c in ("visited_at", "contacted_at")]
    dated = events.join(sites, on="site_id").with_columns(
        soon=((days[0] - days[1]).dt.total_days() <= 7).cast(pl.Float64),
        visited=pl.col("visited_at").str.slice(0, 10),
    )
    planted = {
        (r["provider_id"], r["sequence"])
        for r in clean.manifest["scorecards"]["deviating"]
        if r["indicator_code"] == "access_7_days"
    }
    reported = clean.scorecards(INDICATORS).filter(pl.col("indicator_code") == "access_7_days")
    compared = Counter[bool]()
    for row in reported.drop_nulls("reported_value").iter_rows(named=True):
        own = dated.filter(
            pl.col("provider_id") == row["provider_id"],
            pl.col("visited").is_between(
                pl.lit(row["period_start_date"]), pl.lit(row["period_end_date"])
            ),
        )
        is_planted = (row["provider_id"], row["sequence"]) in planted
        apart = abs(float(row["reported_value"]) - 100 * float(own["soon"].to_numpy().mean()))
        assert (apart > 5) if is_planted else (apart < 1.5), row["provider_id"]
        compared[is_planted] += 1
    assert compared[False] > 20
    assert compared[True] == 2


def test_who_withholds_sends_late_or_corrects_is_listed(clean: Made) -> None:
    listed, rows = clean.manifest["scorecards"], clean.scorecards(INDICATORS)
    assert set(listed) >= {"deviating", "withheld", "corrected", "overdue", "unreliable", "late"}
    (withheld,) = listed["withheld"]
    held = rows.filter(pl.col("sequence") == withheld["sequence"])
    assert withheld["indicator_code"] not in set(held["indicator_code"])
    (late,) = listed["late"]
    assert late["sequence"] not in set(rows["sequence"])
    (corrected,) = listed["corrected"]
    both = rows.filter(
        pl.col("provider_id") == corrected["provider_id"],
        pl.col("indicator_code") == corrected["indicator_code"],
        pl.col("period_end_date") == "2017-09-30",
    ).sort("sequence")
    wrong, right = (Decimal(v) for v in both["reported_value"])
    assert wrong > right * Decimal("1.5")
    overdue = {(r["provider_id"], r["late_days"]) for r in listed["overdue"]}
    assert overdue == {("M753", 47)}


def test_staff_at_the_end_of_a_period_begin_the_next(clean: Made) -> None:
    rows = clean.scorecards(STAFF).sort("period_end_date")
    keyed = {
        (p, g, e): (int(s), int(t))
        for p, g, e, s, t in rows.select(
            "provider_id",
            "profession_group_code",
            "period_end_date",
            "start_staff_count",
            "end_staff_count",
        ).rows()
    }
    following = [
        (end, keyed[p, g, "2017-12-31"][0])
        for (p, g, e), (_, end) in keyed.items()
        if e == "2017-09-30" and (p, g, "2017-12-31") in keyed
    ]
    assert len(following) > 50
    assert all(end == start for end, start in following)


def test_the_same_workbook_lies_in_both_folders(clean: Made) -> None:
    for one, other in zip(clean.files(INDICATORS), clean.files(STAFF), strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()


def test_workbooks_hold_formulas_with_the_values_that_they_come_to(clean: Made) -> None:
    data = clean.files(INDICATORS)[0].read_bytes()
    formulas = load_workbook(BytesIO(data))
    values = load_workbook(BytesIO(data), data_only=True)
    sheet, shown = formulas["Indikaattorit"], values["Indikaattorit"]
    compared = 0
    for row in range(10, sheet.max_row + 1):
        text, value = sheet[f"G{row}"].value, shown[f"G{row}"].value
        if text is None:
            continue
        factor = 100 if "*100" in str(text) else 1
        counted = shown[f"E{row}"].value / shown[f"F{row}"].value * factor
        assert str(text).startswith("=ROUND(")
        assert value == pytest.approx(counted, abs=0.0051)
        assert sheet[f"C{row}"].value == "=$B$3"
        assert shown[f"C{row}"].value == datetime(2017, 5, 1)
        compared += 1
    assert compared > 8
    assert values["Henkilöstö"]["B2"].value == "M106"
    assert formulas["Henkilöstö"]["B2"].value == "=Indikaattorit!B2"
    assert values.properties.modified == datetime.combine(
        shown["B5"].value.date(),
        datetime(2017, 1, 1, 12).time(),
    )


def test_bad_cells_are_listed_and_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (
        make(tmp_path / name, residents=1_000, months=5, start_month=START) for name in "ab"
    )
    for key in (HEALTH, FLAGS, ACTIONS, REPORTED, EXPERIENCE, STAFF_SURVEY, INDICATORS, STAFF):
        pairs = list(zip(one.files(key), two.files(key), strict=True))
        assert pairs
        assert all(a.read_bytes() == b.read_bytes() for a, b in pairs), key
    listed = {
        (r["file"].rpartition("_")[2], r["rule_id"])
        for r in one.manifest["dirty_rows"]
        if r["file"].startswith(INDICATORS)
    }
    assert listed == {
        ("2017307.xlsx", "reported_numerator.type"),
        ("2017307.xlsx", "row.measured_has_value"),
        ("2017308.xlsx", "period_start_date.type"),
    }
