"""Scorecards of providers and surveys of their staff, once the whole region is known.

Here: staff, rounds of the staff survey, and the workbook of each provider and period, with those
that are planted to be wrong. Not here: what is counted (`tallies`), how a workbook becomes bytes
(`workbook_files`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import polars as pl
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from dagster_project.synthetic.draws import some
from dagster_project.synthetic.months import EPOCH, Month
from dagster_project.synthetic.opinions import quality_of_providers
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.tallies import Period, Tallies
from dagster_project.synthetic.workbook_files import Formula, Value, workbook_bytes

STAFF_SURVEY = "surveys/staff_survey"
INDICATORS, STAFF = "provider_scorecards/indicators", "provider_scorecards/staff"
INDICATOR_SHEET, STAFF_SHEET = "Indikaattorit", "Henkilöstö"
_FIRST_ROW = 10
"""First row below the header, which stands in rows 8 and 9."""
_PER_CENT = ("pct", "points")
Cell = Value | Formula
_BAD: Mapping[str, Cell] = {"text": "ks. liite", "number": 42_856}
"""What is typed where a number, and where a date, is due."""


@dataclass(frozen=True)
class Result:
    """An indicator of one provider and period as its workbook has it."""

    code: str
    numerator: int | None
    denominator: int | None
    state: str = "measured"


@dataclass(frozen=True)
class Group:
    """A profession group of one provider in one period."""

    code: str
    start: int
    started: int
    left: int

    @property
    def end(self) -> int:
        """Head count on the last day."""
        return self.start + self.started - self.left


@dataclass
class _Sheet:
    """A table of a workbook while it is filled: its cells, and its formulas by cell."""

    page: Worksheet
    formulas: dict[str, Formula] = field(default_factory=dict)

    def put(self, cell: str, value: Cell) -> None:
        """Set a cell."""
        if isinstance(value, Formula):
            self.formulas[cell] = value
        stated = value.value if isinstance(value, Formula) else value
        place = self.page[cell]
        place.value = value.text if isinstance(value, Formula) else value
        if isinstance(stated, date):
            place.number_format = "d.m.yyyy"

    def put_row(self, number: int, cells: Sequence[Cell]) -> None:
        """Set a row from column A on."""
        for letter, value in zip("ABCDEFGHIJ", cells, strict=False):
            if value is not None:
                self.put(f"{letter}{number}", value)


class Scorecards:
    """What providers report of themselves over a window."""

    def __init__(self, sender: Sender, parameters: Parameters, tallies: Tallies) -> None:
        self._sender, self._rng, self._tallies = sender, sender.rng, tallies
        self._parameters = parameters
        self._settings: Section = parameters.scorecards
        self._staff: dict[tuple[str, int], list[Group]] = {}
        """By provider and number of the period."""
        seed = sender.manifest.region["seed"]
        survey = self._settings["staff_survey"]
        self._mood = quality_of_providers(
            seed, parameters, mean=survey["mean"], spread=survey["spread"], word=2
        )

    def deliver(self) -> None:
        """Send the rounds of the staff survey and all workbooks."""
        heads = {p: self._heads(p) for p in self._settings["senders"]}
        self._live(heads)
        self._survey(heads)
        self._report()

    # Staff.

    def _sites(self, provider: str, until: date | None = None) -> list[Sequence[Any]]:
        """A provider's sites by their first row, of those open by a day."""
        rows = {row[0]: row for row in reversed(self._parameters.sites["sites"])}
        return [r for r in rows.values() if r[2] == provider and (not until or r[6] <= until)]

    def _heads(self, provider: str) -> dict[str, int]:
        """Head count by profession group, in full strength."""
        settings, found = self._settings["staff"], dict[str, int]()
        stray = float(np.exp(settings["spread"] * self._rng.normal()))
        for site in self._sites(provider):
            for group, count in settings.get(site[3], {}).items():
                found[group] = found.get(group, 0) + max(1, round(count * stray))
        return found

    def _live(self, heads: Mapping[str, Mapping[str, int]]) -> None:
        """Let staff begin and leave, period by period."""
        rng, settings = self._rng, self._settings["staff"]
        for provider, groups in heads.items():
            sector = self._parameters.sites["providers"][provider]["sector"]
            present = dict(groups)
            for period in self._tallies.periods:
                share = settings["leaves_a_year"][sector] * _month_count(period) / 12
                grows = settings["grows_a_year"] * _month_count(period) / 12
                rows = [
                    Group(
                        code,
                        count,
                        int(rng.poisson(count * (share + grows))),
                        int(rng.binomial(count, share)),
                    )
                    for code, count in present.items()
                ]
                present = {g.code: g.end for g in rows}
                self._staff[provider, period.number] = rows
                held = self._tallies.counts[provider, period.number, "staff_turnover"]
                held[0] += sum(g.left for g in rows)
                held[1] += sum(g.start for g in rows)

    def _survey(self, heads: Mapping[str, Mapping[str, int]]) -> None:
        """Send each round."""
        for month in self._sender.months:
            if month.number in self._settings["staff_survey"]["months"]:
                day = EPOCH + timedelta(days=month.last)
                found = (
                    self._answers(provider, groups, month, day)
                    for provider, groups in heads.items()
                    if self._sites(provider, day)
                )
                named = replace(month, sequence=int(f"{day:%Y%m%d}"))
                self._sender.send(STAFF_SURVEY, named, pl.concat(found))

    def _answers(
        self, provider: str, groups: Mapping[str, int], month: Month, day: date
    ) -> pl.DataFrame:
        """A provider's answers, a row for each statement; the scorecard reports their mean."""
        rng, settings = self._rng, self._settings["staff_survey"]
        counts = rng.binomial(list(groups.values()), settings["answered"])
        group = np.repeat(list(groups), counts)
        own = 0.4 * rng.normal(size=len(group))
        frames = []
        for item, above in settings["items"].items():
            level = self._mood[provider] + above + own
            stray = settings["noise"] * rng.normal(size=len(group))
            answer = np.clip(np.rint(level + stray), 1, 5).astype(np.int64)
            passed = some(rng, settings["passed_over"], size=len(group))
            self._add_mood(provider, month, answer[~passed])
            text = pl.Series(answer).cast(pl.String).set(pl.Series(passed), None)
            frames.append(
                pl.DataFrame(
                    {
                        "provider_id": [provider] * len(group),
                        "survey_date": pl.Series([f"{day}"]).new_from_index(0, len(group)),
                        "respondent_number": pl.Series(1 + np.arange(len(group))).cast(pl.String),
                        "item_code": [item] * len(group),
                        "profession_group_code": pl.Series(group, dtype=pl.String),
                        "answer": text,
                    },
                    schema_overrides={"provider_id": pl.String, "item_code": pl.String},
                )
            )
        return pl.concat(frames)

    def _add_mood(self, provider: str, month: Month, answers: np.ndarray[Any, Any]) -> None:
        for period in self._tallies.periods:
            if period.first <= month.sequence <= period.last:
                held = self._tallies.counts[provider, period.number, "staff_survey"]
                held[0] += int(answers.sum())
                held[1] += len(answers)

    # Workbooks.

    def _report(self) -> None:
        self._add_own()
        for period in self._tallies.periods:
            start, _ = _days(period)
            for provider, sender in self._settings["senders"].items():
                if self._sites(provider, start):
                    self._send(provider, sender, period)

    def _add_own(self) -> None:
        """What only the provider counts: care plans, and calls and messages of private ones."""
        rng, plan = self._rng, self._settings["care_plan"]
        providers = self._parameters.sites["providers"]
        for provider in self._settings["senders"]:
            share = float(np.clip(rng.normal(plan["share"], plan["spread"]), 0.05, 0.95))
            shares = {"care_plan": (plan["clients"], share)}
            if providers[provider]["sector"] == "private":
                shares |= {"calls_answered": (900, 0.91), "messages_in_2_days": (250, 0.88)}
            for period in self._tallies.periods:
                for indicator, (clients, mean) in shares.items():
                    size = clients * len(self._sites(provider, _days(period)[0]))
                    held = self._tallies.counts[provider, period.number, indicator]
                    held[1] += size
                    held[0] += int(rng.binomial(size, mean))

    def _planted(self, kind: str, provider: str, **others: str | int) -> list[Section]:
        """What is planted of a kind for a provider."""
        return [
            p
            for p in self._settings[kind]
            if p["provider"] == provider and all(p.get(k, v) == v for k, v in others.items())
        ]

    def _note(self, kind: str, provider: str, period: Period, **others: str | int) -> None:
        sequence = period.sequence(self._settings["senders"][provider])
        planted = {"provider_id": provider, "sequence": sequence, **others}
        self._sender.manifest.scorecards.setdefault(kind, []).append(planted)

    def _send(self, provider: str, sender: int, period: Period) -> None:
        """Send a provider's workbook of a period, unless it comes with the next one."""
        if self._planted("late", provider, period=period.number):
            self._note("late", provider, period)
            return
        results: list[tuple[Period, Result]] = [
            (period, r) for r in self._results(provider, period)
        ]
        groups = [(period, g) for g in self._staff[provider, period.number]]
        before = next((p for p in self._tallies.periods if p.number == period.number - 1), None)
        if before and self._planted("late", provider, period=before.number):
            results += [(before, r) for r in self._results(provider, before)]
            groups += [(before, g) for g in self._staff[provider, before.number]]
        if before:
            results += [(before, r) for r in self._righted(provider, before)]
        data, bad = self._workbook(provider, period, results, groups)
        sequence = period.sequence(sender)
        name = f"scorecard_{sequence}.xlsx"
        deliveries = self._sender.deliveries
        deliveries.put(INDICATORS, name, data, record_count=len(results))
        deliveries.put(STAFF, name, data, record_count=len(groups))
        for record, rules in bad:
            self._sender.manifest.dirty_rows.extend(
                {"file": f"{INDICATORS}/{name}", "record_number": record, "rule_id": rule}
                for rule in rules
            )

    def _righted(self, provider: str, before: Period) -> list[Result]:
        """Figures of the period before that were wrong when they were sent."""
        found = []
        for planted in self._planted("corrected", provider, period=before.number):
            found.append(self._counted(provider, before, planted["indicator"]))
            self._note("corrected", provider, before, indicator_code=planted["indicator"])
        return found

    def _results(self, provider: str, period: Period) -> list[Result]:
        """All that a workbook reports, withheld indicators left out."""
        services = {site[3] for site in self._sites(provider)}
        found = []
        for code, indicator in self._settings["indicators"].items():
            withheld = self._planted("withheld", provider, indicator=code)
            if any(period.number >= w["from_period"] for w in withheld):
                self._note("withheld", provider, period, indicator_code=code)
            elif services & set(indicator["services"]):
                found.append(self._altered(provider, period, self._counted(provider, period, code)))
        return found

    def _counted(self, provider: str, period: Period, code: str) -> Result:
        """An indicator as it was counted."""
        numerator, denominator = self._tallies.counts[provider, period.number, code]
        if denominator:
            return Result(code, numerator, denominator)
        if code == "staff_survey":
            return Result(code, None, None, "not_scheduled")
        return Result(code, None, None, "no_cases")

    def _altered(self, provider: str, period: Period, result: Result) -> Result:
        """The same as the provider reports it."""
        if result.numerator is None or result.denominator is None:
            return result
        if self._planted("unreliable", provider, indicator=result.code):
            self._note("unreliable", provider, period, indicator_code=result.code)
            return replace(result, state="unreliable")
        deviating = [
            d
            for d in self._planted("deviating", provider, indicator=result.code)
            if period.number >= d["from_period"]
        ]
        wrong = self._planted("corrected", provider, indicator=result.code, period=period.number)
        for planted in (*deviating, *wrong):
            numerator = round(result.numerator * planted["factor"])
            result = replace(result, numerator=numerator)
        if deviating:
            self._note("deviating", provider, period, indicator_code=result.code)
        return result

    def _workbook(
        self,
        provider: str,
        period: Period,
        results: Sequence[tuple[Period, Result]],
        groups: Sequence[tuple[Period, Group]],
    ) -> tuple[bytes, list[tuple[int, list[str]]]]:
        """A workbook's bytes, and its bad rows: record number and the rules broken."""
        book = Workbook()
        guide = book.worksheets[0]
        guide.title = "Ohje"
        guide["A1"] = "Täytä keltaiset solut. Kaavoja ei muuteta."
        first, second = (
            _Sheet(book.create_sheet(title)) for title in (INDICATOR_SHEET, STAFF_SHEET)
        )
        prepared = self._prepared(provider, period)
        _repeat_head(second, first, self._head(first, provider, period, prepared))
        _header(first, ["A8:B8", "C8:D8", "E8:G8"], _INDICATOR_HEADER)
        _header(second, ["B8:C8", "D8:G8"], _STAFF_HEADER)
        bad = self._fill(first, provider, period, results)
        for number, (own, group) in enumerate(groups, start=_FIRST_ROW):
            second.put_row(number, _group_row(number, own, group, is_own=own == period))
        values = {INDICATOR_SHEET: first.formulas, STAFF_SHEET: second.formulas}
        return workbook_bytes(book, values, saved=datetime.combine(prepared, time(12))), bad

    def _prepared(self, provider: str, period: Period) -> date:
        low, high = self._settings["prepared_days"]
        days = int(self._rng.integers(low, high + 1))
        for planted in self._planted("overdue", provider, period=period.number):
            days = planted["days"]
            self._note("overdue", provider, period, late_days=days)
        return _days(period)[1] + timedelta(days=days)

    def _head(
        self, sheet: _Sheet, provider: str, period: Period, prepared: date
    ) -> list[str | date]:
        """Write what is stated above the table, and return it."""
        names: Sequence[str] = self._settings["names"]
        first, last = _days(period)
        stated: tuple[tuple[str, str | date], ...] = (
            ("Tuottajan tunnus", provider),
            ("Kausi alkaa", first),
            ("Kausi päättyy", last),
            ("Laadittu", prepared),
            ("Laatija", names[int(self._rng.integers(0, len(names)))]),
        )
        sheet.put("A1", "Palveluntuottajan tuloskortti")
        sheet.page.merge_cells("A1:G1")
        for number, (label, value) in enumerate(stated, start=2):
            sheet.put_row(number, (label, value))
        return [value for _, value in stated]

    def _fill(
        self,
        sheet: _Sheet,
        provider: str,
        period: Period,
        results: Sequence[tuple[Period, Result]],
    ) -> list[tuple[int, list[str]]]:
        """The rows of indicators; bad cells are planted among those of the workbook's period."""
        bad = []
        notes: Sequence[str | None] = self._settings["notes"]
        planted = self._planted("bad_cells", provider, period=period.number)
        for number, (own, result) in enumerate(results, start=_FIRST_ROW):
            indicator = self._settings["indicators"][result.code]
            note = notes[int(self._rng.integers(0, len(notes)))]
            cells = _result_row(number, own, result, indicator, is_own=own == period)
            for fault in planted:
                if own == period and fault["indicator"] == result.code:
                    cells, rules = _spoiled(cells, fault)
                    bad.append((number - _FIRST_ROW + 1, rules))
            sheet.put_row(number, (*cells, note))
        return bad


