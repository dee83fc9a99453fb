"""The voucher system in the synthetic region: who buys what, and that the ledger adds up.

Here: clients, grants, prices, lines, planted oddities, control totals. Not here: that the manifest
lists exactly the bad rows (`test_synthetic_region`), what core makes of it (`tests/spec`).
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import Catalogue
from dagster_project.settings import PROJECT_ROOT
from dagster_project.synthetic.budget_clients import BudgetClients
from dagster_project.synthetic.draws import Ints
from dagster_project.synthetic.months import NEVER, day_number, window
from dagster_project.synthetic.parameters import load_parameters
from dagster_project.synthetic.people import People, draw_people
from dagster_project.synthetic.region import make_deliveries
from dagster_project.synthetic.social import Services
from dagster_project.synthetic.vouchers import KINDS

Record = dict[str, str]
PLANTED = (
    "no_budget",
    "unknown_budget",
    "outside_dates",
    "unapproved_provider",
    "above_price",
    "beyond_budget",
    "correction",
    "return",
    "reversal",
    "resent",
    "restated",
    "own_share",
    "approved_late",
    "withdrawn",
)


@dataclass(frozen=True)
class Made:
    """A region on disk."""

    landing: Path
    manifest: dict[str, Any]
    catalogue: Catalogue

    def months(self, table: str) -> list[list[Record]]:
        """Good rows of each delivery under the lake's names."""
        return [self._good(table, path) for path in sorted(self._folder(table).iterdir())]

    def _folder(self, table: str) -> Path:
        return self.landing / "smartum" / table

    def _good(self, table: str, path: Path) -> list[Record]:
        contract = self.catalogue.latest(f"smartum/{table}")
        names = {c.source_name: c.name for c in contract.columns}
        file = f"smartum/{table}/{path.name}"
        bad = {r["record_number"] for r in self.manifest["dirty_rows"] if r["file"] == file}
        text = path.read_bytes().decode("windows-1252")
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=";")
        return [
            {names[k]: v for k, v in row.items()}
            for number, row in enumerate(rows, start=1)
            if number not in bad
        ]

    def newest(self, table: str) -> list[Record]:
        """The version in force of each row: the last by the source's own time."""
        contract = self.catalogue.latest(f"smartum/{table}")
        found: dict[tuple[str, ...], tuple[datetime, Record]] = {}
        for row in (row for month in self.months(table) for row in month):
            key = tuple(row[name] for name in contract.primary_key)
            saved = moment(row["updated_at"]) if "updated_at" in row else datetime.min
            if key not in found or saved >= found[key][0]:
                found[key] = saved, row
        return [row for _, row in found.values()]


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%d.%m.%Y %H:%M:%S")


def day(text: str) -> date:
    return datetime.strptime(text, "%d.%m.%Y").date()


def cents(text: str) -> int:
    whole, _, part = text.partition(",")
    assert len(part) == 2
    return int(whole + part)


