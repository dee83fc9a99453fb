"""Personal budgets and the vouchers bought with them: decisions, lines of the ledger, totals.

Here: what each client is granted, uses and pays for, the oddities among it (listed in the
manifest), and the sender's control totals. Not here: who the clients are (`budget_clients`), what
providers charge (`voucher_market`). Money is in whole cents, quantities in hundredths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from dagster_project.synthetic.budget_clients import BudgetClients, Clients
from dagster_project.synthetic.clinical import Numbers, Visits
from dagster_project.synthetic.contacts import IDS_A_CHUNK
from dagster_project.synthetic.draws import Floats, Ints, Mask, date_text, labels, some, time_text
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import EPOCH, NEVER, SECONDS_A_DAY, Month, day_number
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons, Services
from dagster_project.synthetic.voucher_market import DATE, TIME, Market, hundredths_text

BUDGETS, TRANSACTIONS, STATEMENTS = (
    "smartum/budgets",
    "smartum/transactions",
    "smartum/statements",
)
STREAM = 6
"""Third word of the seed of these tables' streams."""
STATEMENT_STREAM = (0, 6, 3)
KINDS = ("reservation", "payment", "return", "correction", "reversal")
_RESERVATION, _PAYMENT, _RETURN, _CORRECTION, _REVERSAL = range(5)
_STATES = ("in_force", "changed", "terminated")
_CHANGED, _TERMINATED = 1, 2
_REASONS = ("death", "moved", "given_up", "need_changed")
_NOTHING = -1
_NOBODYS = 990_000_000_000
"""Numbers of decisions that nobody makes begin here."""
_DAYS_A_MONTH = (12_175, 400)
"""30.4375 as a fraction of whole numbers."""
_HOUR = 3600
_STATED_MONTHS = 12


class Totals:
    """The sender's ledger in sums: by month in which known, month of booking, and kind."""

    def __init__(self, months: int) -> None:
        self._sums = np.zeros((months, months, len(KINDS), 3), dtype=np.int64)

    def add(self, known: int, booked: int, lines: _Lines) -> None:
        """Count lines, their cents and their clients' cents."""
        if booked < len(self._sums):
            values = np.stack([np.ones_like(lines.kind), lines.amount, lines.share], axis=1)
            np.add.at(self._sums[known, booked], lines.kind, values)

    def mend(self, known: int, booked: int, kind: Ints, amount: Ints) -> None:
        """Add differences of cents to lines that are counted already."""
        np.add.at(self._sums[known, booked, :, 1], kind, amount)

    def at(self, index: int) -> Ints:
        """As known in a month: by month of booking and kind, count, cents and clients' cents."""
        total: Ints = self._sums[: index + 1].sum(axis=0)
        return total


@dataclass
class Decisions:
    """Decisions of one chunk; element i of every array is decision i."""

    number: Ints
    client: Ints
    person: Ints
    group: Ints
    service: Ints
    hb_class: Ints
    granted: Ints
    monthly: Ints
    start: Ints
    end: Ints
    decided: Ints
    state: Ints
    reason: Ints
    provider: Ints
    use: Floats
    """Share of the grant that is used."""
    used: Ints
    maker: Ints

    def __len__(self) -> int:
        return len(self.number)

    def joined(self, other: Decisions) -> Decisions:
        """These and others behind them."""
        return Decisions(
            **{n: np.concatenate([c, getattr(other, n)]) for n, c in vars(self).items()}
        )

    def only(self, chosen: Ints) -> Decisions:
        """Some of the decisions."""
        return Decisions(**{n: c[chosen] for n, c in vars(self).items()})


