"""Access to care: waits, free appointments, contact channels, named professionals.

Here: drawing them by the shares of `access.yaml`. Not here: the visits that were waited for
(`contacts`), how rows reach their files (`sending`). Two tables tell of sites, not of persons.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from dagster_project.synthetic.clinical import DATE, TIME, Numbers, Visits, kinds_like, tenths_text
from dagster_project.synthetic.contacts import ContactModel
from dagster_project.synthetic.draws import (
    Chooser,
    Floats,
    Ints,
    Mask,
    choose,
    date_text,
    labels,
    some,
    time_text,
)
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import EPOCH, NEVER, SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender

ACCESS, THIRD_NEXT, CHANNELS, NAMED = (
    "apotti/access_events",
    "apotti/third_next_available",
    "apotti/contact_channels",
    "apotti/named_professional",
)
_HOUR = 3600
_VARIANTS = 6


class Access:
    """Access events of one chunk, month by month."""

    def __init__(
        self, rng: np.random.Generator, people: People, model: ContactModel, *, first_id: int
    ) -> None:
        self._rng = rng
        self._people = people
        self._model = model
        settings: Section = model.parameters.access["events"]
        self._settings = settings
        self._is_waited_for = kinds_like(model, settings["visits"])
        waits = settings["waits"]
        kinds = model.settings["kinds"]
        unwaited = [1.0, 0.0, 0.0, 0.0, 0.0]
        self._class = Chooser.of([waits.get(k["profession"], unwaited) for k in kinds])
        self._ends = np.array(settings["class_ends"])
        self._numbers = Numbers(first_id)

    def deliver(self, sender: Sender, visits: Visits, identities: Identities) -> None:
        """Send a month's visits that were waited for, and for each month past its contacts."""
        rng, settings, month = self._rng, self._settings, visits.month
        able = self._is_waited_for[visits.kind] & (visits.urgency == 0)
        at = np.flatnonzero(able & some(rng, settings["new_matter_share"], size=len(visits)))
        contacted, assessed, booked = self._before(visits, at)
        rows = self._rows(visits, at, contacted, assessed, booked)
        begun = _month_of(sender, contacted // SECONDS_A_DAY)
        in_the_past = begun < month.index
        unvisited = _without_visit(rows, booked)
        codes = identities.codes_at(visits.person[at], np.maximum(begun, 0))
        first = unvisited.with_columns(person_id=codes).filter(in_the_past)
        sender.send_earlier(ACCESS, begun[in_the_past], first)
        never = ~in_the_past & some(rng, settings["unvisited_share"], size=len(at))
        lost = unvisited.filter(never)
        lost = lost.with_columns(access_event_id=self._numbers.take(len(lost)))
        rows = sender.hold_back(ACCESS, month, pl.concat([rows, lost]), settings["late_share"])
        chosen = rows.filter(some(rng, settings["corrected_share"], size=len(rows)))
        sender.correct(ACCESS, month, chosen.with_columns(reason_code=pl.lit("own_wish")))
        sender.send(ACCESS, month, rows)

    def _before(self, visits: Visits, at: Ints) -> tuple[Ints, Ints, Ints]:
        """When the contact was made, the need assessed and the time booked."""
        rng, settings = self._rng, self._settings
        visited = visits.started[at]
        day = visited // SECONDS_A_DAY
        wait = self._waits(visits.kind[at])
        contact_day = day - wait
        contact_day -= np.maximum((contact_day + 3) % 7 - 4, 0) * (wait > 0)  # weekends: Friday
        contact_day = np.maximum(contact_day, np.minimum(self._since(visits, at), day))
        # In the morning before a visit of the same day, any office hour of an earlier one.
        latest = np.where(
            contact_day == day, visited - 600, contact_day * SECONDS_A_DAY + 16 * _HOUR
        )
        earliest = np.minimum(contact_day * SECONDS_A_DAY + 7 * _HOUR, latest)
        contacted = earliest + (rng.random(len(at)) * (latest - earliest)).astype(np.int64)
        assessed = contacted + (rng.random(len(at)) * np.minimum(latest - contacted, 7200)).astype(
            np.int64
        )
        later = some(rng, settings["assessed_later_share"], size=len(at)) & (contact_day < day - 4)
        assessed += later * rng.integers(1, 4, len(at)) * SECONDS_A_DAY
        booked = assessed + np.minimum(
            rng.integers(60, 600, len(at)), np.maximum(visited - assessed, 0)
        )
        return contacted, assessed, booked

    def _waits(self, kind: Ints) -> Ints:
        """Days from contact to visit."""
        rng = self._rng
        chosen = self._class.choose(rng, kind)
        low = np.concatenate([[1], self._ends[:-1] + 1])[chosen]
        days = low + (rng.random(len(kind)) * (self._ends[chosen] - low + 1)).astype(np.int64)
        today = (chosen == 0) & some(rng, self._settings["same_day_share"], size=len(kind))
        return np.where(today, 0, days)

    def _since(self, visits: Visits, at: Ints) -> Ints:
        """First day on which the client was in the area."""
        people, person = self._people, visits.person[at]
        return np.maximum(people.entry_day[person], people.birth[person])

    def _rows(
        self, visits: Visits, at: Ints, contacted: Ints, assessed: Ints, booked: Ints
    ) -> pl.DataFrame:
        rng, settings, kinds = self._rng, self._settings, self._model.settings["kinds"]
        professions = self._model.settings["professions"]
        kind = visits.kind[at]
        names = list(settings["reasons"])
        reason = labels(names, choose(rng, list(settings["reasons"].values()), size=len(at)))
        is_soon = visits.day[at] - assessed // SECONDS_A_DAY <= 14
        unrecorded = some(rng, settings["assessment_unrecorded_share"], size=len(at))
        return pl.DataFrame(
            {
                "access_event_id": self._numbers.take(len(at)),
                "person_id": visits.codes.gather(pl.Series(at)),
                "site_id": labels(self._model.parameters.site_ids, visits.site[at]),
                "contacted_at": time_text(pl.Series(contacted), TIME),
                "assessed_at": time_text(pl.Series(assessed), TIME).set(
                    pl.Series(unrecorded), None
                ),
                "booked_at": time_text(pl.Series(booked), TIME),
                "visit_encounter_id": pl.Series(visits.ids[at]).cast(pl.String),
                "visited_at": time_text(pl.Series(visits.started[at]), TIME),
                "service_code": labels([k["service"] for k in kinds], kind),
                "profession_code": labels([professions[k["profession"]] for k in kinds], kind),
                "urgency_code": labels(("1",), np.zeros(len(at), dtype=np.int64)),
                "reason_code": reason.set(pl.Series(is_soon), None),
                "updated_at": time_text(pl.Series(visits.updated[at]), TIME),
                "is_protected": visits.is_protected[at],
            }
        )


def _without_visit(rows: pl.DataFrame, booked: Ints) -> pl.DataFrame:
    """The same events before their visits, as they were saved when the time was booked."""
    nothing = pl.lit(None, pl.String)
    return rows.with_columns(
        visit_encounter_id=nothing,
        visited_at=nothing,
        reason_code=nothing,
        updated_at=time_text(pl.Series(booked), TIME),
    )


def _month_of(sender: Sender, day: Ints) -> Ints:
    """Index of the month that a day lies in; -1 before the window."""
    starts = np.array([m.first for m in sender.months])
    return np.searchsorted(starts, day, side="right") - 1


class Sites:
    """Free appointments and contact channels of the region's sites, month by month."""

    def __init__(self, rng: np.random.Generator, parameters: Parameters, *, residents: int) -> None:
        self._rng = rng
        self._settings = parameters.access
        public = {
            p for p, row in parameters.sites["providers"].items() if row["sector"] == "public"
        }
        sites = {row[0]: row for row in reversed(parameters.sites["sites"])}  # the first period
        rows = [row for row in sites.values() if row[3] in ("reception", "dental")]
        self._sites = [(row[0], row[3], row[2] in public, (row[6] - EPOCH).days) for row in rows]
        self._t3 = self._calendars()
        stations = [s for s in self._sites if s[2]]
        calls = residents * self._settings["contact_channels"]["calls_per_resident_week"]
        self._calls = {s[0]: calls / len(stations) * rng.uniform(0.5, 1.5) for s in stations}

    def _calendars(self) -> list[tuple[str, str, int, float]]:
        """Site, profession, first day and present level (log days) of each calendar."""
        settings = self._settings["third_next_available"]
        found = []
        for site, service, is_public, opened in self._sites:
            for profession, medians in settings["professions"][service].items():
                median = medians[0] if is_public else medians[1]
                level = np.log(median) + settings["spread"] * self._rng.normal()
                found.append((site, profession, opened, float(level)))
        return found

    def deliver(self, sender: Sender, month: Month) -> None:
        """Send a month's weekly figures."""
        self._send(sender, THIRD_NEXT, month, self._third_next(month))
        self._send(sender, CHANNELS, month, self._channels(month))

    def _send(self, sender: Sender, key: str, month: Month, rows: pl.DataFrame) -> None:
        share = self._settings[key.split("/")[1]]["corrected_share"]
        chosen = rows.filter(some(self._rng, share, size=len(rows)))
        column = "without_named_days" if key == THIRD_NEXT else "abandoned_count"
        sender.correct(key, month, chosen.with_columns(pl.lit("0").alias(column)))
        sender.send(key, month, rows)

    def _third_next(self, month: Month) -> pl.DataFrame:
        """Every Tuesday, of each calendar that is open and was measured."""
        settings, rng = self._settings["third_next_available"], self._rng
        days = [d for d in range(month.first, month.last + 1) if (d + 3) % 7 == 1]
        opened = np.array([c[2] for c in self._t3])
        level = np.array([c[3] for c in self._t3])
        home = level.copy()
        has_named = np.array([c[1] in settings["named"] for c in self._t3])
        blocks = []
        for day in days:
            stray = settings["weekly_change"] * rng.normal(size=(2, len(level)))
            level = home + 0.8 * (level - home) + stray[0]
            most = settings["most_days"]
            without = np.minimum(np.rint(np.exp(level)), most).astype(np.int64)
            named = np.minimum(np.rint(np.exp(level + 0.1 + stray[1])), most).astype(np.int64)
            measured = (opened <= day) & ~some(rng, settings["unmeasured_share"], size=len(level))
            frame = pl.DataFrame(
                {
                    "site_id": [c[0] for c in self._t3],
                    "profession_code": [c[1] for c in self._t3],
                    "measured_date": date_text(np.full(len(level), day), DATE),
                    "with_named_days": pl.Series(named)
                    .cast(pl.String)
                    .set(pl.Series(~has_named), None),
                    "without_named_days": pl.Series(without).cast(pl.String),
                    "updated_at": time_text(
                        pl.Series(np.full(len(level), day * SECONDS_A_DAY + 15 * _HOUR)), TIME
                    ),
                }
            )
            blocks.append(frame.filter(measured))
        return pl.concat(blocks)

    def _channels(self, month: Month) -> pl.DataFrame:
        """Weeks whose Sunday lies in the month."""
        weeks = [d - 6 for d in range(month.first, month.last + 1) if (d + 3) % 7 == 6]
        sites = [(site, week, calls) for week in weeks for site, calls in self._calls.items()]
        calls = self._rng.poisson([s[2] for s in sites])
        messages = self._rng.poisson(
            calls * self._settings["contact_channels"]["messages_per_call"]
        )
        names, week = [s[0] for s in sites], np.array([s[1] for s in sites])
        return pl.concat(
            [self._telephone(names, week, calls), self._messages(names, week, messages)]
        )

    def _telephone(self, sites: list[str], week: Ints, arrived: Ints) -> pl.DataFrame:
        settings, rng = self._settings["contact_channels"], self._rng
        answered = rng.binomial(arrived, settings["answered"])
        given_up = rng.binomial(arrived - answered, settings["given_up"])
        queue = _around(rng, settings["queue_minutes"], size=len(sites))
        callback = _around(rng, settings["callback_minutes"], size=len(sites))
        every = np.ones(len(sites), dtype=np.bool_)
        return _channel_rows("telephone", sites, week, arrived, answered).with_columns(
            abandoned_count=pl.Series(given_up).cast(pl.String),
            queue_minutes=tenths_text(queue, every),
            callback_minutes=tenths_text(callback, every),
        )

    def _messages(self, sites: list[str], week: Ints, arrived: Ints) -> pl.DataFrame:
        settings, rng = self._settings["contact_channels"], self._rng
        answered = rng.binomial(arrived, settings["messages_answered"])
        share = np.clip(settings["messages_in_2_days"] + 0.06 * rng.normal(size=len(sites)), 0, 1)
        soon = rng.binomial(answered, share)
        return _channel_rows("digital_message", sites, week, arrived, answered).with_columns(
            answered_in_2_days_count=pl.Series(soon).cast(pl.String)
        )


def _around(rng: np.random.Generator, median: float, *, size: int) -> Ints:
    """Tenths spread around a median."""
    tenths: Ints = np.rint(10 * median * np.exp(0.35 * rng.normal(size=size))).astype(np.int64)
    return tenths


def _channel_rows(
    channel: str, sites: list[str], week: Ints, arrived: Ints, answered: Ints
) -> pl.DataFrame:
    nothing = pl.lit(None, pl.String)
    closed = (week + 7) * SECONDS_A_DAY + 9 * _HOUR
    return pl.DataFrame(
        {
            "site_id": sites,
            "channel_code": [channel] * len(sites),
            "week_start_date": date_text(week, DATE),
            "arrived_count": pl.Series(arrived).cast(pl.String),
            "answered_count": pl.Series(answered).cast(pl.String),
            "updated_at": time_text(pl.Series(closed), TIME),
        }
    ).with_columns(
        abandoned_count=nothing,
        queue_minutes=nothing,
        callback_minutes=nothing,
        answered_in_2_days_count=nothing,
    )


class NamedProfessionals:
    """Who is whose named professional in one chunk, month by month."""

    def __init__(
        self,
        rng: np.random.Generator,
        people: People,
        parameters: Parameters,
        condition_count: Ints,
        *,
        first_day: int,
    ) -> None:
        self._rng = rng
        self._people = people
        self._settings: Section = parameters.access["named_professional"]
        self._is_ill = condition_count > 0
        size = len(people)
        share: Floats = np.array(self._settings["share"])[condition_count]
        has_one = (rng.random(size) < share) & (people.entry_day < first_day)
        self._named = np.where(has_one, self._chosen(np.arange(size)), -1)
        self._is_doctor = some(rng, self._settings["is_doctor_share"], size=size)
        self._since = first_day - 1 - rng.integers(0, 2_500, size)
        self._is_new = has_one.copy()

    def _chosen(self, person: Ints) -> Ints:
        """A professional of the station that each person belongs to."""
        many = self._settings["professionals_per_site"]
        station = self._people.home[person] * _VARIANTS + person % _VARIANTS
        chosen: Ints = station * many + self._rng.integers(0, many, len(person))
        return chosen

    def deliver(self, sender: Sender, month: Month, current: pl.Series, hidden: Mask) -> None:
        """Send the periods that began or ended; at first those that go on."""
        rng, people = self._rng, self._people
        present = people.present(month)
        left = (people.gone == month.index) & (self._named >= 0)
        stays = present & ~left & (people.entry_day < month.first)
        change = some(rng, self._settings["change_a_month"], size=len(people))
        change &= stays & (self._named >= 0)
        change[np.flatnonzero(stays & (self._named >= 0))[:1]] |= not change.any()  # a file a month
        gain = some(rng, self._settings["named_a_month"], size=len(people))
        gain &= stays & (self._named < 0) & self._is_ill
        day = month.first + rng.integers(0, month.days, len(people))
        ended = np.where(left, people.exit_day + 1, day)
        old = np.flatnonzero((change | left) & (self._since < ended))
        # Only ends come late: a beginning that did might meet its own end in one file.
        ends = self._rows(old, ended[old], current, hidden, month)
        rows = [sender.hold_back(NAMED, month, ends, self._settings["late_share"])]
        initial = np.flatnonzero(self._is_new & present & ~change & ~left)
        rows.append(self._rows(initial, np.full(len(initial), NEVER), current, hidden, month))
        self._is_new[:] = False
        self._named[left] = -1
        new = np.flatnonzero((change & (self._since < ended)) | gain)
        self._named[new], self._since[new] = self._chosen(new), day[new]
        rows.append(self._rows(new, np.full(len(new), NEVER), current, hidden, month))
        sender.send(NAMED, month, pl.concat(rows))

    def _rows(
        self, person: Ints, ended: Ints, current: pl.Series, hidden: Mask, month: Month
    ) -> pl.DataFrame:
        saved = np.maximum(np.where(ended < NEVER, ended, self._since[person]), month.first)
        saved = np.minimum(saved, month.last) * SECONDS_A_DAY
        saved += self._rng.integers(8 * _HOUR, 16 * _HOUR, len(person))
        number = pl.Series(100_000 + self._named[person]).cast(pl.String)
        return pl.DataFrame(
            {
                "person_id": current.gather(pl.Series(person)),
                "service_code": labels(("T11",), np.zeros(len(person), dtype=np.int64)),
                "valid_from_date": date_text(self._since[person], DATE),
                "professional_id": "A" + number,
                "profession_code": labels(
                    ("32311", "2221"), self._is_doctor[person].astype(np.int64)
                ),
                "valid_to_date": date_text(ended, DATE),
                "updated_at": time_text(pl.Series(saved), TIME),
                "is_protected": hidden[person],
            }
        )