def make(folder: Path, **arguments: Any) -> Made:
    make_deliveries(folder / "landing", manifest=folder / "manifest.json", **arguments)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Made(folder / "landing", manifest, load_catalogue(PROJECT_ROOT / "data_contracts"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("small"), residents=1_000, months=4)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Over a new year, without dirt."""
    folder = tmp_path_factory.mktemp("year")
    return make(folder, residents=5_000, months=6, start_month=201709, with_dirt=False)


# Clients.


SHARES = np.array([28, 20, 18, 14, 12, 14]) + 10


def people_of(residents: int, count: int) -> tuple[People, BudgetClients, Services]:
    months = window(201701, count)
    people = draw_people(
        np.random.default_rng(4), load_parameters(), residents=residents, months=months
    )
    clients = BudgetClients(people, load_parameters(), seed=4, chunk=0, months=months)
    return people, clients, services_of(people)


def services_of(people: People) -> Services:
    """One in ten of those over 65 has home care, one in fifty of the others some service."""
    names = ("home_care", "informal_care", "personal_assistance", "family_work", "substance_work")
    old = day_number(date(2017, 1, 1)) - people.birth > 65 * 365
    chosen = np.flatnonzero(np.arange(len(people)) % np.where(old, 10, 50) == 0)
    service: Ints = np.where(old[chosen], chosen // 10 % 2, 2 + chosen // 50 % 3)
    started = np.full(len(chosen), day_number(date(2016, 11, 1)))
    return Services(names, chosen, service, started, np.zeros(len(chosen), dtype=np.bool_))


def test_two_sources_are_told_of_the_same_clients_month_by_month() -> None:
    people, one, services = people_of(8_000, 12)
    other = BudgetClients(people, load_parameters(), seed=4, chunk=0, months=window(201701, 12))
    for month in window(201701, 12):
        first, second = one.advance(month, services), other.advance(month, services)
        for name, column in vars(first).items():
            assert np.array_equal(column, getattr(second, name)), name
    assert len(one.clients) > 30


def test_clients_are_as_many_as_the_plan_says_with_as_many_controls() -> None:
    """Of 50 000 residents a sixth of 166 clients begin in 14 months, each with a control."""
    _, roster, services = people_of(50_000, 14)
    for month in window(201701, 14):
        clients = roster.advance(month, services)
    expected = SHARES.sum() * 50_000 / 311_899
    own = ~clients.is_control
    assert abs(own.sum() - expected) < 6
    assert clients.is_control.sum() == own.sum()
    assert len(np.unique(clients.person)) == len(clients)


def test_a_control_is_of_its_clients_group_and_near_in_age() -> None:
    people, roster, services = people_of(50_000, 14)
    for month in window(201701, 14):
        clients = roster.advance(month, services)
    control = np.flatnonzero(clients.is_control)
    client = clients.client[control]
    assert not clients.is_control[client].any()
    assert (clients.group[client] == clients.group[control]).all()
    assert (clients.start[client] == clients.start[control]).all()
    births = people.birth[clients.person]
    apart = np.abs(births[client] - births[control]) / 365
    assert np.median(apart) < 6


def test_groups_are_of_their_ages_and_have_the_services_that_count() -> None:
    people, roster, services = people_of(50_000, 14)
    for month in window(201701, 14):
        clients = roster.advance(month, services)
    rules = load_parameters().budget_clients["groups"]
    years = (day_number(date(2017, 7, 1)) - people.birth[clients.person]) / 365.25
    for group, rule in enumerate(rules, start=1):
        mine = clients.group == group
        low, high = rule["ages"]
        assert ((years[mine] > low - 1) & (years[mine] < high + 1)).all(), group
        if group in (1, 2, 3, 6):  # of others there are fewer with services than clients
            served = services.person[services.of(rule["services"])]
            assert np.isin(clients.person[mine], served).mean() > 0.8, group


def test_who_dies_or_leaves_is_a_client_no_longer() -> None:
    people, roster, services = people_of(8_000, 6)
    months = window(201701, 6)
    clients = roster.advance(months[0], services)
    people.exit_day[clients.person[0]] = months[1].first + 4
    assert clients.end(people)[0] == min(months[1].first + 5, clients.given_up[0])
    assert clients.active(people, months[1])[0]
    assert not clients.active(people, months[2])[0]
    others = clients.end(people)[1:]
    assert ((others == NEVER) | (others == clients.given_up[1:])).all()


# Grants and prices.


def test_only_clients_have_budgets_each_for_a_part_of_one_year(year: Made) -> None:
    rows = year.newest("budgets")
    for row in rows:
        start, end = day(row["valid_from_date"]), day(row["valid_to_date"])
        assert start < end <= date(start.year + 1, 1, 1)
        assert cents(row["granted_eur"]) >= 0
        assert (day(row["appeal_end_date"]) - day(row["decided_date"])).days == 37
    clients = {row["person_id"] for row in rows}
    assert 12 <= len(clients) <= 30
    renewed = [row for row in rows if row["valid_from_date"] == "01.01.2018"]
    assert len({row["person_id"] for row in renewed}) > 0.7 * len(clients)


def test_what_is_granted_grows_with_the_class(year: Made) -> None:
    by_class: defaultdict[str, list[float]] = defaultdict(list)
    for row in year.newest("budgets"):
        days = (day(row["valid_to_date"]) - day(row["valid_from_date"])).days
        if row["service_code"] == "home_care" and row["budget_state_code"] == "in_force":
            by_class[row["hb_class_code"]].append(cents(row["granted_eur"]) / days)
    means = [sum(v) / len(v) for _, v in sorted(by_class.items())]
    assert len(means) >= 2
    assert means == sorted(means)


def agreed_prices(made: Made) -> dict[tuple[str, str], list[tuple[date, date, int]]]:
    """By provider and service: first day, first day no longer, cents; a later one ends it."""
    found: defaultdict[tuple[str, str], list[tuple[date, date, int]]] = defaultdict(list)
    for row in sorted(made.newest("service_prices"), key=lambda r: day(r["valid_from_date"])):
        own = found[row["voucher_provider_id"], row["service_code"]]
        start = day(row["valid_from_date"])
        if own:
            own[-1] = (own[-1][0], min(own[-1][1], start), own[-1][2])
        end = day(row["valid_to_date"]) if row["valid_to_date"] else date.max
        own.append((start, end, cents(row["unit_price_eur"])))
    return found


def test_prices_change_within_the_window_and_are_those_charged(year: Made) -> None:
    prices = agreed_prices(year)
    assert sum(len(own) > 1 for own in prices.values()) > 20
    odd = {n for k in ("above_price", "unapproved_provider") for n in oddities(year, k)}
    odd |= set(oddities(year, "outside_dates"))
    for row in year.newest("transactions"):
        served = day(row["service_date"])
        own = prices[row["voucher_provider_id"], row["service_code"]]
        holds = [euros for start, end, euros in own if start <= served < end]
        if int(row["transaction_id"]) not in odd | followers(year, odd):
            assert holds == [cents(row["unit_price_eur"])]


def followers(made: Made, numbers: set[int]) -> set[int]:
    """Lines that refer to these."""
    return {
        int(row["transaction_id"])
        for row in made.newest("transactions")
        if row["refers_to_transaction_id"] and int(row["refers_to_transaction_id"]) in numbers
    }


def test_a_price_is_mistaken_and_mended_back(small: Made) -> None:
    (key,) = set(small.manifest["examples"]["corrections smartum/service_prices"])
    months = small.months("service_prices")
    seen = [row for rows in months for row in rows if row["price_id"] == key]
    assert len(seen) == 3
    assert seen[0] == seen[2]
    assert cents(seen[1]["unit_price_eur"]) == 10 * cents(seen[0]["unit_price_eur"])


def test_providers_have_what_windows_1252_has_and_some_act_under_another(small: Made) -> None:
    rows = small.newest("providers")
    assert len(rows) <= 80
    letters = {letter for row in rows for letter in row["provider_name"]}
    assert set("€ŽšŠŒ“”’–") & letters >= set("€ŽŠŒ“”’–")
    ids = {row["voucher_provider_id"] for row in rows}
    facilitated = [row for row in rows if row["facilitator_provider_id"]]
    assert 8 < len(facilitated) < 40
    assert {row["facilitator_provider_id"] for row in facilitated} <= ids
    assert len({row["business_id"] for row in rows}) == len(rows)


# The ledger.


def oddities(made: Made, kind: str) -> list[int]:
    """Numbers planted of a kind."""
    found: list[int] = made.manifest["voucher_oddities"][kind]
    return found


@pytest.mark.parametrize("kind", PLANTED)
def test_every_oddity_occurs_in_the_smallest_region(small: Made, kind: str) -> None:
    assert oddities(small, kind)


def test_oddities_are_what_the_manifest_calls_them(small: Made) -> None:
    lines = {int(row["transaction_id"]): row for row in small.newest("transactions")}
    decisions = {row["budget_decision_id"]: row for row in small.newest("budgets")}
    without = {n for n, row in lines.items() if not row["budget_decision_id"]}
    assert without == set(oddities(small, "no_budget")) & set(lines)
    unknown = {
        n
        for n, row in lines.items()
        if row["budget_decision_id"] and row["budget_decision_id"] not in decisions
    }
    assert unknown == set(oddities(small, "unknown_budget")) & set(lines)
    early = {
        n
        for n, row in lines.items()
        if (held := decisions.get(row["budget_decision_id"]))
        and day(row["service_date"]) < day(held["valid_from_date"])
    }
    assert early == set(oddities(small, "outside_dates")) & set(lines)
    for kind in ("correction", "return", "reversal"):
        of_kind = {n for n, row in lines.items() if row["transaction_kind_code"] == kind}
        assert of_kind == set(oddities(small, kind)) & set(lines)
        assert all(int(lines[n]["refers_to_transaction_id"]) in lines for n in of_kind)


def used_cents(made: Made) -> Counter[str]:
    """Net of all lines but reservations, by decision as named."""
    used: Counter[str] = Counter()
    reservations = {
        row["transaction_id"]
        for row in made.newest("transactions")
        if row["transaction_kind_code"] == "reservation"
    }
    for row in made.newest("transactions"):
        of_reservation = row["refers_to_transaction_id"] in reservations
        if row["transaction_kind_code"] == "payment" or not (
            of_reservation or row["transaction_kind_code"] == "reservation"
        ):
            used[row["budget_decision_id"]] += cents(row["amount_eur"])
    return used


def test_what_is_planted_beyond_its_budget_exceeds_it_and_hardly_anything_else(
    small: Made,
) -> None:
    granted = {r["budget_decision_id"]: cents(r["granted_eur"]) for r in small.newest("budgets")}
    lines = {int(r["transaction_id"]): r for r in small.newest("transactions")}
    planted = {lines[n]["budget_decision_id"] for n in oddities(small, "beyond_budget")}
    exceeded = {d for d, used in used_cents(small).items() if d in granted and used > granted[d]}
    assert planted <= exceeded
    ended = {
        r["budget_decision_id"]
        for r in small.newest("budgets")
        if r["budget_state_code"] == "terminated"
    }
    assert exceeded - ended == planted


def test_clients_use_most_of_what_they_are_granted(year: Made) -> None:
    """In four months of a year's part granted from September: all in all, over the year's end."""
    rows = [r for r in year.newest("budgets") if day(r["valid_to_date"]) == date(2018, 1, 1)]
    used = used_cents(year)
    share = sum(used[r["budget_decision_id"]] for r in rows) / sum(
        cents(r["granted_eur"]) for r in rows
    )
    assert 0.25 < share < 1.0


def test_quantity_times_price_is_what_budget_and_client_pay(year: Made) -> None:
    lines = [
        r
        for r in year.newest("transactions")
        if r["transaction_kind_code"] in ("reservation", "payment")
    ]
    for row in lines:
        whole = cents(row["quantity"]) * cents(row["unit_price_eur"])
        paid = cents(row["amount_eur"]) + cents(row["client_share_eur"])
        assert (whole + 50) // 100 == paid
    shared = [r for r in lines if cents(r["client_share_eur"]) > 0]
    assert 0.08 < len(shared) / len(lines) < 0.22


# The control totals.


def ledger_totals(made: Made) -> Counter[tuple[str, str, str]]:
    """Lines and cents in force by first day of the month of booking and kind."""
    totals: Counter[tuple[str, str, str]] = Counter()
    for row in made.newest("transactions"):
        month = f"01.{row['booked_at'][3:10]}"
        kind = row["transaction_kind_code"]
        totals[month, kind, "count"] += 1
        totals[month, kind, "amount"] += cents(row["amount_eur"])
        totals[month, kind, "share"] += cents(row["client_share_eur"])
    return totals


def stated_totals(made: Made) -> Counter[tuple[str, str, str]]:
    totals: Counter[tuple[str, str, str]] = Counter()
    for row in made.newest("statements"):
        own = row["month_start_date"], row["transaction_kind_code"]
        totals[*own, "count"] += int(row["transaction_count"])
        totals[*own, "amount"] += cents(row["amount_eur"])
        totals[*own, "share"] += cents(row["client_share_eur"])
    return totals


@pytest.mark.parametrize("name", ["small", "year"])
def test_lines_add_up_to_the_senders_totals_but_for_what_is_listed_as_missing(
    name: str, request: pytest.FixtureRequest
) -> None:
    made: Made = request.getfixturevalue(name)
    totals = ledger_totals(made)
    for missing in made.manifest["statement_discrepancies"]:
        year, month = divmod(missing["month"], 100)
        own = f"01.{month:02d}.{year}", missing["kind"]
        totals[*own, "count"] += 1
        totals[*own, "amount"] += missing["amount_cents"]
        totals[*own, "share"] += missing["client_share_cents"]
    stated = stated_totals(made)
    keys = totals.keys() | stated.keys()
    assert {k: totals[k] for k in keys} == {k: stated[k] for k in keys}


def test_one_line_is_lost_on_the_way_where_dirt_is_wanted(small: Made, year: Made) -> None:
    lost = [m for m in small.manifest["statement_discrepancies"] if m["month"] == 201702]
    assert len(lost) == 1
    last = {m["month"] for m in year.manifest["statement_discrepancies"]}
    assert last <= {201802}  # late lines alone, which come after the window


def test_every_month_and_kind_is_stated_again_each_month(small: Made) -> None:
    counts = [len(rows) for rows in small.months("statements")]
    assert counts == [len(KINDS) * n for n in range(1, 5)]
