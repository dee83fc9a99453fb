"""The general ledger and its cost centres: what the tally of all chunks cost, voucher by voucher.

Here: cost centres with their dated keys, monthly euros by centre, vouchers, errors and reversals,
by `finance.yaml`. Not here: what happened (`finance.Tally`), how rows reach their files
(`sending`). All euros are whole cents once a centre's month is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from dagster_project.synthetic.care import PSYCHIATRY
from dagster_project.synthetic.contacts import ContactModel
from dagster_project.synthetic.draws import Floats, Ints, date_text, some, time_text
from dagster_project.synthetic.finance import DATE, TIME, Tally, cents_text, rules_by_kind
from dagster_project.synthetic.invoices import Invoiced
from dagster_project.synthetic.months import NEVER, SECONDS_A_DAY, Month, day_number
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.sending import Sender

LEDGER, CENTRES = "finance/general_ledger", "finance/cost_centre_map"
WHOLE = 1_000_000
_NUMBERS_A_MONTH, _NUMBERS_APART = 1_000_000, 300_000
"""Voucher numbers of a month: the vouchers', those posted again, those that take them back."""
_OPENED = day_number(date(2010, 1, 1))
_HOUR = 3600
Keys = Mapping[str, int]
"""Millionths by service class."""


@dataclass(frozen=True)
class Centre:
    """A cost centre over a span of days in which its keys are the same."""

    code: str
    name: str
    keys: Keys
    accounts: str
    site_id: str | None = None
    is_overhead: bool = False
    first: int = _OPENED
    end: int = NEVER

    def until(self, day: int) -> Centre:
        """The same, ended on a day."""
        return replace(self, end=day)


def deliver_ledger(sender: Sender, model: ContactModel, tally: Tally, invoiced: Invoiced) -> None:
    """Write the cost centres and the ledger of the whole window; `invoiced` is the hospital's."""
    plan = Plan(model.parameters, sender.months)
    plan.deliver(sender)
    euros = _monthly_euros(sender.rng, model, tally, plan)
    Ledger(sender, model.parameters, tally, plan, invoiced=invoiced).deliver(euros)


