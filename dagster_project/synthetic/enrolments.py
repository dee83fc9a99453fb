"""Residents' choices of a private provider, and how the portal reports them.

Here: who chooses which site when, changes, returns, ends known late, sites corrected. Not here:
what it means to be enrolled. Days count from 1970-01-01; an enrolment lasts until the day before
its end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from dagster_project.synthetic.contacts import Choices
from dagster_project.synthetic.draws import Chooser, Floats, Ints, age_groups, ages, choose
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import NEVER, SECONDS_A_DAY, Month, day_number, window
from dagster_project.synthetic.outbox import Outbox
from dagster_project.synthetic.parameters import Parameters
from dagster_project.synthetic.people import People

ENROLMENTS = "enrolment_portal/enrolments"
IDS_A_CHUNK = 1_000_000
SERVICES = ("reception", "dental")
_HALF_YEAR = 183
_FEWEST = (32, 28)
"""Choices of reception in the first two months, however small the region: its files must hold more
good rows than planted bad ones."""


class Portal:
    """The enrolments of one chunk of people."""

    def __init__(
        self,
        people: People,
        parameters: Parameters,
        manifest: Manifest,
        *,
        chunk: int,
        months: Sequence[Month],
        planted: Ints,
    ) -> None:
        shape = (len(people), len(SERVICES))
        self.chosen = Choices(np.full(shape, -1, dtype=np.int64), np.full(shape, NEVER))
        self._serial = np.full(shape, -1, dtype=np.int64)
        self._people = people
        self._parameters = parameters
        self._manifest = manifest
        self._months = months
        self._next_serial = (chunk + 1) * IDS_A_CHUNK
        self._is_first_chunk = chunk == 0
        self._outbox = Outbox()
        self._quota = _quota(parameters)
        self._planted = planted

    def advance(self, rng: np.random.Generator, month: Month) -> pl.DataFrame | None:
        """The rows that the portal sends for a month, or None before the first choices."""
        if month.sequence < self._parameters.enrolments["first_month"]:
            return None
        rows = [self._empty()]
        for service in range(len(SERVICES)):
            rows.append(self._ends_of_leavers(rng, month, service))
            rows.append(self._changes(rng, month, service))
            rows.append(self._new_choices(rng, month, service))
        if len(self._planted):
            rows.append(self._planted_rows(rng, month))
        own = pl.concat(rows)
        # An enrolment occurs once in an increment: its newest row says all.
        waited = self._outbox.due(month.index, own.clear())
        stale = waited["serial"].is_in(own["serial"].implode())
        return pl.concat([own, waited.filter(~stale)])

    def _empty(self) -> pl.DataFrame:
        nobody = np.zeros(0, dtype=np.int64)
        return self._rows(nobody, 0, end=nobody, updated=nobody, channel=nobody)

    def _rows(
        self, person: Ints, service: int, *, end: Ints, updated: Ints, channel: Ints
    ) -> pl.DataFrame:
        """Rows of the present enrolments of some people."""
        return pl.DataFrame(
            {
                "serial": self._serial[person, service],
                "person": person,
                "service": np.full(len(person), service),
                "site": self.chosen.site[person, service],
                "start": self.chosen.since[person, service],
                "end": end,
                "channel": channel,
                "updated": updated,
            }
        )

    def _saved(self, rng: np.random.Generator, month: Month, size: int) -> Ints:
        """Office hours of some day of the month."""
        day = month.first + rng.integers(0, month.days, size)
        return day * SECONDS_A_DAY + rng.integers(8 * 3600, 18 * 3600, size)

    def _channels(self, rng: np.random.Generator, size: int) -> Ints:
        weights = list(self._parameters.enrolments["channels"].values())
        return choose(rng, weights, size=size)

    def _close(
        self,
        rng: np.random.Generator,
        month: Month,
        person: Ints,
        *,
        service: int,
        end: Ints,
        all_late: bool = False,
    ) -> pl.DataFrame:
        """End enrolments; of some the portal says so one increment later."""
        rows = self._rows(
            person,
            service,
            end=np.maximum(end, self.chosen.since[person, service] + 1),
            updated=self._saved(rng, month, len(person)),
            channel=self._channels(rng, len(person)),
        )
        late = rng.random(len(person)) < self._parameters.enrolments["end_known_late"]
        late |= all_late
        late &= month.index + 1 < len(self._months)
        self._send_late(rows.filter(late), month)
        self.chosen.site[person, service] = -1
        self.chosen.since[person, service] = NEVER
        return rows.filter(~late)

    def _send_late(self, rows: pl.DataFrame, month: Month) -> None:
        following = month.days * SECONDS_A_DAY
        self._outbox.put(month.index + 1, rows.with_columns(pl.col("updated") + following))
        self._list(self._manifest.late_ends, rows["serial"].to_numpy(), month)

    def _list(self, section: list[dict[str, object]], serials: Ints, month: Month) -> None:
        section.extend(
            {"enrolment_id": enrolment_id(s), "sequence": month.sequence} for s in serials.tolist()
        )

    def _ends_of_leavers(
        self, rng: np.random.Generator, month: Month, service: int
    ) -> pl.DataFrame:
        leaves = (self._people.gone == month.index) & (self.chosen.site[:, service] >= 0)
        person = np.flatnonzero(leaves)
        end = self._people.exit_day[person] + 1
        return self._close(rng, month, person, service=service, end=end)

    def _changes(self, rng: np.random.Generator, month: Month, service: int) -> pl.DataFrame:
        """Changes to another site, which end one enrolment and begin another, and returns."""
        settings = self._parameters.enrolments
        since = self.chosen.since[:, service]
        can = (self.chosen.site[:, service] >= 0) & (since < month.first) & ~self._people.steady
        held = month.first - since
        change = np.where(
            held >= _HALF_YEAR, settings["change_a_month"], settings["early_change_a_month"]
        )
        point = rng.random(len(since))
        changing = np.flatnonzero(can & (point < change))
        returning = can & (point >= change) & (point < change + settings["back_to_public_a_month"])
        rows = [self._change(rng, month, changing, service=service)]
        person = np.flatnonzero(returning)
        end = month.first + rng.integers(0, month.days, len(person))
        rows.append(self._close(rng, month, person, service=service, end=end))
        return pl.concat(rows)

    def _change(
        self, rng: np.random.Generator, month: Month, person: Ints, *, service: int
    ) -> pl.DataFrame:
        day = month.first + rng.integers(0, month.days, len(person))
        held = day - self.chosen.since[person, service]
        previous = self.chosen.site[person, service]
        ended = self._close(rng, month, person, service=service, end=day)
        opened = self._open(rng, month, person, service=service, start=day, avoid=previous)
        early = self._serial[person[held < _HALF_YEAR], service]
        self._list(self._manifest.early_changes, early, month)
        return pl.concat([ended, opened])

    def _new_choices(self, rng: np.random.Generator, month: Month, service: int) -> pl.DataFrame:
        settings = self._parameters.enrolments
        people = self._people
        free = people.present(month) & (people.exit_day == NEVER) & (people.birth < month.first)
        free &= (self.chosen.site[:, service] < 0) & (people.entry_day < month.first)
        # A window that begins late opens with all who had chosen by then.
        since = settings["first_month"] if month.index == 0 else month.sequence
        share = sum(v for k, v in self._quota.items() if since <= k <= month.sequence)
        goal = settings["services"][SERVICES[service]]["share_at_end"] * settings["gross_factor"]
        count = int(rng.poisson(share * goal * free.sum()))
        if service == 0:
            count = max(count, self._fewest(month))
        willing = np.array(settings["by_age"])[age_groups(ages(people.birth, month.first))]
        person = _pick(rng, willing * free * ~people.steady, count)
        start = month.first + rng.integers(0, month.days + 14, len(person))
        return self._open(rng, month, person, service=service, start=start)

    def _fewest(self, month: Month) -> int:
        if not self._is_first_chunk:
            return 0
        opening = self._parameters.enrolments["first_month"]
        passed = sum(opening <= m.sequence < month.sequence for m in self._months)
        return _FEWEST[passed] if passed < len(_FEWEST) else 0

    def _open(
        self,
        rng: np.random.Generator,
        month: Month,
        person: Ints,
        *,
        service: int,
        start: Ints,
        avoid: Ints | None = None,
    ) -> pl.DataFrame:
        """Begin enrolments; a few are first sent with the wrong site."""
        site = self._sites(rng, month, person, service)
        if avoid is not None:
            again = self._sites(rng, month, person, service)
            site = np.where(site == avoid, again, site)
        self.chosen.site[person, service] = site
        self.chosen.since[person, service] = start
        self._serial[person, service] = self._next_serial + np.arange(len(person))
        self._next_serial += len(person)
        rows = self._rows(
            person,
            service,
            end=np.full(len(person), NEVER),
            updated=self._saved(rng, month, len(person)),
            channel=self._channels(rng, len(person)),
        )
        wrong = rng.random(len(person)) < self._parameters.enrolments["wrong_site"]
        return self._with_wrong_sites(
            rng, rows, month, service=service, wrong=np.flatnonzero(wrong)
        )

    def _with_wrong_sites(
        self,
        rng: np.random.Generator,
        rows: pl.DataFrame,
        month: Month,
        *,
        service: int,
        wrong: Ints,
    ) -> pl.DataFrame:
        """Send some with another site first, and the right one in the next increment."""
        if not len(wrong) or month.index + 1 == len(self._months):
            return rows
        right = rows[wrong.tolist()]
        following = month.days * SECONDS_A_DAY
        self._outbox.put(month.index + 1, right.with_columns(pl.col("updated") + following))
        self._list(self._manifest.wrong_sites, right["serial"].to_numpy(), month)
        options = self._open_sites(month, service)
        other = [next(o for o in options if o != s) for s in right["site"]]
        return rows.with_columns(rows["site"].scatter(wrong.tolist(), other))

    def _open_sites(self, month: Month, service: int) -> Ints:
        """Private sites that take clients in a month."""
        providers = self._parameters.sites["providers"]
        number = {site: n for n, site in enumerate(self._parameters.site_ids)}
        found = [
            number[row[0]]
            for row in self._parameters.sites["sites"]
            if providers[row[2]]["sector"] == "private"
            and row[3] == SERVICES[service]
            and day_number(row[6]) <= month.first
        ]
        return np.unique(np.array(found))

    def _sites(self, rng: np.random.Generator, month: Month, person: Ints, service: int) -> Ints:
        """Mostly a site in one's own municipality, where there is one."""
        options = self._open_sites(month, service)
        where = {row[0]: row[4] for row in self._parameters.sites["sites"]}
        weight = self._parameters.enrolments["distance_weights"]
        table = [
            [
                weight[
                    "own_municipality" if where[self._parameters.site_ids[o]] == home else "other"
                ]
                for o in options
            ]
            for home in self._parameters.area
        ]
        return options[Chooser.of(table).choose(rng, self._people.home[person])]

    def _planted_rows(self, rng: np.random.Generator, month: Month) -> pl.DataFrame:
        """A wrong site, an early change, a return known late, and a row to send every month."""
        steady = self._planted
        if self.chosen.site[steady[3], 0] < 0:
            start = np.full(len(steady), month.first + 3)
            rows = self._open(rng, month, steady, service=0, start=start)
            mistaken = np.flatnonzero(rows["person"].to_numpy() == steady[0])
            return self._with_wrong_sites(rng, rows, month, service=0, wrong=mistaken)
        if self.chosen.since[steady[2], 0] < NEVER:
            changed = self._change(rng, month, steady[1:2], service=0)
            end = np.array([month.first + 10])
            back = self._close(rng, month, steady[2:3], service=0, end=end, all_late=True)
            return pl.concat([changed, back])
        one = steady[3:4]
        again = self._saved(rng, month, 1)
        channel = self._channels(rng, 1)
        return self._rows(one, 0, end=np.array([NEVER]), updated=again, channel=channel)


def _quota(parameters: Parameters) -> dict[int, float]:
    """Share of all choices that is made in each month from the first to the last; the sum is 1."""
    settings = parameters.enrolments
    first, last = settings["first_month"], settings["last_month"]
    count = (last // 100 - first // 100) * 12 + last % 100 - first % 100 + 1
    falling = settings["monthly_factor"] ** np.arange(count - 1)
    rest = (1 - settings["first_month_share"]) * falling / falling.sum()
    shares = [settings["first_month_share"], *rest.tolist()]
    return {m.sequence: s for m, s in zip(window(first, count), shares, strict=True)}


def _pick(rng: np.random.Generator, weights: Floats, count: int) -> Ints:
    """`count` different people by weight; fewer if fewer have any."""
    count = min(count, int((weights > 0).sum()))
    keys = np.full(len(weights), np.inf)
    np.divide(rng.exponential(size=len(weights)), weights, out=keys, where=weights > 0)
    return np.argsort(keys, kind="stable")[:count]


def enrolment_id(serial: int) -> str:
    """The portal's identifier."""
    return f"L{serial:012d}"
