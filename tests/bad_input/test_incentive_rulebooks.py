"""Indicators and incentive schemes that are wrong: each fault is told by file, line or row.

Here: the files that are in force, one fault each. Not here: what sound ones pay.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dagster_project import pipeline
from dagster_project.errors import BuildError, ContractError
from dagster_project.indicator_file import read_indicator
from dagster_project.indicators import check_unfit, load_indicators, weights_of
from dagster_project.rulebook import ROOT, load_rulebooks
from dagster_project.rules.incentive_scheme import SchemeVersion, check_achievements, read_schemes

Edit = Callable[[str], str]
NAME = "hba1c_in_balance"
SOUND = (pipeline.SQL / "indicator" / f"{NAME}.yaml").read_text("utf-8")


def swap(old: str, new: str) -> Edit:
    """Replace text that occurs in the file, the first time it does."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


OF_INDICATORS: dict[str, tuple[Edit, str]] = {
    "no YAML": (lambda _: "a: [", r"hba1c_in_balance\.yaml is no YAML"),
    "a list": (lambda _: "[1, 2]", r"holds no rulebook or indicator"),
    "a key twice": (lambda t: t + "aim: staff\n", r"two entries for aim"),
    "an unknown key": (lambda t: t + "flor: 3\n", r"yaml, line \d+, flor: is unknown"),
    "no source": (
        lambda t: t[: t.rindex("source: >-")],
        r"hba1c_in_balance\.yaml, line 1, source: is missing or empty; add it",
    ),
    "another id": (swap(f"id: {NAME}", "id: other"), r"line 1, id: is 'other'; it is the file's"),
    "an unknown aim": (swap("effectiveness", "wealth"), r", aim: 'wealth' is unknown; it is"),
    "an unknown unit": (swap("unit: pct", "unit: bananas"), r", unit: 'bananas' is unknown"),
    "a language short": (swap("  sv:", "  de:"), r", names: says \['en', 'fi', 'sv'\]"),
    "an interval of another unit": (swap("wilson", "byar"), r", interval: of unit pct is wilson"),
    "a floor above its target": (
        swap('floor: "50"', 'floor: "80"'),
        r", scale: of 2017-05-01: direction up means floor < target <= ceiling",
    ),
    "a direction against its scale": (
        swap("direction: up", "direction: down"),
        r"direction down means floor > target >= ceiling",
    ),
    "a number without quotes": (swap('floor: "50"', "floor: 50"), r"50 is no number in quotes"),
    "too many decimals": (swap('"50"', '"50.00001"'), r"of four decimals at most"),
    "not a number": (swap('"50"', '"NaN"'), r"scale: 'NaN' is no number"),
    "a scale without a source": (
        lambda t: t[: t.index("    source: >-", t.index("scale:"))]
        + t[t.index("source: >-\n  Current") :],
        r", scale: an entry of 2017-05-01 says \['ceiling', 'floor', 'source', 'target'\]",
    ),
    "months that are none": (swap("[3, 6, 9, 12]", "[3, 13]"), r"calendar: end_months is a list"),
    "a day that is none": (swap("from: 2017-05-01", "from: soon"), r"calendar: 'soon' is no date"),
    "a minimum of nought": (swap('"30"', '"0"'), r"minimum_denominator: is above nought"),
    "days that are none": (swap("due_days: 15", "due_days: -1"), r"due_days: -1 is no whole"),
    "no deliveries": (
        swap("deliveries: [apotti/measurements, apotti/diagnoses]\n", ""),
        r", deliveries: name the monthly tables",
    ),
    "a delivery without its source": (
        swap("apotti/measurements", "measurements"),
        r"deliveries: are named <source>/<table>",
    ),
    "a provider's without its code": (
        lambda t: swap("reporter: lake", "reporter: provider")(
            swap("deliveries: [apotti/measurements, apotti/diagnoses]\n", "")(t)
        ),
        r"declared_as: names the code in the provider's workbook",
    ),
    "a code in the provider's workbook of what the lake counts": (
        lambda t: t + f"declared_as: {NAME}\n",
        r"yaml, line \d+, declared_as: names the code .* where providers report alone",
    ),
    "lake or provider without the lake's deliveries": (
        lambda t: swap("reporter: lake", "reporter: lake_or_provider")(
            swap("deliveries: [apotti/measurements, apotti/diagnoses]\n", "")(t)
        ),
        r", deliveries: name the monthly tables",
    ),
    "a goal that ends before it begins": (
        lambda t: t + 'goal: {value: "60", from: 2018-02-01, to: 2018-01-01, source: x}\n',
        r", goal: ends before it begins",
    ),
    "a baseline without its source": (
        lambda t: t + 'baseline: {value: "60", from: 2018-02-01, to: 2018-03-01}\n',
        r", baseline: says \['from', 'source', 'to', 'value'\]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", OF_INDICATORS)
def test_a_wrong_indicator_is_told_by_file_line_and_key(fault: str) -> None:
    edit, told = OF_INDICATORS[fault]
    with pytest.raises(ContractError, match=told):
        read_indicator(edit(SOUND), NAME)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of one's own with one indicator beside the installation's."""
    (tmp_path / "indicator").mkdir()
    for ending in ("yaml", "sql"):
        text = (pipeline.SQL / "indicator" / f"{NAME}.{ending}").read_text("utf-8")
        (tmp_path / "indicator" / f"own.{ending}").write_text(
            text.replace(f"id: {NAME}", "id: own")
        )
    return tmp_path


@pytest.mark.parametrize(
    ("missing", "told"), [("yaml", "no YAML says"), ("sql", "lacks its query")]
)
def test_an_indicator_is_two_files(own: Path, missing: str, told: str) -> None:
    (own / "indicator" / f"own.{missing}").unlink()
    with pytest.raises(ContractError, match=told):
        load_indicators(pipeline.SQL, beside=own)


def test_an_indicator_of_the_installation_is_not_replaced(own: Path) -> None:
    shutil.copy(pipeline.SQL / "indicator" / f"{NAME}.yaml", own / "indicator")
    shutil.copy(pipeline.SQL / "indicator" / f"{NAME}.sql", own / "indicator")
    with pytest.raises(ContractError, match=f"an indicator {NAME} already"):
        load_indicators(pipeline.SQL, beside=own)


OF_QUERIES: dict[str, tuple[str, Edit, str]] = {
    "other columns": (
        "sql",
        swap("    in_balance_count as numerator,\n", ""),
        r"own\.sql: gives .*; it gives \('provider_id', 'period_start_date', 'numerator'",
    ),
    "a model that the query does not read": (
        "yaml",
        swap("model: core.treatment_balance", "model: core.encounter"),
        r"own\.yaml: names model core\.encounter, which its query does not read",
    ),
    "a table that does not come every month": (
        "yaml",
        swap("apotti/measurements", "surveys/staff_survey"),
        r"own\.yaml, deliveries: surveys/staff_survey is no table that comes every month",
    ),
    "a reporter that no row tells": (
        "yaml",
        lambda t: swap("reporter: lake", "reporter: lake_or_provider")(t) + "declared_as: own\n",
        r"own\.sql: gives .*; it gives \(.*'denominator', 'reporter_code'\)",
    ),
}


UNFIT_ROW = '{indicator_id: nps, provider_id: Y001, from_date: "2018-01-01", to_date: "2018-03-31"}'


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (swap("indicator_id: nps", "indicator_id: mps"), r"row 1 \(mps, .*no such indicator"),
        (swap("2018-03-31", "2017-12-31"), r"row 1 .*ends before it begins"),
    ],
)
def test_a_figure_wrongly_called_unfit_is_told_by_row(
    tmp_path: Path, edit: Edit, told: str
) -> None:
    known = load_indicators(pipeline.SQL)
    path = tmp_path / "unfit_figure.yaml"
    text = (ROOT / path.name).read_text("utf-8")
    sound = text[: text.index("      - {")] + f"      - {UNFIT_ROW}\n"
    path.write_text(sound, encoding="utf-8")
    check_unfit(known, load_rulebooks(tmp_path))
    path.write_text(edit(sound), encoding="utf-8")
    with pytest.raises(ContractError, match=rf"unfit_figure\.yaml, 2017-05-01, {told}"):
        check_unfit(known, load_rulebooks(tmp_path))


def test_an_indicator_is_no_other_tables_namesake(own: Path) -> None:
    for ending in ("yaml", "sql"):
        path = own / "indicator" / f"own.{ending}"
        path.rename(path.with_stem("encounter")).write_text(
            path.with_stem("encounter").read_text("utf-8").replace("id: own", "id: encounter")
        )
    with pytest.raises(ContractError, match=r"encounter\.yaml: another model has that name"):
        pipeline._loaded.__wrapped__(pipeline.CONTRACTS, None, own)


@pytest.mark.parametrize("fault", OF_QUERIES)
def test_a_query_and_its_yaml_say_the_same(own: Path, fault: str) -> None:
    ending, edit, told = OF_QUERIES[fault]
    path = own / "indicator" / f"own.{ending}"
    path.write_text(edit(path.read_text("utf-8")))
    with pytest.raises((ContractError, BuildError), match=told):
        pipeline._loaded.__wrapped__(pipeline.CONTRACTS, None, own)


def read(scheme: Edit = str, weights: dict[str, Edit] | None = None) -> tuple[SchemeVersion, ...]:
    """Schemes of the files in force, some of them edited; `own` is an indicator of one's own."""
    with TemporaryDirectory() as folder:
        text = (ROOT / "incentive_scheme.yaml").read_text("utf-8")
        Path(folder, "incentive_scheme.yaml").write_text(scheme(text), encoding="utf-8")
        books = load_rulebooks(Path(folder))
    known = {i.indicator_id: i for i in load_indicators(pipeline.SQL)}
    for name, edit in (weights or {}).items():
        text = (pipeline.SQL / "indicator" / f"{name if name in known else NAME}.yaml").read_text()
        one = read_indicator(edit(text).replace(f"id: {NAME}", f"id: {name}"), name)
        known[name] = replace(one, is_own=name not in known)
    return read_schemes(books, weights_of(tuple(known.values())))


def test_the_schemes_in_force_are_sound() -> None:
    found = read()
    assert [v.service_code for v in found] == ["dental", "reception"]
    assert all(sum(v.weights.values()) == 1 for v in found)


def test_ones_own_indicator_takes_its_weight_from_the_others_in_proportion() -> None:
    later = swap("weight:\n  2017-05-01:\n    reception: \"0.12\"",
                 "weight:\n  2018-04-01:\n    reception: \"0.05\"")  # fmt: skip
    before, after = (v for v in read(weights={"own": later}) if v.service_code == "reception")
    assert (before.valid_from_date, after.valid_from_date) == (date(2017, 5, 1), date(2018, 4, 1))
    assert after.terms == before.terms
    assert "own" not in before.weights
    assert after.weights["own"] == Decimal("0.05")
    assert after.weights[NAME] == Decimal("0.114")
    assert sum(after.weights.values()) == 1


def test_a_weight_holds_until_the_next_one() -> None:
    weigh = {
        NAME: swap("weight:\n", 'weight:\n  2018-01-01: {reception: "0.10", source: x}\n'),
        "bp_in_balance": swap(
            "weight:\n", 'weight:\n  2018-01-01: {reception: "0.12", source: x}\n'
        ),
    }
    dental, before, after = read(weights=weigh)
    assert dental.service_code == "dental"
    assert (before.weights[NAME], after.weights[NAME]) == (Decimal("0.12"), Decimal("0.10"))
    assert after.weights["nps"] == before.weights["nps"]


OF_SCHEMES: dict[str, tuple[Edit, dict[str, Edit], str]] = {
    "weights that do not sum to 1": (
        str,
        {NAME: swap('reception: "0.12"', 'reception: "0.13"')},
        r"scheme\.yaml, 2017-05-01, row 1 .*: from 2017-05-01 on weights of its indicators in"
        r" sql/indicator/\*\.yaml sum to 1\.01; correct them, so that they sum to 1",
    ),
    "one's own that leave nothing": (
        str,
        {"own": swap('reception: "0.12"', 'reception: "1"')},
        r"weights of its own indicators .* sum to 1; correct them, so that they sum to below 1",
    ),
    "an indicator of another service": (
        str,
        {"ldl_in_target": swap("weight:\n  2017-05-01:\n    reception", "weight:\n  2017-05-01:\n"
                               "    dental")},
        r"ldl_in_target\.yaml, weight, 2017-05-01: ldl_in_target is not of service dental",
    ),
    "a weight below nought": (
        str,
        {NAME: swap('reception: "0.12"', 'reception: "-0.12"')},
        r"hba1c_in_balance\.yaml, weight, 2017-05-01: a weight is a share from 0 to 1",
    ),
    "a weight that is no number": (
        str,
        {NAME: swap('reception: "0.12"', "reception: 0.12")},
        r"yaml, line \d+, weight: 0\.12 is no number in quotes",
    ),
    "a weight without its source": (
        str,
        {NAME: lambda t: t[: t.index("weight:\n")] + 'weight: {2017-05-01: {reception: "0.12"}}\n'
            + t[t.index("scale:\n") :]},
        r"yaml, line \d+, weight: an entry of 2017-05-01 says its source, and a weight for each",
    ),
    "a weight of no scheme": (
        str,
        {"nps": swap('dental: "0.30"', 'teeth: "0.30"')},
        r"nps\.yaml, weight, 2017-05-01: no scheme teeth is in force on that day",
    ),
    "a weight of the day before its scheme": (
        str,
        {NAME: swap("weight:\n  2017-05-01", "weight:\n  2017-04-30")},
        r"weight, 2017-04-30: no scheme reception is in force on that day",
    ),
    "two schemes in force on one day": (
        swap("service_code: dental", "service_code: reception"),
        {},
        r"row 2 .*reception is in force for reception from that day too; a service has one scheme",
    ),
    "a neutral score at the end": (
        swap('neutral_score: "0.5"', 'neutral_score: "1"'),
        {},
        r"row 1 .*neutral_score lies between 0 and 1",
    ),
    "more than all as a bonus": (
        swap('bonus_share: "0.05"', 'bonus_share: "5"'),
        {},
        r"row 1 .*bonus_share is a share from 0 to 1",
    ),
    "a truth that is none": (
        swap('is_budget_neutral: "false"', 'is_budget_neutral: "maybe"'),
        {},
        r"row 1 .*is_budget_neutral is true or false",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", OF_SCHEMES)
def test_a_wrong_scheme_is_told_by_file_day_and_row(fault: str) -> None:
    scheme, weights, told = OF_SCHEMES[fault]
    with pytest.raises(ContractError, match=told):
        read(scheme, weights)


def test_a_missing_rulebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"incentive_scheme\.yaml is missing"):
        read_schemes(load_rulebooks(tmp_path), ())


@pytest.mark.parametrize(
    ("indicator", "target", "told"),
    [
        ("t3_days", "0.9", r"row 1: t3_days is no indicator that is a share; name one"),
        ("nobody", "0.9", r"row 1: nobody is no indicator that is a share"),
        ("care_plan", "0.5", r"row 1: floor_share and target_share are one; leave room"),
        ("care_plan", "90", r"row 1: target_share is a share from 0 to 1; correct it"),
    ],
)
def test_a_wrong_payment_by_achievement_is_told_by_row(
    tmp_path: Path, indicator: str, target: str, told: str
) -> None:
    row = (
        f'{{indicator_id: {indicator}, floor_share: "0.5", target_share: "{target}",'
        ' point_count: "100", point_eur: "201.16"}'
    )
    path = tmp_path / "achievement_payment.yaml"
    text = (ROOT / path.name).read_text("utf-8")
    path.write_text(text.replace("rows: []", f"rows: [{row}]"), encoding="utf-8")
    units = {one.indicator_id: one.unit for one in load_indicators(pipeline.SQL)}
    with pytest.raises(ContractError, match=rf"achievement_payment\.yaml, 2017-05-01, {told}"):
        check_achievements(load_rulebooks(tmp_path), units)