_INDICATOR_HEADER = (
    ("Indikaattori", None, "Kausi", None, "Toteuma", None, None, "Yksikkö", "Tila", "Huomautus"),
    ("Tunnus", "Nimi", "Alkaa", "Päättyy", "Osoittaja", "Nimittäjä", "Arvo", None, None, None),
)
_STAFF_HEADER = (
    ("Ammattiryhmä", "Kausi", None, "Henkilöstö", None, None, None, "Vaihtuvuus %"),
    (None, "Alkaa", "Päättyy", "Alussa", "Aloittaneet", "Lähteneet", "Lopussa", None),
)


def _header(
    sheet: _Sheet, wide: Sequence[str], rows: tuple[Sequence[str | None], Sequence[str | None]]
) -> None:
    """Two rows of headings; what has no second heading reaches over both."""
    sheet.put_row(8, rows[0])
    sheet.put_row(9, rows[1])
    for letter, below in zip("ABCDEFGHIJ", rows[1], strict=False):
        if below is None:
            sheet.page.merge_cells(f"{letter}8:{letter}9")
    for cells in wide:
        sheet.page.merge_cells(cells)


def _repeat_head(sheet: _Sheet, first: _Sheet, head: Sequence[str | date]) -> None:
    """The head of another sheet by formulas."""
    sheet.put("A1", "Palveluntuottajan tuloskortti: henkilöstö")
    for number, stated in enumerate(head, start=2):
        sheet.put(f"A{number}", str(first.page[f"A{number}"].value))
        sheet.put(f"B{number}", Formula(f"={INDICATOR_SHEET}!B{number}", stated))


