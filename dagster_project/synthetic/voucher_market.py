"""The voucher market: providers, what they are approved for, agreed prices and how they change.

Here: one market for all chunks, drawn from a stream of its own, and its rows as text. Not here: who
buys (`vouchers`). Money is in whole cents, days count from 1970-01-01.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from dagster_project.synthetic.draws import Ints, Mask, choose, date_text, labels, some
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import NEVER, Month
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.reference import business_id
from dagster_project.synthetic.sending import Sender

PROVIDERS, PRICES = "smartum/providers", "smartum/service_prices"
DATE, TIME = "%d.%m.%Y", "%d.%m.%Y %H:%M:%S"
_STREAM = (0, 6, 2)
_LATE, _WITHDRAWN = 10, 11
"""Providers of whom one is always approved late and the other withdrawn."""
_OUTSIDE = "091"
_NOT_SITES = 100
"""Ranks of business ids from here on, so that no site's provider has the same."""


@dataclass
class _Prices:
    """Prices by row of the list; element i of every array is price i."""

    provider: Ints
    service: Ints
    cents: Ints
    start: Ints
    end: Ints

    def joined(self, other: _Prices) -> _Prices:
        """These and others behind them."""
        return _Prices(**{n: np.concatenate([c, getattr(other, n)]) for n, c in vars(self).items()})