class Plan:
    """All spans of all cost centres; two turns in the window open, close and re-key some."""

    def __init__(self, parameters: Parameters, months: Sequence[Month]) -> None:
        self._settings: Section = parameters.finance
        self._parameters = parameters
        self._turn = day_number(self._settings["service_classes"]["turn"])
        self._shares = {r[0]: r[3] for r in self._settings["service_classes"]["package"]}
        count = len(months)
        self.merged_at = months[count // 2].first if count > 1 else NEVER
        """When one municipality's centres of primary care become one."""
        self.rekeyed_at = months[2 * count // 3].first if count > 2 else NEVER
        """When the administration's keys change."""
        self._months = months
        self.month_starts: Ints = np.array([m.first for m in months])
        self.spans = tuple(
            part for span in self._packages() for part in self._in_classes_of_the_time(span)
        )

    def sites(self, service: str) -> list[tuple[str, str, str]]:
        """Public sites of a service, each once: id, name, municipality."""
        public = {
            p for p, row in self._parameters.sites["providers"].items() if row["sector"] == "public"
        }
        rows = {
            r[0]: r for r in self._parameters.sites["sites"] if r[2] in public and r[3] == service
        }
        return [(r[0], r[1], r[4]) for r in rows.values()]

    def code(self, group: str, position: int = 0) -> str:
        """Code of the centre of a group by its position: of a site, of a municipality."""
        return f"{self._settings['centres'][group]['code'] + position:04d}"

    def _packages(self) -> Iterator[Centre]:
        """Spans under the service packages."""
        centres = self._settings["centres"]
        for service, package in (("reception", "P01"), ("dental", "P02"), ("emergency", "P10")):
            for n, (site, name, _) in enumerate(self.sites(service)):
                title = f"{centres[service]['name']}, {name}"
                centre = Centre(self.code(service, n), title, {package: WHOLE}, "own", site)
                yield from self._merging(centre, service, n)
        for package in ("P03", "P05", "P04", "P08", "P09"):
            accounts = "housing" if package == "P09" else "own"
            for n, row in enumerate(self._parameters.population["municipalities"]):
                name = f"{centres[package]['name']}, {row['name']}"
                centre = Centre(self.code(package, n), name, {package: WHOLE}, accounts)
                yield from self._merging(centre, package, n)
        for group, row in centres.items():
            if group.isdigit():
                yield Centre(self.code(group), row["name"], row["keys"], row["accounts"])
        merged = centres["merged"]
        if self.merged_at < NEVER:
            yield Centre(
                self.code("merged"), merged["name"], merged["keys"], "own", first=self.merged_at
            )
        for row in self._settings["overheads"]:
            yield from self._overhead(row)

    def _merging(self, centre: Centre, group: str, position: int) -> Iterator[Centre]:
        merges = (group, position) in self.merging
        yield centre.until(self.merged_at) if merges else centre

    @property
    def merging(self) -> frozenset[tuple[str, int]]:
        """Groups and positions whose centres close when the merged one opens."""
        place = self._settings["centres"]["merged"]["municipality"]
        here = self._parameters.area.index(place)
        sites = [n for n, row in enumerate(self.sites("reception")) if row[2] == place]
        return frozenset({("P03", here), ("P05", here), *(("reception", n) for n in sites)})

    def _overhead(self, row: Section) -> Iterator[Centre]:
        centre = Centre(row["code"], row["name"], row["keys"], row["accounts"], is_overhead=True)
        if "later" not in row or self.rekeyed_at >= NEVER:
            yield centre
            return
        yield centre.until(self.rekeyed_at)
        yield replace(centre, keys=row["later"], first=self.rekeyed_at)

    def _in_classes_of_the_time(self, span: Centre) -> Iterator[Centre]:
        """The span under the packages up to their end, then under the classes that follow."""
        if span.first < self._turn:
            yield span.until(min(span.end, self._turn))
        if span.end > self._turn and self._months[-1].last >= self._turn:
            later = restated_keys(span.keys, self._shares)
            yield replace(span, keys=later, first=max(span.first, self._turn))

    def stated(self, package: str, month: Month) -> str:
        """The class that a voucher of the month states for a package that maps to one class."""
        return package if month.first < self._turn else next(iter(self._shares[package]))

    def deliver(self, sender: Sender) -> None:
        """Write the list as of the first day and of every change in the window."""
        first, last = sender.months[0].first, sender.months[-1].last
        changes = {s.first for s in self.spans} | {s.end for s in self.spans}
        for day in sorted({first, *(d for d in changes if first < d <= last)}):
            sender.deliveries.append(CENTRES, _yyyymmdd(day), self.rows(day))

    def rows(self, day: int) -> pl.DataFrame:
        """The list as known on a day: spans begun by then, ends known by then."""
        known = [(s, c, k) for s in self.spans if s.first <= day for c, k in s.keys.items()]
        ends = np.array([s.end if s.end <= day else NEVER for s, _, _ in known])
        return pl.DataFrame(
            {
                "cost_centre_code": [s.code for s, _, _ in known],
                "cost_centre_name": [s.name for s, _, _ in known],
                "site_id": pl.Series([s.site_id for s, _, _ in known], dtype=pl.String),
                "service_class_code": [c for _, c, _ in known],
                "share": [f"{k // WHOLE},{k % WHOLE:06d}" for _, _, k in known],
                "is_overhead": ["1" if s.is_overhead else "0" for s, _, _ in known],
                "valid_from_date": date_text(np.array([s.first for s, _, _ in known]), DATE),
                "valid_to_date": date_text(ends, DATE),
            }
        )


def restated_keys(keys: Keys, shares: Mapping[str, Keys]) -> dict[str, int]:
    """Keys over the classes that follow; what rounding leaves goes to the last class."""
    found: dict[str, int] = {}
    for package, part in keys.items():
        for name, thousandths in shares[package].items():
            found[name] = found.get(name, 0) + part * thousandths // 1000
    found[list(found)[-1]] += WHOLE - sum(found.values())
    return found


def _yyyymmdd(day: int) -> int:
    return int(str(date_text(np.array([day]), "%Y%m%d")[0]))


def _monthly_euros(
    rng: np.random.Generator, model: ContactModel, tally: Tally, plan: Plan
) -> dict[str, Floats]:
    """Euros by centre and month, overheads last."""
    settings: Section = model.parameters.finance
    direct = _direct(model, tally, plan)
    for code, a_year in settings["without_events"].items():
        direct[code] = tally.residents.sum(axis=1) * a_year / 12
    even = {code: _evened(euros, settings["fixed_share"]) for code, euros in direct.items()}
    even = _merged(even, plan, tally)
    months = len(tally.residents)
    own = np.sum(list(even.values()), axis=0)
    for row in settings["overheads"]:
        even[row["code"]] = own * row["share"]
    stray = settings["stray"]
    return {code: euros * np.exp(stray * rng.normal(size=months)) for code, euros in even.items()}


def _direct(model: ContactModel, tally: Tally, plan: Plan) -> dict[str, Floats]:
    """What the contacts and services of each month cost, by centre.

    Visits at sites of others are paid by capitation.
    """
    months, parameters = len(tally.residents), model.parameters
    found: dict[str, Floats] = {}

    def add(code: str, euros: Floats) -> None:
        found[code] = found.get(code, np.zeros(months)) + euros

    rules: list[Mapping[str, object]] = parameters.finance["contacts"]
    number = {site: n for n, site in enumerate(parameters.site_ids)}
    for kind, rule in enumerate(rules_by_kind(model, rules)):
        package, euros = str(rules[rule]["class"]), float(str(rules[rule]["eur"]))
        seen = (tally.visits[:, kind, :] * euros).astype(np.float64)
        group = {"P01": "reception", "P02": "dental", "P10": "emergency"}.get(package)
        if group is None:
            for place, sites in enumerate(_sites_of_places(parameters)):
                add(plan.code(package, place), seen[:, sites].sum(axis=1))
        else:
            for n, (site, _, _) in enumerate(plan.sites(group)):
                add(plan.code(group, n), seen[:, number[site]])
    for row in parameters.finance["social"]:
        unit = ("day", "hour").index(row["unit"])
        units = tally.units[row["group"], row["service"]][:, :, unit] * row["eur"]
        if row["class"] in ("P06", "P07"):
            add("8000" if row["class"] == "P06" else "8100", units.sum(axis=1))
            continue
        for place in range(units.shape[1]):
            add(plan.code(row["class"], place), units[:, place])
    return found


def _sites_of_places(parameters: Parameters) -> list[list[int]]:
    """Site numbers by place of the area; a site outside it counts to the first."""
    found: list[list[int]] = [[] for _ in parameters.area]
    municipality = {row[0]: row[4] for row in parameters.sites["sites"]}
    for n, site in enumerate(parameters.site_ids):
        code = municipality[site]
        found[parameters.area.index(code) if code in parameters.area else 0].append(n)
    return found


def _evened(euros: Floats, fixed_share: float) -> Floats:
    """A part of the cost is the same every month, whatever is done."""
    evened: Floats = (1 - fixed_share) * euros + fixed_share * euros.mean()
    return evened


def _merged(euros: dict[str, Floats], plan: Plan, tally: Tally) -> dict[str, Floats]:
    """Costs of the centres that close go on in the one that opens."""
    starts = plan.month_starts
    closed = starts >= plan.merged_at
    found = dict(euros)
    if not closed.any():
        return found
    total = np.zeros(len(tally.residents))
    for group, position in sorted(plan.merging):
        code = plan.code(group, position)
        total += np.where(closed, found[code], 0.0)
        found[code] = np.where(closed, 0.0, found[code])
    found[plan.code("merged")] = total
    return found


class Ledger:
    """Vouchers of the whole window, month by month."""

    def __init__(
        self,
        sender: Sender,
        parameters: Parameters,
        tally: Tally,
        plan: Plan,
        *,
        invoiced: Invoiced,
    ) -> None:
        self._sender = sender
        self._invoiced = invoiced
        self._settings: Section = parameters.finance
        self._parameters = parameters
        self._tally = tally
        self._plan = plan
        self._accounts = {s.code: s.accounts for s in plan.spans}

    def deliver(self, euros: Mapping[str, Floats]) -> None:
        """Write every month's increment."""
        for month in self._sender.months:
            growth = (1 + self._settings["price_growth_a_year"]) ** (month.year - 2017)
            lines = [*self._own(euros, month, growth), *self._bought(month, growth)]
            self._send(month, _Lines.of(month, lines))

    def _own(self, euros: Mapping[str, Floats], month: Month, growth: float) -> Iterator[_Voucher]:
        """A voucher a centre, its lines by account."""
        firms = self._settings["housing_counterparties"]
        for n, (code, by_month) in enumerate(euros.items()):
            total = round(100 * growth * by_month[month.index])
            kind = self._accounts[code]
            shares = self._settings["accounts"][kind]
            parts = _split(total, list(shares.values()))
            for account, cents in zip(shares, parts, strict=True):
                firm = firms[n % len(firms)] if kind == "housing" and account == "4300" else None
                yield _Voucher(code, account, None, firm, cents)

    def _bought(self, month: Month, growth: float) -> Iterator[_Voucher]:
        """What the hospital invoiced, and capitation to the providers that clients chose."""
        hospital = self._settings["hospital_counterparty"]
        for (index, _, speciality), cents in sorted(self._invoiced.cents.items(), key=str):
            if index == month.index:
                group = "8500" if speciality in PSYCHIATRY else "8400"
                yield _Voucher(self._plan.code(group), "4300", None, hospital, cents)
        service = {row[0]: row[3] for row in self._parameters.sites["sites"]}
        clients: dict[tuple[str, str], int] = {}
        for n, site in enumerate(self._parameters.site_ids):
            key = (self._parameters.site_providers[n], service[site])
            clients[key] = clients.get(key, 0) + int(self._tally.enrolled[month.index, n])
        for (provider, kind), count in clients.items():
            if count:
                rule = self._settings["capitation"][kind]
                stated = self._plan.stated(rule["class"], month)
                cents = round(100 * growth * rule["eur"]) * count
                yield _Voucher(self._plan.code("8600"), "4340", stated, provider, cents)

    def _send(self, month: Month, lines: _Lines) -> None:
        sender, rng, settings = self._sender, self._sender.rng, self._settings
        rows = lines.rows(rng, month)
        number = rows["voucher_number"]
        vouchers = number.unique(maintain_order=True)
        later = sender.months[month.index + 1] if month.index + 1 < len(sender.months) else None
        if later is not None:
            late = vouchers.filter(some(rng, settings["late_voucher_share"], size=len(vouchers)))
            rows = self._with_late(rows, late, later)
            double = vouchers.filter(
                some(rng, settings["double_voucher_share"], size=len(vouchers))
            )
            rows = self._with_doubles(rows, double, month, later)
        chosen = rows.filter(some(rng, settings["corrected_share"], size=len(rows)))
        sender.correct(LEDGER, month, chosen.with_columns(counterparty_code=pl.lit("Y999")))
        sender.send(LEDGER, month, rows)

    def _with_late(self, rows: pl.DataFrame, late: pl.Series, later: Month) -> pl.DataFrame:
        """Vouchers of the month that are posted in the next one; they keep their ledger month."""
        is_late = rows["voucher_number"].is_in(late.implode())
        held = _posted(self._sender.rng, rows.filter(is_late), later)
        self._later(held, later)
        keys = held["voucher_number"].to_list()
        self._sender.manifest.count("late_arrivals", LEDGER, sequence=later.sequence, keys=keys)
        return rows.filter(~is_late)

    def _with_doubles(
        self, rows: pl.DataFrame, double: pl.Series, month: Month, later: Month
    ) -> pl.DataFrame:
        """Vouchers posted twice; the second is reversed a month later, in its own month or then."""
        wrong = rows.filter(rows["voucher_number"].is_in(double.implode()))
        copies = wrong.with_columns(voucher_number=_numbered(wrong, _NUMBERS_APART))
        back = _posted(self._sender.rng, _reversed(copies, _NUMBERS_APART), later)
        in_later = back["voucher_number"].cast(pl.Int64) % 2 == 0
        begun = date_text(np.array([later.first]), DATE)[0]
        month_text = pl.when(in_later).then(pl.lit(begun)).otherwise(pl.col("ledger_month"))
        self._later(back.with_columns(ledger_month=month_text), later)
        planted = zip(
            copies["voucher_number"].unique(maintain_order=True),
            back["voucher_number"].unique(maintain_order=True),
            strict=True,
        )
        self._sender.manifest.reversed_vouchers.extend(
            {
                "voucher_number": a,
                "sequence": month.sequence,
                "reversed_by": b,
                "reversal_sequence": later.sequence,
            }
            for a, b in planted
        )
        return pl.concat([rows, copies])

    def _later(self, rows: pl.DataFrame, later: Month) -> None:
        self._sender.send_later(LEDGER, np.full(len(rows), later.index), rows)


@dataclass(frozen=True)
class _Voucher:
    """One line to be posted; lines of a centre in a month are one voucher."""

    centre: str
    account: str
    stated: str | None
    counterparty: str | None
    cents: int


@dataclass(frozen=True)
class _Lines:
    """A month's lines with their numbers."""

    month: Month
    lines: tuple[_Voucher, ...]
    numbers: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, month: Month, lines: Sequence[_Voucher]) -> _Lines:
        """Lines that move money; vouchers are numbered by centre within the month."""
        moving = tuple(line for line in lines if line.cents)
        codes = list(dict.fromkeys(line.centre for line in moving))
        count: dict[str, int] = {}
        numbers = []
        for line in moving:
            count[line.centre] = count.get(line.centre, 0) + 1
            number = month.sequence * _NUMBERS_A_MONTH + 1 + codes.index(line.centre)
            numbers.append((number, count[line.centre]))
        return cls(month, moving, tuple(numbers))

    def rows(self, rng: np.random.Generator, month: Month) -> pl.DataFrame:
        """The contract's columns as text."""
        size = len(self.lines)
        frame = pl.DataFrame(
            {
                "voucher_number": [str(number) for number, _ in self.numbers],
                "line_number": [str(line) for _, line in self.numbers],
                "ledger_month": date_text(np.full(size, month.first), DATE),
                "cost_centre_code": [line.centre for line in self.lines],
                "account_code": [line.account for line in self.lines],
                "service_class_code": pl.Series([v.stated for v in self.lines], dtype=pl.String),
                "counterparty_code": pl.Series(
                    [v.counterparty for v in self.lines], dtype=pl.String
                ),
                "amount_eur": cents_text(np.array([v.cents for v in self.lines], dtype=np.int64)),
            }
        )
        return _posted(rng, frame, month)


def _posted(rng: np.random.Generator, rows: pl.DataFrame, month: Month) -> pl.DataFrame:
    """The rows posted on days of a month, each voucher on one."""
    order = rows["voucher_number"].rank("dense").cast(pl.Int64).to_numpy() - 1
    days = month.first + rng.integers(9, month.days, max(int(order.max(initial=0)) + 1, 1))
    day = days[order]
    saved = day * SECONDS_A_DAY + 16 * _HOUR
    return rows.with_columns(
        posted_date=date_text(day, DATE), updated_at=time_text(pl.Series(saved), TIME)
    )


def _numbered(rows: pl.DataFrame, step: int) -> pl.Series:
    return (rows["voucher_number"].cast(pl.Int64) + step).cast(pl.String)


def _reversed(rows: pl.DataFrame, step: int) -> pl.DataFrame:
    """The same lines with the sign turned, under numbers of their own."""
    amount = rows["amount_eur"]
    turned = pl.Series(
        [a.removeprefix("-") if a.startswith("-") else f"-{a}" for a in amount], dtype=pl.String
    )
    return rows.with_columns(voucher_number=_numbered(rows, step), amount_eur=turned)


def _split(cents: int, shares: Sequence[float]) -> list[int]:
    """Whole cents by shares; the last one takes what rounding leaves."""
    parts = [int(cents * share) for share in shares[:-1]]
    return [*parts, cents - sum(parts)]
