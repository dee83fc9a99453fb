"""What residents, next of kin, providers and professionals say, chunk by chunk.

Here: the portal's forms of health and its flags, and the order of things. Not here: surveys
(`surveys`), what is counted over all chunks and reported once (`tallies`, `expert_team`,
`scorecards`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from dagster_project.synthetic.clinical import Visits
from dagster_project.synthetic.contacts import IDS_A_CHUNK, Choices
from dagster_project.synthetic.draws import Floats, Ints, Mask, ages, labels, some, time_text
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import EPOCH, SECONDS_A_DAY, Month
from dagster_project.synthetic.opinions import (
    Health,
    NeedAt,
    answering,
    answers,
    pick,
    words,
)
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons
from dagster_project.synthetic.surveys import (
    Experience,
    PatientReported,
    Serials,
    codes_typed,
    items_of,
    note_codes,
    with_code,
)
from dagster_project.synthetic.tallies import FLAGS, Tallies

HEALTH_SURVEY = "enrolment_portal/health_survey"
PORTAL_TIME = "%Y-%m-%dT%H:%M:%S"
_HOUR = 3600
_PROMIS = "PROMIS-10"


class Feedback:
    """The feedback sources of one chunk of people."""

    def __init__(
        self,
        sender: Sender,
        *,
        people: People,
        identities: Identities,
        parameters: Parameters,
        chosen: Choices,
        tallies: Tallies,
        need: NeedAt,
        number: int,
    ) -> None:
        rng, region = sender.rng, sender.manifest.region
        first_id, is_first = (number + 1) * IDS_A_CHUNK, number == 0
        health = Health(rng, people, parameters.feedback["health"], need)
        self._sender, self._identities = sender, identities
        self._forms = HealthSurvey(rng, people, parameters, health, chosen, first_id=first_id)
        self._panels = PatientReported(
            rng, people, parameters, health, need, first_id=first_id, is_first=is_first
        )
        self._experience = Experience(
            rng, people, parameters, seed=region["seed"], first_id=first_id, is_first=is_first
        )
        residents = region["residents"] if is_first else 0
        self._flags = Flags(
            rng, people, parameters, tallies, first_id=first_id, residents=residents
        )

    def deliver(self, visits: Visits) -> None:
        """Send a month's answers and flags, after the month's waits were sent."""
        persons = Persons.of(self._identities, visits.month)
        self._forms.deliver(self._sender, persons)
        self._panels.deliver(self._sender, persons)
        self._experience.deliver(self._sender, visits)
        self._flags.deliver(self._sender, visits)


class HealthSurvey:
    """The portal's forms of self-reported health of one chunk's enrolled."""

    def __init__(
        self,
        rng: np.random.Generator,
        people: People,
        parameters: Parameters,
        health: Health,
        chosen: Choices,
        *,
        first_id: int,
    ) -> None:
        self._rng, self._people, self._health, self._chosen = rng, people, health, chosen
        self._parameters = parameters
        self._settings: Section = parameters.feedback["health_survey"]
        self._serials = Serials("T", first_id)
        self._is_first = first_id == IDS_A_CHUNK

    def deliver(self, sender: Sender, persons: Persons) -> None:
        """Send a month's forms: of those who enrolled in it, and every three months after."""
        month, settings = persons.month, self._settings
        person, number = self._asked(month)
        does = answering(self._rng, self._people, person, month, settings)
        first = some(self._rng, settings["first_answered"], size=len(person))
        kept = np.where(number == 0, first, does)
        rows = self._rows(persons, person[kept], number[kept])
        if self._is_first and month.number == 10 and len(rows):
            rows = self._in_doubled_hour(sender, month, rows)
        rows = sender.hold_back(HEALTH_SURVEY, month, rows, settings["late_share"])
        mended = rows.filter(some(self._rng, settings["mended_share"], size=len(rows)))
        sender.correct(HEALTH_SURVEY, month, mended.with_columns(global03=pl.lit("3")))
        sender.send(HEALTH_SURVEY, month, rows)

    def _asked(self, month: Month) -> tuple[Ints, Ints]:
        """Who is due for a form, and the number of the form since the choice."""
        since, people = self._chosen.since[:, 0], self._people
        can = (self._chosen.site[:, 0] >= 0) & (since <= month.last) & people.present(month)
        can &= people.gone != month.index
        person = np.flatnonzero(can)
        passed = _month_number(np.full(len(person), month.first)) - _month_number(since[person])
        every = self._settings["every_months"]
        is_due = passed % every == 0
        return person[is_due], passed[is_due] // every

    def _rows(self, persons: Persons, person: Ints, number: Ints) -> pl.DataFrame:
        month, parameters, size = persons.month, self._parameters, len(person)
        instrument = parameters.feedback["instruments"][_PROMIS]
        given = answers(
            self._rng,
            items_of(instrument),
            self._health.at(person, month),
            parameters.feedback["health"],
        )
        answered = self._answered_at(month, person)
        site = self._chosen.site[person, 0]
        return pl.DataFrame(
            {
                "answer_set_id": self._serials.take(size),
                "person_id": persons.codes.gather(pl.Series(person)),
                "provider_id": labels(parameters.site_providers, site),
                "answered_at": time_text(pl.Series(answered), PORTAL_TIME),
                "language_code": self._languages(person),
                "instrument_code": pl.Series([_PROMIS]).new_from_index(0, size),
                "instrument_version": pl.Series([instrument["version"]]).new_from_index(0, size),
                "round_number": pl.Series(number).cast(pl.String),
                **{name.lower(): answer for name, answer in given.items()},
                "updated_at": time_text(pl.Series(answered), PORTAL_TIME),
                "is_protected": persons.hidden[person],
            }
        )

    def _answered_at(self, month: Month, person: Ints) -> Ints:
        """In the evening or by day, from the choice on."""
        first = np.maximum(self._chosen.since[person, 0], month.first)
        span = month.last + 1 - first
        day = first + (self._rng.random(len(person)) * span).astype(np.int64)
        answered: Ints = day * SECONDS_A_DAY + self._rng.integers(
            7 * _HOUR, 23 * _HOUR, len(person)
        )
        return answered

    def _languages(self, person: Ints) -> pl.Series:
        drawn = pick(self._rng, self._settings["languages"], size=len(person))
        is_swedish = self._people.language[person] == 1
        swedish = pl.Series(["sv"]).new_from_index(0, len(person))
        return swedish.zip_with(pl.Series(is_swedish), drawn)

    def _in_doubled_hour(self, sender: Sender, month: Month, rows: pl.DataFrame) -> pl.DataFrame:
        """One form sent in while the clock shows half past three for the first or second time."""
        at = time_text(
            pl.Series([month.last_sunday() * SECONDS_A_DAY + 3 * _HOUR + 30 * 60]), PORTAL_TIME
        )[0]
        sender.manifest.doubled_hour_answers.append(
            {"answer_set_id": rows["answer_set_id"][0], "sequence": month.sequence}
        )
        times = {c: rows[c].scatter(0, at) for c in ("answered_at", "updated_at")}
        return rows.with_columns(**times)