class Market:
    """Providers and prices of the region; the same for every chunk of one seed."""

    def __init__(self, parameters: Parameters, *, seed: int, months: Sequence[Month]) -> None:
        self._rng = np.random.default_rng([seed, *_STREAM])
        self._parameters = parameters
        self._settings: Section = parameters.vouchers
        self._months = months
        self.services = tuple(self._settings["services"])
        self.count: int = self._settings["providers"]["count"]
        self._profile = self._draw_profiles()
        self.offers = self._offers()
        """By provider and service: whether approved for it, dates aside."""
        self.approved_from, self.approved_to = self._approvals()
        self.place = self._places()
        self._names = self._draw_names()
        is_third = some(
            self._rng, self._settings["providers"]["third_sector_share"], size=self.count
        )
        self._sectors = labels(("private", "third"), is_third.astype(np.int64))
        self._facilitator = self._facilitators()
        self._prices = self._first_prices()
        self._touched: list[list[Ints]] = []
        self.cents = self._all_months()
        """By month index, provider and service: the agreed price, 0 where there is none."""

    def approved(self, day: int) -> Mask:
        """Which providers are approved on a day."""
        mask: Mask = (self.approved_from <= day) & (self.approved_to > day)
        return mask

    # Providers.

    def _draw_profiles(self) -> Ints:
        profiles = self._settings["providers"]["profiles"]
        drawn = choose(self._rng, [p[1] for p in profiles], size=self.count)
        # Of each profile one at least, so that every service is offered.
        drawn[20 : 20 + len(profiles)] = np.arange(len(profiles))
        drawn[30 : 30 + len(profiles)] = np.arange(len(profiles))
        drawn[[_LATE, _WITHDRAWN]] = 0
        return drawn

    def _offers(self) -> Mask:
        profiles = self._settings["providers"]["profiles"]
        table = np.array([[s in p[0] for s in self.services] for p in profiles])
        offered: Mask = table[self._profile]
        return offered

    def _approvals(self) -> tuple[Ints, Ints]:
        settings, rng, months = self._settings["providers"], self._rng, self._months
        low, high = settings["approved_before_days"]
        first, last = months[0].first, months[-1].last
        since = first - rng.integers(low, high, self.count)
        late = some(rng, settings["approved_later_share"], size=self.count)
        ends = some(rng, settings["withdrawn_share"], size=self.count)
        # Those that keep every service on offer come in time and stay.
        late[20:40] = ends[20:40] = False
        since = np.where(late, first + rng.integers(20, last - first + 2, self.count), since)
        until = np.where(ends, since + rng.integers(200, 1200, self.count), NEVER)
        until = np.where((until > first) & (until <= last), until, NEVER)
        since[_LATE] = months[min(1, len(months) - 1)].first + 14
        until[_LATE] = NEVER
        since[_WITHDRAWN] = first - high
        until[_WITHDRAWN] = months[min(2, len(months) - 1)].first + 10
        return since, until

    def _places(self) -> Ints:
        """Place numbers in the area; -1 for a provider from outside."""
        settings, area = self._settings["providers"], self._parameters.population["municipalities"]
        weights = [m["residents"] * settings["own_area_weight"] for m in area]
        drawn = choose(self._rng, [*weights, sum(weights) / 10], size=self.count)
        return np.where(drawn == len(area), -1, drawn)

    def _draw_names(self) -> list[str]:
        names = self._settings["providers"]["names"]
        pairs = [f"{a} {b}" for a in names["first"] for b in names["second"]]
        chosen = self._rng.permutation(len(pairs))[: self.count - len(names["fixed"])]
        forms = names["form"]
        rest = [f"{pairs[n]} {forms[n % len(forms)]}" for n in chosen.tolist()]
        return [*names["fixed"], *rest]

    def _facilitators(self) -> Ints:
        """Under which provider (by number) each acts; -1 for most."""
        settings, rng = self._settings["providers"], self._rng
        under = some(rng, settings["under_facilitator_share"], size=self.count)
        under[:_LATE] = False
        first = len(settings["names"]["fixed"])
        chosen = first + rng.integers(0, settings["facilitators"], self.count)
        return np.where(under, chosen, -1)

    def provider_ids(self, number: Ints) -> pl.Series:
        """The system's own identifiers."""
        return labels([f"PT{n:04d}" for n in range(1, self.count + 1)], number)

    def _provider_rows(self, number: Ints, month: Month) -> pl.DataFrame:
        """The contract's columns as text; an end is told when it has come."""
        places = [*self._parameters.area, _OUTSIDE]
        until = self.approved_to[number]
        known = np.where(until <= month.last, until, NEVER)
        swedish = (self.place[number] >= len(places) - 3) | (number % 11 == month.index % 11)
        services = [
            ",".join(
                sorted(s for s, is_offered in zip(self.services, row, strict=True) if is_offered)
            )
            for row in self.offers
        ]
        ids = [f"PT{n:04d}" for n in range(1, self.count + 1)]
        return pl.DataFrame(
            {
                "voucher_provider_id": self.provider_ids(number),
                "business_id": labels(
                    [business_id(_NOT_SITES + n) for n in range(self.count)], number
                ),
                "provider_name": labels(self._names, number),
                "sector_code": self._sectors.gather(pl.Series(number)),
                "service_codes": labels(services, number),
                "approved_from_date": date_text(self.approved_from[number], DATE),
                "approved_to_date": date_text(known, DATE),
                "facilitator_provider_id": labels([*ids, None], self._facilitator[number]),
                "municipality_code": labels(places, self.place[number]),
                "language_codes": labels(("fi", "fi,sv"), swedish.astype(np.int64)),
            }
        )

    def _providers_of(self, month: Month) -> Ints:
        """Who is new or changed in a month; at first all but those who come later."""
        index, first = month.index, self._months[0]
        appears = np.searchsorted([m.first for m in self._months], self.approved_from, side="right")
        appears = np.maximum(appears - 1, 0)
        appears[_LATE] = 0  # listed before its approval has begun
        ended = (self.approved_to >= month.first) & (self.approved_to <= month.last)
        chosen = (appears == index) | (ended & (appears <= index))
        changed = (appears < index) & ((np.arange(self.count) - 7 * index) % self.count < 1)
        return np.flatnonzero(chosen | (changed & (first.index < index)))

    # Prices.

    def _first_prices(self) -> _Prices:
        rng, settings = self._rng, self._settings
        provider, service = np.nonzero(self.offers)
        median = np.array([s["cents"] for s in settings["services"].values()])[service]
        level = np.exp(settings["price_spread"] * rng.normal(size=len(provider)))
        return _Prices(
            provider=provider,
            service=service,
            cents=np.rint(median * level / 10).astype(np.int64) * 10,
            start=self.approved_from[provider],
            end=np.full(len(provider), NEVER),
        )

    def _all_months(self) -> Ints:
        """Let prices change month by month; what each month's file brings is noted."""
        found = np.zeros((len(self._months), self.count, len(self.services)), dtype=np.int64)
        begins = self._prices.start
        appears = np.searchsorted([m.first for m in self._months], begins, side="right") - 1
        for month in self._months:
            new = np.flatnonzero(np.maximum(appears, 0) == month.index)
            changed = self._change(month) if month.index else (new[:0], new[:0])
            self._touched.append([new, *changed])
            prices = self._prices
            for i in np.argsort(prices.start, kind="stable").tolist():
                if prices.start[i] <= month.last:
                    found[month.index, prices.provider[i], prices.service[i]] = prices.cents[i]
        return found

    def _change(self, month: Month) -> tuple[Ints, Ints]:
        """Prices that end expressly, and those that begin, on the month's first day."""
        rng, settings, prices = self._rng, self._settings, self._prices
        is_newest = np.zeros(len(prices.cents), dtype=np.bool_)
        place = prices.provider * len(self.services) + prices.service
        is_newest[len(place) - 1 - np.unique(place[::-1], return_index=True)[1]] = True
        share = settings["price_change_in_january" if month.number == 1 else "price_change_a_month"]
        chosen = is_newest & (prices.start < month.first) & some(rng, share, size=len(place))
        if not chosen.any():
            chosen[np.flatnonzero(is_newest & (prices.start < month.first))[:1]] = True
        old = np.flatnonzero(chosen)
        low, high = settings["price_rise"]
        rise = 1 + rng.uniform(low, high, len(old))
        cents = np.rint(prices.cents[old] * rise / 10).astype(np.int64) * 10
        closed = old[some(rng, settings["old_price_closed_share"], size=len(old))]
        prices.end[closed] = month.first
        new = _Prices(
            prices.provider[old],
            prices.service[old],
            cents,
            np.full(len(old), month.first),
            np.full(len(old), NEVER),
        )
        self._prices = prices.joined(new)
        return closed, len(place) + np.arange(len(old))

    def _price_rows(self, number: Ints, *, is_open: bool, wrong: bool = False) -> pl.DataFrame:
        """The contract's columns as text; `is_open` before the end of a price is known."""
        prices, settings = self._prices, list(self._settings["services"].values())
        service = prices.service[number]
        end = np.full(len(number), NEVER) if is_open else prices.end[number]
        cents = prices.cents[number] * (10 if wrong else 1)
        return pl.DataFrame(
            {
                "price_id": pl.Series(number + 1).cast(pl.String),
                "voucher_provider_id": self.provider_ids(prices.provider[number]),
                "service_code": labels(self.services, service),
                "unit_code": labels([s["unit"] for s in settings], service),
                "unit_price_eur": hundredths_text(cents),
                "vat_code": labels([s["vat"] for s in settings], service),
                "vat_pct": labels([f"{s['rate']},0" for s in settings], service),
                "valid_from_date": date_text(prices.start[number], DATE),
                "valid_to_date": date_text(end, DATE),
            }
        )

    # Deliveries.

    def deliver(self, sender: Sender, month: Month) -> None:
        """Send a month's new and changed providers and prices."""
        sender.send(PROVIDERS, month, self._provider_rows(self._providers_of(month), month))
        new, closed, begun = self._touched[month.index]
        self._misprice(sender, month)
        rows = [self._price_rows(n, is_open=True) for n in (new, begun)]
        rows.insert(1, self._price_rows(closed, is_open=False))
        sender.send(PRICES, month, pl.concat(rows))

    def _misprice(self, sender: Sender, month: Month) -> None:
        """In the first month, plan a price to be sent ten times too high next, then as it was."""
        if month.index or len(self._months) < 3:
            return
        busy = np.concatenate([n for later in self._touched[1:3] for n in later])
        able = np.setdiff1d(self._touched[0][0], busy)
        one = able[self._prices.end[able] == NEVER][:1]
        wrong = self._price_rows(one, is_open=True, wrong=True)
        right = self._price_rows(one, is_open=True)
        sender.send_later(PRICES, np.array([1]), wrong)
        sender.send_later(PRICES, np.array([2]), right)
        for index, rows in ((1, wrong), (2, right)):
            sequence = self._months[index].sequence
            keys = rows["price_id"].to_list()
            sender.manifest.count("corrections", PRICES, sequence=sequence, keys=keys)

    def note(self, manifest: Manifest) -> None:
        """List in the manifest the providers that are approved late or withdrawn."""
        first, last = self._months[0].first, self._months[-1].last
        late = np.flatnonzero((self.approved_from > first) & (self.approved_from <= last))
        ended = np.flatnonzero((self.approved_to >= first) & (self.approved_to <= last))
        manifest.voucher_oddities["approved_late"] = (late + 1).tolist()
        manifest.voucher_oddities["withdrawn"] = (ended + 1).tolist()


def hundredths_text(hundredths: Ints) -> pl.Series:
    """Whole hundredths with two decimals and a decimal comma."""
    number = pl.Series(np.abs(hundredths))
    whole = (number // 100).cast(pl.String)
    text = whole + "," + (number % 100).cast(pl.String).str.zfill(2)
    sign = labels(("", "-"), (hundredths < 0).astype(np.int64))
    return sign + text