@dataclass
class _Lines:
    """Lines of the ledger; element i of every array is line i."""

    number: Ints
    decision: Ints
    """Position among the decisions."""
    named: Ints
    """Number of the decision as sent, -1 for none."""
    provider: Ints
    kind: Ints
    quantity: Ints
    price: Ints
    amount: Ints
    share: Ints
    refers: Ints
    """Number of another line, -1 for none."""
    day: Ints
    booked: Ints
    """Local seconds since 1970-01-01 00:00."""
    odd: Mask

    def __len__(self) -> int:
        return len(self.number)

    def joined(self, *others: _Lines) -> _Lines:
        """These and others behind them."""
        every = (self, *others)
        return _Lines(**{n: np.concatenate([getattr(o, n) for o in every]) for n in vars(self)})

    def only(self, chosen: Ints | Mask) -> _Lines:
        """Some of the lines."""
        return _Lines(**{n: c[chosen] for n, c in vars(self).items()})


class Vouchers:
    """The voucher system's tables of one chunk, month by month."""

    def __init__(
        self,
        sender: Sender,
        market: Market,
        totals: Totals,
        *,
        people: People,
        parameters: Parameters,
        services: Callable[[], Services],
        persons: Callable[[Month], Persons],
        number: int,
    ) -> None:
        self._sender, self._rng = sender, sender.rng
        self._market, self._totals = market, totals
        self._people, self._parameters = people, parameters
        self._settings: Section = parameters.vouchers
        self._services, self._persons = services, persons
        self._is_first_chunk = number == 0
        seed = sender.manifest.region["seed"]
        self._roster = BudgetClients(
            people, parameters, seed=seed, chunk=number, months=sender.months
        )
        first = (number + 1) * IDS_A_CHUNK
        self._decision_numbers, self._line_numbers = Numbers(first), Numbers(first)
        self._decisions = _no_decisions()
        self._touched = np.zeros(0, dtype=np.int64)

    def deliver(self, visits: Visits) -> None:
        """Send a month's decisions, lines and, of the first chunk, providers and prices."""
        month = visits.month
        if self._is_first_chunk:
            self._market.deliver(self._sender, month)
        persons = self._persons(month)
        clients = self._roster.advance(month, self._services())
        touched = self._decide(month, clients)
        self._send_decisions(month, persons, touched)
        self._touched = np.union1d(touched, self._leave_withdrawn(month))
        self._trade(month, persons)

    def decided(self) -> Decisions:
        """Decisions new, changed, ended or with another provider in the month delivered last."""
        return self._decisions.only(self._touched)

    # Decisions.

    def _decide(self, month: Month, clients: Clients) -> Ints:
        """New, renewed, changed and ended decisions; returns which of all they are."""
        known = len(self._decisions)
        ends = clients.end(self._people)
        new = (clients.joined == month.index) & ~clients.is_control & (ends > clients.start)
        at = np.flatnonzero(new & (ends > month.first))
        first_day = np.maximum(clients.start[at], _new_year(month.year))
        self._grant(month, clients, at, first_day)
        if month.number == 12:
            self._renew(month, clients, ends)
        decided = np.arange(known, len(self._decisions))
        changed = self._change(month, known)
        ended = self._terminate(month, ends)
        touched = np.unique(np.concatenate([decided, changed, ended]))
        if not len(touched):  # a file a month, however small the region: one comes again unchanged
            touched = np.arange(len(self._decisions))[-1:]
        return touched

    def _grant(self, month: Month, clients: Clients, at: Ints, first_day: Ints) -> None:
        """Decisions for clients who begin: the services of their group, with a class each."""
        wanted = self._settings["services_of_group"]
        shares = np.array(
            [[wanted[g].get(s, 0) for s in self._market.services] for g in range(1, 7)]
        )[clients.group[at] - 1]
        who, service = np.nonzero(self._rng.random(shares.shape) < shares)
        need = 0.8 + 0.9 * self._people.frailty[clients.person[at[who]]]
        stray = self._rng.normal(size=len(who))
        hb_class = np.clip(np.rint(need + 0.8 * stray), 0, 4).astype(np.int64)
        self._add(month, clients, at[who], service, hb_class, first_day[who])

    def _add(
        self,
        month: Month,
        clients: Clients,
        client: Ints,
        service: Ints,
        hb_class: Ints,
        start: Ints,
    ) -> None:
        rng, settings, size = self._rng, self._settings, len(client)
        low, high = settings["decisions"]["days_before_start"]
        table = np.array([settings["monthly_eur"][s] for s in self._market.services]) * 100
        monthly = table[service, hb_class]
        years = np.array([_year_of(day) for day in start.tolist()], dtype=np.int64)
        end = np.array([_new_year(y + 1) for y in years.tolist()], dtype=np.int64)
        use_low, use_high = settings["use_of_grant"]
        place = clients.place[client]
        new = Decisions(
            number=self._taken(self._decision_numbers, size),
            client=client,
            person=clients.person[client],
            group=clients.group[client],
            service=service,
            hb_class=hb_class,
            granted=_pro_rata(monthly, end - start),
            monthly=monthly,
            start=start,
            end=end,
            decided=np.minimum(start - rng.integers(low, high + 1, size), month.last),
            state=np.zeros(size, dtype=np.int64),
            reason=np.full(size, _NOTHING),
            provider=self._choose_provider(month, place, service),
            use=rng.uniform(use_low, use_high, size),
            used=np.zeros(size, dtype=np.int64),
            maker=1000 + 10 * place + rng.integers(0, 4, size),
        )
        self._decisions = self._decisions.joined(new)

    def _taken(self, numbers: Numbers, size: int) -> Ints:
        first = numbers.next
        numbers.take(size)
        return first + np.arange(size)

    def _choose_provider(self, month: Month, place: Ints, service: Ints) -> Ints:
        """A provider approved and priced for the service, rather one of the client's own place."""
        market = self._market
        able = market.offers & (market.cents[month.index] > 0)
        able &= (market.approved_from <= month.first)[:, None]
        able &= (market.approved_to > month.last)[:, None]
        weight = able.T[service] * (1.0 + 5.0 * (market.place[None, :] == place[:, None]))
        points = self._rng.random(len(service)) * weight.sum(axis=1)
        chosen: Ints = (np.cumsum(weight, axis=1) <= points[:, None]).sum(axis=1)
        return np.minimum(chosen, market.count - 1)

    def _renew(self, month: Month, clients: Clients, ends: Ints) -> None:
        """Next year's decisions, some in a higher class, of clients who go on."""
        held, following = self._decisions, _new_year(month.year + 1)
        goes_on = (held.end == following) & (ends[held.client] > following)
        at = np.flatnonzero(goes_on & (held.state != _TERMINATED))
        rise = some(self._rng, 0.25, size=len(at))
        hb_class = np.minimum(held.hb_class[at] + rise, 4)
        start = np.full(len(at), following)
        self._add(month, clients, held.client[at], held.service[at], hb_class, start)
        new = self._decisions
        new.decided[len(held) :] = month.first + self._rng.integers(0, 20, len(at))

    def _change(self, month: Month, known: int) -> Ints:
        """Raise the grant of some that were decided earlier."""
        rng, held, settings = self._rng, self._decisions, self._settings["decisions"]
        able = (np.arange(len(held)) < known) & (held.state != _TERMINATED)
        able &= (held.start < month.first) & (held.end > month.last + 1)
        chosen = able & some(rng, settings["change_a_month"], size=len(held))
        if self._is_first_chunk and month.index == 2:
            chosen[np.flatnonzero(able)[:1]] = True
        at = np.flatnonzero(chosen)
        low, high = settings["change_factor"]
        factor = rng.uniform(low, high, len(at))
        held.granted[at] = np.rint(held.granted[at] * factor).astype(np.int64)
        held.monthly[at] = np.rint(held.monthly[at] * factor).astype(np.int64)
        held.state[at] = _CHANGED
        held.decided[at] = month.first + rng.integers(0, month.days, len(at))
        return at

    def _terminate(self, month: Month, ends: Ints) -> Ints:
        """End the decisions of clients who died, left or gave up."""
        held, people = self._decisions, self._people
        last = np.maximum(ends[held.client], held.start + 1)
        gone = (held.state != _TERMINATED) & (last <= month.last) & (last < held.end)
        at = np.flatnonzero(gone)
        person = held.person[at]
        left = people.exit_day[person] < NEVER
        reason = np.where(people.death[person] < NEVER, 0, np.where(left, 1, 2))
        held.end[at] = last[at]
        held.granted[at] = _pro_rata(held.monthly[at], last[at] - held.start[at])
        held.state[at], held.reason[at] = _TERMINATED, reason
        held.decided[at] = np.maximum(np.maximum(last[at], month.first), held.decided[at])
        return at

    def _send_decisions(self, month: Month, persons: Persons, touched: Ints) -> None:
        sender, held = self._sender, self._decisions.only(touched)
        rows = self._decision_rows(held, persons)
        ended = pl.Series(held.state == _TERMINATED)
        # A month with nothing else to send has no late row, for it would have no file.
        share = self._settings["decisions"]["late_share"] if not ended.all() else 0.0
        kept = sender.hold_back(BUDGETS, month, rows.filter(ended), share)
        sender.send(BUDGETS, month, pl.concat([rows.filter(~ended), kept]))

    def _decision_rows(self, held: Decisions, persons: Persons) -> pl.DataFrame:
        size = len(held)
        clock = held.decided * SECONDS_A_DAY + self._rng.integers(8 * _HOUR, 16 * _HOUR, size)
        appeal = held.decided + self._settings["decisions"]["appeal_days"]
        return pl.DataFrame(
            {
                "budget_decision_id": pl.Series(held.number).cast(pl.String),
                "person_id": persons.codes.gather(pl.Series(held.person)),
                "budget_group_code": pl.Series(held.group).cast(pl.String),
                "service_code": labels(self._market.services, held.service),
                "hb_class_code": pl.Series(held.hb_class + 1).cast(pl.String),
                "granted_eur": hundredths_text(held.granted),
                "valid_from_date": date_text(held.start, DATE),
                "valid_to_date": date_text(held.end, DATE),
                "decided_date": date_text(held.decided, DATE),
                "appeal_end_date": date_text(appeal, DATE),
                "decision_maker_code": "VH" + pl.Series(held.maker).cast(pl.String),
                "budget_state_code": labels(_STATES, held.state),
                "termination_reason_code": labels([*_REASONS, None], held.reason),
                "updated_at": time_text(pl.Series(clock), TIME),
                "is_protected": persons.hidden[held.person],
            }
        )

    # Lines of the ledger.

    def _trade(self, month: Month, persons: Persons) -> None:
        """Send the lines booked in a month; those of its services booked later wait for theirs."""
        lines = self._bought(month)
        later = lines.booked >= (month.last + 1) * SECONDS_A_DAY
        now, deferred = lines.only(~later), lines.only(later)
        now = self._followed(month, self._made_odd(month, now))
        self._totals.add(month.index, month.index, now)
        following = month.index + 1
        if following < len(self._sender.months):
            self._totals.add(following, following, deferred)
            rows = self._line_rows(deferred, persons)
            self._sender.send_later(TRANSACTIONS, np.full(len(rows), following), rows)
        self._send_lines(month, persons, now)

    def _leave_withdrawn(self, month: Month) -> Ints:
        """Clients of a provider that is withdrawn this month or before take another; which."""
        held = self._decisions
        at = np.flatnonzero(self._market.approved_to[held.provider] <= month.last)
        place = self._people.home[held.person[at]]
        held.provider[at] = self._choose_provider(month, place, held.service[at])
        return at

    def _bought(self, month: Month) -> _Lines:
        """Reservations and payments of the month's services, within what was granted."""
        rng, held = self._rng, self._decisions
        settings = list(self._settings["services"].values())
        first = np.maximum(held.start, month.first)
        days = np.maximum(np.minimum(held.end, month.last + 1) - first, 0)
        rate = np.array([s["lines"] for s in settings])[held.service]
        is_monthly = np.array([s["unit"] == "month" for s in settings])[held.service]
        price = self._market.cents[month.index, held.provider, held.service]
        count = rng.poisson(rate * days / month.days)
        count = np.where(is_monthly, days == month.days, count) * (price > 0)
        decision = np.repeat(np.arange(len(held)), count)
        day = first[decision] + (rng.random(len(decision)) * days[decision]).astype(np.int64)
        order = np.lexsort((day, decision))
        lines = self._priced(decision[order], day[order], price, rate)
        return self._reserved(month, self._within(lines))

    def _priced(self, decision: Ints, day: Ints, price: Ints, rate: Floats) -> _Lines:
        """Payments of what a client would use of the grant, some topped up by the client."""
        rng, held, size = self._rng, self._decisions, len(decision)
        settings = list(self._settings["services"].values())
        step = self._steps(decision)
        is_monthly = np.array([s["unit"] == "month" for s in settings])[held.service[decision]]
        wanted = (held.monthly * held.use / rate)[decision] * rng.uniform(0.7, 1.3, size)
        units = np.rint(100 * wanted / np.maximum(price[decision], 1) / step).astype(np.int64)
        quantity = np.where(is_monthly, 100, np.maximum(units, 1) * step)
        whole = _priced_at(quantity, price[decision])
        low, high = self._settings["own_part"]
        tops_up = some(rng, self._settings["own_share"], size=size)
        share = np.rint(whole * rng.uniform(low, high, size) * tops_up).astype(np.int64)
        return _Lines(
            number=np.full(size, _NOTHING),
            decision=decision,
            named=held.number[decision],
            provider=held.provider[decision],
            kind=np.full(size, _PAYMENT),
            quantity=quantity,
            price=price[decision],
            amount=whole - share,
            share=share,
            refers=np.full(size, _NOTHING),
            day=day,
            booked=np.zeros(size, dtype=np.int64),
            odd=np.zeros(size, dtype=np.bool_),
        )

    def _steps(self, decision: Ints) -> Ints:
        """The least quantity of each line's service: a quarter of an hour, or one."""
        units = [s["unit"] for s in self._settings["services"].values()]
        return np.where(np.array(units) == "hour", 25, 100)[self._decisions.service[decision]]

    def _within(self, lines: _Lines) -> _Lines:
        """Only lines that the grant still covers; they are used up."""
        held = self._decisions
        total = np.cumsum(lines.amount)
        first = np.searchsorted(lines.decision, lines.decision)
        before = np.concatenate([[0], total])[first]
        kept = total - before + held.used[lines.decision] <= held.granted[lines.decision]
        lines = lines.only(kept)
        np.add.at(held.used, lines.decision, lines.amount)
        return lines

    def _reserved(self, month: Month, lines: _Lines) -> _Lines:
        """Reservations before some of the payments; a few are reversed and never redeemed."""
        rng, settings, size = self._rng, self._settings, len(lines)
        shares = np.array([s["reserved"] for s in settings["services"].values()])
        is_reserved = rng.random(size) < shares[self._decisions.service[lines.decision]]
        is_dropped = is_reserved & some(rng, settings["unredeemed_share"], size=size)
        after = rng.integers(0, settings["booked_after_days"] + 1, size)
        lines.booked = self._clock(lines.day + after)
        lines.number = self._taken(self._line_numbers, size)
        reserved = lines.only(is_reserved)
        early = np.maximum(reserved.day - rng.integers(3, 13, len(reserved)), month.first)
        reserved.booked = np.minimum(self._clock(early), reserved.booked - 60)
        reserved.kind = np.full(len(reserved), _RESERVATION)
        reserved.number = self._taken(self._line_numbers, len(reserved))
        lines.refers[is_reserved] = reserved.number
        dropped = lines.only(is_dropped)
        np.add.at(self._decisions.used, dropped.decision, -dropped.amount)
        dropped = _against(dropped, dropped.refers, _REVERSAL)
        self._list("reversal", dropped.number[dropped.booked < _end(self._sender.months[-1])])
        return reserved.joined(lines.only(~is_dropped), dropped)

    def _clock(self, day: Ints) -> Ints:
        """Office hours of each day."""
        return day * SECONDS_A_DAY + self._rng.integers(8 * _HOUR, 16 * _HOUR, len(day))

    # Oddities.

    def _list(self, kind: str, numbers: Ints) -> None:
        listed: Manifest = self._sender.manifest
        listed.voucher_oddities.setdefault(kind, []).extend(numbers.tolist())

    def _chosen(self, month: Month, kind: str, able: Mask) -> Ints:
        """Some of the able lines, at least one in the first month of the first chunk."""
        share = self._settings["lines"][kind]
        chosen = able & some(self._rng, share, size=len(able))
        if self._is_first_chunk and month.index == 0 and not chosen.any():
            chosen[self._rng.permutation(np.flatnonzero(able))[:1]] = True
        return np.flatnonzero(chosen)

    def _made_odd(self, month: Month, lines: _Lines) -> _Lines:
        """Plant what a ledger holds and should not, each payment odd in one way at most."""
        ways = {
            "no_budget": self._without_budget,
            "unknown_budget": self._with_unknown_budget,
            "outside_dates": self._outside_dates,
            "unapproved_provider": self._unapproved,
            "above_price": self._above_price,
            "beyond_budget": self._beyond,
        }
        for kind, change in ways.items():
            at = self._chosen(month, kind, (lines.kind == _PAYMENT) & ~lines.odd)
            at = at[:1] if kind == "beyond_budget" else at
            changed = change(lines, at)
            lines.odd[changed] = True
            self._list(kind, lines.number[changed])
        self._list("own_share", lines.number[(lines.kind == _PAYMENT) & (lines.share > 0)])
        return lines

    def _without_budget(self, lines: _Lines, at: Ints) -> Ints:
        lines.named[at] = _NOTHING
        return at

    def _with_unknown_budget(self, lines: _Lines, at: Ints) -> Ints:
        lines.named[at] += _NOBODYS
        return at

    def _outside_dates(self, lines: _Lines, at: Ints) -> Ints:
        start = self._decisions.start[lines.decision[at]]
        lines.day[at] = start - self._rng.integers(1, 11, len(at))
        return at

    def _unapproved(self, lines: _Lines, at: Ints) -> Ints:
        """A provider not approved on the day, or else not for the service."""
        market = self._market
        for i in at.tolist():
            offers = market.offers[:, self._decisions.service[lines.decision[i]]]
            able = np.flatnonzero(offers & ~market.approved(int(lines.day[i])))
            able = able if len(able) else np.flatnonzero(~offers)
            lines.provider[i] = self._rng.choice(able)
        return at

    def _above_price(self, lines: _Lines, at: Ints) -> Ints:
        whole = lines.amount[at] + lines.share[at]
        lines.price[at] += 10 + lines.price[at] // 10
        lines.amount[at] = _priced_at(lines.quantity[at], lines.price[at]) - lines.share[at]
        more = lines.amount[at] + lines.share[at] - whole
        np.add.at(self._decisions.used, lines.decision[at], more)
        return at

    def _beyond(self, lines: _Lines, at: Ints) -> Ints:
        """The payment whose budget has least left takes more than that."""
        if not len(at):
            return at
        held = self._decisions
        able = np.flatnonzero((lines.kind == _PAYMENT) & ~lines.odd)
        left = (held.granted - held.used)[lines.decision[able]]
        i = able[np.argsort(left, kind="stable")[:1]]
        step, price = self._steps(lines.decision[i]), lines.price[i]
        missing = np.maximum((held.granted - held.used)[lines.decision[i]], 0) + 1
        lines.quantity[i] += (missing * 100 // (price * step) + 1) * step
        amount = _priced_at(lines.quantity[i], price) - lines.share[i]
        held.used[lines.decision[i]] += amount - lines.amount[i]
        lines.amount[i] = amount
        return i

    def _followed(self, month: Month, lines: _Lines) -> _Lines:
        """Corrections, returns and reversals of some of the month's payments."""
        plain = (lines.kind == _PAYMENT) & ~lines.odd
        plain &= lines.quantity > self._steps(lines.decision)
        found = []
        for kind, name in (
            (_CORRECTION, "correction"),
            (_RETURN, "return"),
            (_REVERSAL, "reversal"),
        ):
            at = self._chosen(month, name, plain)
            plain[at] = False
            about = lines.only(at)
            new = _against(about, about.number, kind)
            if kind != _REVERSAL:
                part = self._steps(about.decision)
                new.quantity = -part
                new.share = np.zeros(len(new), dtype=np.int64)
                new.amount = -np.minimum(_priced_at(part, new.price), about.amount)
            new.number = self._taken(self._line_numbers, len(new))
            latest = np.minimum(new.booked // SECONDS_A_DAY + 5, month.last)
            new.booked = np.maximum(self._clock(latest), new.booked + 60)
            np.add.at(self._decisions.used, new.decision, new.amount)
            self._list(name, new.number)
            found.append(new)
            lines.odd[at] = True
        return lines.joined(*found)

    # Sending.

    def _send_lines(self, month: Month, persons: Persons, lines: _Lines) -> None:
        """Send the month's lines: some late, some again, some mended; one never."""
        sender, settings = self._sender, self._settings
        rows = self._line_rows(lines, persons)
        rows = sender.hold_back(TRANSACTIONS, month, rows, settings["late_share"])
        kept = np.isin(lines.number, rows["transaction_id"].cast(pl.Int64).to_numpy())
        if month.index + 1 == len(sender.months):  # late ones would come after the window
            self._list_missing(month, lines.only(~kept))
        plain = kept & (lines.kind == _PAYMENT) & ~lines.odd
        rows = self._lose(month, rows, lines, plain)
        self._restate(month, persons, lines, plain)
        again = plain & some(self._rng, settings["resent_share"], size=len(plain))
        again = self._at_least_one(month, again, plain)
        if month.index + 1 < len(sender.months):
            same = rows.filter(_among(rows, lines.number[again]))
            sender.send_later(TRANSACTIONS, np.full(len(same), month.index + 1), same)
            self._list("resent", lines.number[again])
        sender.send(TRANSACTIONS, month, rows)

    def _at_least_one(self, month: Month, chosen: Mask, able: Mask) -> Mask:
        if self._is_first_chunk and month.index == 0 and not chosen.any():
            chosen[np.flatnonzero(able)[:1]] = True
        return chosen

    def _lose(self, month: Month, rows: pl.DataFrame, lines: _Lines, plain: Mask) -> pl.DataFrame:
        """One payment of the second month is in the sender's totals alone."""
        sender = self._sender
        due = min(1, len(sender.months) - 1)
        at = np.flatnonzero(plain)[-1:]
        if sender.dirt is None or not self._is_first_chunk or month.index != due or not len(at):
            return rows
        plain[at] = False
        self._list_missing(month, lines.only(at))
        return rows.filter(~_among(rows, lines.number[at]))

    def _list_missing(self, month: Month, lines: _Lines) -> None:
        """List lines that the sender's totals count and that no delivery of the window brings."""
        self._sender.manifest.statement_discrepancies.extend(
            {
                "month": month.sequence,
                "kind": KINDS[lines.kind[i]],
                "amount_cents": int(lines.amount[i]),
                "client_share_cents": int(lines.share[i]),
            }
            for i in range(len(lines))
        )

    def _restate(self, month: Month, persons: Persons, lines: _Lines, plain: Mask) -> None:
        """Mend the quantity of some payments in the next increment; the ledger's sums follow."""
        sender, following = self._sender, month.index + 1
        if following >= len(sender.months):
            return
        able = plain & (lines.quantity > self._steps(lines.decision)) & (lines.share == 0)
        chosen = able & some(self._rng, self._settings["restated_share"], size=len(able))
        chosen = self._at_least_one(month, chosen, able)
        plain &= ~chosen
        mended = lines.only(chosen)
        mended.quantity = mended.quantity - self._steps(mended.decision)
        amount = _priced_at(mended.quantity, mended.price)
        less = amount - mended.amount
        mended.amount = amount
        self._totals.mend(following, month.index, mended.kind, less)
        np.add.at(self._decisions.used, mended.decision, less)
        sender.correct(TRANSACTIONS, month, self._line_rows(mended, persons))
        self._list("restated", mended.number)

    def _line_rows(self, lines: _Lines, persons: Persons) -> pl.DataFrame:
        """The contract's columns as text."""
        held, market = self._decisions, self._market
        person, service = held.person[lines.decision], held.service[lines.decision]
        units = [s["unit"] for s in self._settings["services"].values()]
        booked = time_text(pl.Series(lines.booked), TIME)
        return pl.DataFrame(
            {
                "transaction_id": pl.Series(lines.number).cast(pl.String),
                "person_id": persons.codes.gather(pl.Series(person)),
                "budget_decision_id": _number_text(lines.named),
                "voucher_provider_id": market.provider_ids(lines.provider),
                "service_code": labels(market.services, service),
                "unit_code": labels(units, service),
                "quantity": hundredths_text(lines.quantity),
                "unit_price_eur": hundredths_text(lines.price),
                "amount_eur": hundredths_text(lines.amount),
                "client_share_eur": hundredths_text(lines.share),
                "transaction_kind_code": labels(KINDS, lines.kind),
                "refers_to_transaction_id": _number_text(lines.refers),
                "service_date": date_text(lines.day, DATE),
                "booked_at": booked,
                "updated_at": booked,
                "is_protected": persons.hidden[person],
                "is_odd": lines.odd,
            }
        )


def deliver_statements(sender: Sender, totals: Totals) -> None:
    """Send the control totals of every month: it and the eleven before, as the ledger then was."""
    for month in sender.months:
        stated = sender.months[max(0, month.index + 1 - _STATED_MONTHS) : month.index + 1]
        sums = totals.at(month.index)[[m.index for m in stated]].reshape(-1, 3)
        first = np.repeat(np.array([m.first for m in stated]), len(KINDS))
        drawn = month.last * SECONDS_A_DAY + 21 * _HOUR
        rows = pl.DataFrame(
            {
                "month_start_date": date_text(first, DATE),
                "transaction_kind_code": list(KINDS) * len(stated),
                "transaction_count": pl.Series(sums[:, 0]).cast(pl.String),
                "amount_eur": hundredths_text(sums[:, 1]),
                "client_share_eur": hundredths_text(sums[:, 2]),
                "updated_at": time_text(pl.Series(np.full(len(first), drawn)), TIME),
            }
        )
        sender.send(STATEMENTS, month, rows)


def _among(rows: pl.DataFrame, numbers: Ints) -> pl.Series:
    wanted = pl.Series(numbers).cast(pl.String)
    return rows["transaction_id"].is_in(wanted.implode())


def _against(lines: _Lines, about: Ints, kind: int) -> _Lines:
    """Lines that take others back whole."""
    new = lines.only(np.ones(len(lines), dtype=np.bool_))
    new.kind, new.refers = np.full(len(lines), kind), about
    new.quantity, new.amount, new.share = -lines.quantity, -lines.amount, -lines.share
    return new


def _number_text(numbers: Ints) -> pl.Series:
    return pl.Series(numbers).cast(pl.String).set(pl.Series(numbers < 0), None)


def _priced_at(quantity: Ints, price: Ints) -> Ints:
    """Cents of hundredths of units, half up."""
    return (quantity * price + 50) // 100


def _pro_rata(monthly: Ints, days: Ints) -> Ints:
    """Cents of a number of days, half up."""
    whole, part = _DAYS_A_MONTH
    return (monthly * days * part * 2 + whole) // (2 * whole)


def _end(month: Month) -> int:
    return (month.last + 1) * SECONDS_A_DAY


def _year_of(day: int) -> int:
    return (EPOCH + timedelta(days=day)).year


def _new_year(year: int) -> int:
    return day_number(date(year, 1, 1))


def _no_decisions() -> Decisions:
    nothing = np.zeros(0, dtype=np.int64)
    columns = {name: nothing for name in Decisions.__dataclass_fields__ if name != "use"}
    return Decisions(**columns, use=np.zeros(0))