def _month_count(period: Period) -> int:
    return (
        (period.last // 100 - period.first // 100) * 12
        + period.last % 100
        - (period.first % 100)
        + 1
    )


def _days(period: Period) -> tuple[date, date]:
    """First and last day."""
    year, month = divmod(period.last, 100)
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(period.first // 100, period.first % 100, 1), following - timedelta(days=1)


def _period_cells(period: Period, *, is_own: bool) -> tuple[Cell, Cell]:
    """The workbook's own period by formula; another one typed in."""
    first, last = _days(period)
    return (Formula("=$B$3", first), Formula("=$B$4", last)) if is_own else (first, last)


def _result_row(
    number: int, period: Period, result: Result, indicator: Section, *, is_own: bool
) -> tuple[Cell, ...]:
    start = (result.code, indicator["name"], *_period_cells(period, is_own=is_own))
    end = (indicator["unit"], result.state)
    if result.numerator is None or result.denominator is None:
        return (*start, None, None, None, *end)
    factor = 100 if indicator["unit"] in _PER_CENT else 1
    exact = Decimal(result.numerator) / result.denominator * factor
    value = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    times = f"*{factor}" if factor > 1 else ""
    formula = Formula(f"=ROUND(E{number}/F{number}{times},2)", value)
    return (*start, result.numerator, result.denominator, formula, *end)


def _group_row(number: int, period: Period, group: Group, *, is_own: bool) -> tuple[Cell, ...]:
    end = Formula(f"=D{number}+E{number}-F{number}", group.end)
    counts = (group.start, group.started, group.left, end)
    turnover: Cell = None
    if group.start:
        share = (Decimal(100 * group.left) / group.start).quantize(Decimal("0.01"), ROUND_HALF_UP)
        turnover = Formula(f"=ROUND(100*F{number}/D{number},2)", share)
    return (group.code, *_period_cells(period, is_own=is_own), *counts, turnover)


def _spoiled(cells: tuple[Cell, ...], fault: Section) -> tuple[tuple[Cell, ...], list[str]]:
    """A row with a cell of the wrong type, and the rules that it breaks; its formula is typed over.

    Excel would show an error in a formula over a text, and a sheet with errors is refused whole.
    """
    places = {"period_start_date": 2, "reported_numerator": 4}
    value = cells[6]
    typed = value.value if isinstance(value, Formula) else value
    row = [*cells[:6], typed, *cells[7:]]
    row[places[fault["column"]]] = _BAD[fault["kind"]]
    rules = [f"{fault['column']}.type"]
    if fault["kind"] == "text":
        rules.append("row.measured_has_value")
    return tuple(row), rules