def _month_number(day: Ints) -> Ints:
    """Months since 1970 of days since 1970."""
    number: Ints = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return number


class Flags:
    """Flags about one chunk's people; in the first chunk those of providers too."""

    def __init__(
        self,
        rng: np.random.Generator,
        people: People,
        parameters: Parameters,
        tallies: Tallies,
        *,
        first_id: int,
        residents: int,
    ) -> None:
        self._rng, self._people, self._parameters, self._tallies = rng, people, parameters, tallies
        self._settings: Section = parameters.feedback["flags"]
        self._serials = Serials("F", first_id)
        self._residents = residents
        self._months_sent = 0
        self._opened = [(row[0], (row[6] - EPOCH).days) for row in parameters.sites["sites"]]

    def deliver(self, sender: Sender, visits: Visits) -> None:
        """Send a month's flags, and next month that they were handled."""
        month, settings = visits.month, self._settings
        if month.sequence < settings["first_month"]:
            return
        rows = pl.concat(
            [self._of_waits(month), self._of_visits(visits), self._of_providers(month)]
        )
        rows = rows.with_columns(flag_id=self._serials.take(len(rows)))
        if self._residents and not self._months_sent:
            rows = with_code(rows, rows["person_id"], "message_text")
        self._months_sent += 1
        note_codes(sender, FLAGS, month.sequence, rows)
        rows = sender.hold_back(FLAGS, month, rows, settings["late_share"])
        handled = rows.filter(some(self._rng, settings["handled_share"], size=len(rows)))
        self._handle(sender, month, handled)
        sender.send(FLAGS, month, rows)

    def _handle(self, sender: Sender, month: Month, rows: pl.DataFrame) -> None:
        """The next version: the expert team has seen them."""
        following = month.index + 1
        if following < len(sender.months) and len(rows):
            saved = sender.last_days(sender.months[following], len(rows))
            later = rows.with_columns(
                flag_state_code=pl.lit("handled"),
                updated_at=time_text(pl.Series(saved), PORTAL_TIME),
            )
            sender.send_later(FLAGS, np.full(len(rows), following), later)

    def _of_waits(self, month: Month) -> pl.DataFrame:
        """Some of those who waited longest."""
        waits = self._tallies.long_waits
        if waits is None:
            return self._no_rows(month)
        chosen = waits.filter(some(self._rng, self._settings["after_wait_share"], size=len(waits)))
        visited = chosen["visited_at"].str.to_datetime("%Y-%m-%d %H:%M:%S").dt.epoch("s")
        # Of a wait that was sent late the flag comes in the month all the same.
        seconds = np.maximum(visited.to_numpy(), month.first * SECONDS_A_DAY)
        size = len(chosen)
        role = pick(self._rng, {"client": 0.78, "next_of_kin": 0.22}, size=size)
        topic = pl.Series(["access"]).new_from_index(0, size)
        hidden = chosen["is_protected"].to_numpy()
        return self._rows(
            month, role, topic, (chosen["person_id"], chosen["site_id"]), (seconds, hidden)
        )

    def _no_rows(self, month: Month) -> pl.DataFrame:
        none = pl.Series([], dtype=pl.String)
        nothing = np.zeros(0, dtype=np.int64)
        return self._rows(month, none, none, (none, none), (nothing, nothing.astype(np.bool_)))

    def _of_visits(self, visits: Visits) -> pl.DataFrame:
        rng, settings, month = self._rng, self._settings, visits.month
        count = int(rng.poisson(settings["after_visit_share"] * len(visits)))
        if self._residents and self._months_sent < 2:
            count = max(count, settings["fewest"])
        at = np.sort(rng.choice(len(visits), min(count, len(visits)), replace=False))
        role = self._roles(ages(self._people.birth[visits.person[at]], month.first))
        site = labels(self._parameters.site_ids, visits.site[at])
        codes = visits.codes.gather(pl.Series(at))
        topic = pick(rng, settings["topics"], size=len(at))
        return self._rows(
            month, role, topic, (codes, site), (visits.started[at], visits.is_protected[at])
        )

    def _roles(self, years: Floats) -> pl.Series:
        """Next of kin speak for children and the old."""
        role = pick(self._rng, self._settings["roles"], size=len(years))
        speaks = some(self._rng, self._settings["kin_of_old"], size=len(years))
        by_kin = pl.Series(((years < 18) | (years >= 80)) & speaks) & (role == "client")
        return pl.Series(["next_of_kin"]).new_from_index(0, len(years)).zip_with(by_kin, role)

    def _of_providers(self, month: Month) -> pl.DataFrame:
        """Flags that name nobody, at random among the sites that are open."""
        rng, settings = self._rng, self._settings
        mean = settings["of_providers_per_1000"] * self._residents / 1000
        count = int(rng.poisson(mean))
        opened = [site for site, day in self._opened if day <= month.first]
        site = labels(opened, rng.integers(0, len(opened), count))
        seconds = (month.first + rng.integers(0, month.days, count)) * SECONDS_A_DAY + 10 * _HOUR
        role = pl.Series(["provider"]).new_from_index(0, count)
        nobody = pl.Series([None], dtype=pl.String).new_from_index(0, count)
        topic = pick(rng, settings["topics"], size=count)
        hidden = np.zeros(count, dtype=np.bool_)
        return self._rows(month, role, topic, (nobody, site), (seconds, hidden))

    def _rows(
        self,
        month: Month,
        role: pl.Series,
        topic: pl.Series,
        about: tuple[pl.Series, pl.Series],
        happened: tuple[Ints, Mask],
    ) -> pl.DataFrame:
        """Flags about some people (codes) and sites, after what happened to them."""
        rng, settings, size = self._rng, self._settings, len(role)
        codes, site = about
        seconds, hidden = happened
        raised = self._raised_at(month, seconds)
        tone = pick(rng, settings["sentiments"], size=size)
        language = pick(rng, {"fi": 0.93, "sv": 0.07}, size=size)
        typed, holds = codes_typed(rng, self._parameters, codes)
        providers: Mapping[str, str] = dict(
            zip(self._parameters.site_ids, self._parameters.site_providers, strict=True)
        )
        # Spoiled copies are made of rows that name a person, and in whose words nobody is named.
        is_odd = pl.Series(holds, dtype=pl.Boolean) | codes.is_null()
        return pl.DataFrame(
            {
                "role_code": role,
                "person_id": codes,
                "provider_id": site.replace_strict(providers, return_dtype=pl.String),
                "site_id": site,
                "topic_code": topic,
                "severity_code": pick(rng, settings["severities"], size=size),
                "raised_at": time_text(pl.Series(raised), PORTAL_TIME),
                "message_text": words(
                    rng, self._parameters.feedback["texts"], language, tone, typed
                ),
                "language_code": language,
                "sentiment_code": tone,
                "flag_state_code": pl.Series(["open"]).new_from_index(0, size),
                "updated_at": time_text(pl.Series(raised + 60), PORTAL_TIME),
                "is_protected": pl.Series(hidden, dtype=pl.Boolean),
                "is_odd": is_odd,
            }
        )

    def _raised_at(self, month: Month, seconds: Ints) -> Ints:
        """Some days later, by day, within the month."""
        day = seconds // SECONDS_A_DAY + self._rng.integers(0, 9, len(seconds))
        at = self._rng.integers(8 * _HOUR, 22 * _HOUR, len(seconds))
        raised: Ints = np.minimum(day, month.last) * SECONDS_A_DAY + at
        return raised
