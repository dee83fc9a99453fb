"""Surveys: health and functioning of panels of residents, and clients' experience of visits.

Here: who is asked, who answers, and what. Not here: latent health and words (`opinions`), the
portal's own forms (`feedback`), staff (`scorecards`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from dagster_project.synthetic.clinical import DATE, TIME, Visits
from dagster_project.synthetic.draws import (
    Floats,
    Ints,
    Mask,
    age_groups,
    ages,
    date_text,
    labels,
    some,
    time_text,
)
from dagster_project.synthetic.months import SECONDS_A_DAY, Month
from dagster_project.synthetic.opinions import (
    Answers,
    Health,
    NeedAt,
    answering,
    answers,
    pick,
    quality_of_providers,
    words,
)
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons
from dagster_project.synthetic.tallies import EXPERIENCE

PATIENT_REPORTED = "surveys/patient_reported"
_HOUR = 3600
_ADULT = 18
_FORCED_MONTHS = 6


class Serials:
    """A source's own identifiers: a letter and a running number of the chunk."""

    def __init__(self, letter: str, first: int) -> None:
        self._letter, self._next = letter, first

    def take(self, size: int) -> pl.Series:
        """The next ones."""
        numbers = pl.Series(np.arange(self._next, self._next + size)).cast(pl.String)
        self._next += size
        return self._letter + numbers


def items_of(instrument: Section) -> dict[str, Sequence[float]]:
    """Items of an instrument with their parameters, one by one."""
    if "items" in instrument:
        return dict(instrument["items"])
    turned = instrument.get("reversed_items", [])
    return {
        f"{instrument['prefix']}{n}": instrument["reversed" if n in turned else "all"]
        for n in range(1, instrument["count"] + 1)
    }


class PatientReported:
    """The panels of one chunk of people."""

    def __init__(
        self,
        rng: np.random.Generator,
        people: People,
        parameters: Parameters,
        health: Health,
        need: NeedAt,
        *,
        first_id: int,
        is_first: bool,
    ) -> None:
        self._rng, self._people, self._health, self._need = rng, people, health, need
        self._settings: Section = parameters.feedback
        self._languages = parameters.languages
        self._drawn = rng.random((len(self._settings["patient_reported"]["panels"]), len(people)))
        self._phase = rng.integers(0, 12, len(people))
        self._serials = Serials("R", first_id)
        self._is_first = is_first

    def deliver(self, sender: Sender, persons: Persons) -> None:
        """Send a month's answers."""
        own = self._settings["patient_reported"]
        rows = [
            self._of_panel(panel, drawn, persons)
            for panel, drawn in zip(own["panels"], self._drawn, strict=True)
        ]
        frame = pl.concat([r for found in rows for r in found])
        forms = frame["response_id"].unique(maintain_order=True)
        late = forms.filter(some(self._rng, own["late_share"], size=len(forms)))
        is_late = frame["response_id"].is_in(late.implode())
        self._hold_back(sender, persons.month, frame.filter(is_late))
        sender.send(PATIENT_REPORTED, persons.month, frame.filter(~is_late))

    def _hold_back(self, sender: Sender, month: Month, rows: pl.DataFrame) -> None:
        """Whole forms come one increment late."""
        index = month.index + 1
        if index < len(sender.months):
            sender.send_later(PATIENT_REPORTED, np.full(len(rows), index), rows)
            sender.manifest.count(
                "late_arrivals",
                PATIENT_REPORTED,
                sequence=sender.months[index].sequence,
                keys=rows["response_id"].to_list(),
            )

    def _of_panel(self, panel: Section, drawn: Floats, persons: Persons) -> list[pl.DataFrame]:
        month, people = persons.month, self._people
        can = people.present(month) & (people.gone != month.index)
        can &= ages(people.birth, month.first) >= _ADULT
        if panel["need_from"] is not None:
            can &= self._need(month) >= panel["need_from"]
        due = self._phase % panel["every_months"] == month.index % panel["every_months"]
        share = max(panel["share"], self._fewest(panel, int(can.sum())))
        person = np.flatnonzero(can & due & (drawn < share))
        own = self._settings["patient_reported"]
        person = person[answering(self._rng, people, person, month, own)]
        return [self.form(name, panel["cohort"], person, persons) for name in panel["instruments"]]

    def _fewest(self, panel: Section, size: int) -> float:
        """Share that gives the panel's least number, in the first chunk."""
        return panel["fewest"] / size if self._is_first and size else 0.0

    def form(self, name: str, cohort: str, person: Ints, persons: Persons) -> pl.DataFrame:
        """Answers to one instrument, a row for each item."""
        month, instrument = persons.month, self._settings["instruments"][name]
        items = items_of(instrument)
        given = answers(self._rng, items, self._health.at(person, month), self._settings["health"])
        day = month.first + self._rng.integers(0, month.days, len(person))
        size = len(person)
        form = pl.DataFrame(
            {
                "response_id": self._serials.take(size),
                "person_id": persons.codes.gather(pl.Series(person)),
                "instrument_code": _same(name, size),
                "instrument_version": _same(instrument["version"], size),
                "answered_date": date_text(day, DATE),
                "language_code": _form_language(self._languages, self._people.language[person]),
                "cohort_code": _same(cohort, size),
                "is_protected": persons.hidden[person],
            }
        )
        rows = [form.with_columns(item_code=pl.lit(i), answer=a) for i, a in given.items()]
        return pl.concat(rows)


def _same(text: str, size: int) -> pl.Series:
    return pl.Series([text]).new_from_index(0, size)


def _form_language(languages: Sequence[str], language: Ints) -> pl.Series:
    """Forms are in Finnish and Swedish; who speaks another language fills in the Finnish one."""
    return labels(languages, np.where(language < 2, language, 0))


class Experience:
    """Clients' experience of one chunk's visits."""

    def __init__(
        self,
        rng: np.random.Generator,
        people: People,
        parameters: Parameters,
        *,
        seed: int,
        first_id: int,
        is_first: bool,
    ) -> None:
        self._rng, self._people, self._parameters = rng, people, parameters
        settings: Section = parameters.feedback["experience"]
        self._settings = settings
        mean = quality_of_providers(
            seed, parameters, mean=settings["mean"], spread=settings["between_providers"], word=1
        )
        self._mean = np.array([mean[p] for p in parameters.site_providers])
        self._serials = Serials("K", first_id)
        self._is_first = is_first

    def deliver(self, sender: Sender, visits: Visits) -> None:
        """Send a month's answers."""
        at = self._answered(visits)
        rows = self._rows(visits, at)
        if self._is_first and visits.month.index == 0:
            rows = with_code(rows, visits.codes.gather(pl.Series(at)), "comment_text")
        note_codes(sender, EXPERIENCE, visits.month.sequence, rows)
        rows = sender.hold_back(EXPERIENCE, visits.month, rows, self._settings["late_share"])
        sender.send(EXPERIENCE, visits.month, rows)

    def _answered(self, visits: Visits) -> Ints:
        """Visits of which somebody answers."""
        rng, settings = self._rng, self._settings
        every = np.arange(len(visits))
        at = every[some(rng, settings["asked_share"], size=len(visits))]
        at = at[answering(rng, self._people, visits.person[at], visits.month, settings)]
        if self._is_first and visits.month.index < _FORCED_MONTHS:
            others = np.setdiff1d(every, at)
            more = min(max(settings["fewest"] - len(at), 0), len(others))
            at = np.sort(np.concatenate([at, rng.choice(others, more, replace=False)]))
        return at

    def _rows(self, visits: Visits, at: Ints) -> pl.DataFrame:
        rng, settings, size = self._rng, self._settings, len(at)
        parameters, site = self._parameters, visits.site[at]
        level = self._mean[site] + settings["within"] * rng.normal(size=size)
        points = np.clip(np.rint(level), 0, 10).astype(np.int64)
        language = _form_language(parameters.languages, self._people.language[visits.person[at]])
        said = self._words(visits, at, points, language)
        return pl.DataFrame(
            {
                "response_id": self._serials.take(size),
                "site_id": labels(parameters.site_ids, site),
                "provider_id": labels(parameters.site_providers, site),
                "answered_at": time_text(pl.Series(self._answered_at(visits, at)), TIME),
                "channel_code": pick(rng, settings["channels"], size=size),
                "age_group_code": self._age_group(visits, at),
                "language_code": language,
                "recommendation": pl.Series(points).cast(pl.String),
                **self._items(points),
                **said,
            }
        )

    def _items(self, points: Ints) -> Answers:
        rng, found = self._rng, {}
        for name, (mean, slope, noise) in self._settings["items"].items():
            stray = noise * rng.normal(size=len(points))
            answer = np.clip(np.rint(mean + slope * (points - 8.5) + stray), 1, 5)
            passed = some(rng, self._settings["item_passed_over"], size=len(points))
            text = pl.Series(answer.astype(np.int64)).cast(pl.String)
            found[name] = text.set(pl.Series(passed), None)
        return found

    def _answered_at(self, visits: Visits, at: Ints) -> Ints:
        """Within some days after the visit, not at night, and not after the month."""
        rng, started = self._rng, visits.started[at]
        later = started + _HOUR + (rng.exponential(20.0, len(at)) * _HOUR).astype(np.int64)
        day, second = later // SECONDS_A_DAY, later % SECONDS_A_DAY
        second = np.where(second < 7 * _HOUR, 9 * _HOUR + second // 7, second)
        latest = visits.month.last * SECONDS_A_DAY + 22 * _HOUR
        answered: Ints = np.maximum(np.minimum(day * SECONDS_A_DAY + second, latest), started)
        return answered

    def _age_group(self, visits: Visits, at: Ints) -> pl.Series:
        group = age_groups(ages(self._people.birth[visits.person[at]], visits.month.first))
        names = ("0-17", "0-17", "18-44", "45-64", "65-79", "80-")
        untold = some(self._rng, self._settings["age_untold"], size=len(at))
        return labels(names, group).set(pl.Series(untold), None)

    def _words(
        self, visits: Visits, at: Ints, points: Ints, language: pl.Series
    ) -> Mapping[str, pl.Series]:
        """Words with their topic and tone, of those who wrote any."""
        rng, settings, size = self._rng, self._settings, len(at)
        tone = labels(
            ("negative", "neutral", "positive"), np.searchsorted([6.5, 8.5], points, side="right")
        )
        typed, holds = codes_typed(rng, self._parameters, visits.codes.gather(pl.Series(at)))
        texts = words(rng, self._parameters.feedback["texts"], language, tone, typed)
        silent = pl.Series(~some(rng, settings["comment_share"], size=size))
        return {
            "comment_text": texts.set(silent, None),
            "topic_code": pick(rng, settings["topics"], size=size).set(silent, None),
            "sentiment_code": tone.set(silent, None),
            "is_odd": pl.Series(holds) & ~silent,
        }


def codes_typed(
    rng: np.random.Generator, parameters: Parameters, codes: pl.Series
) -> tuple[pl.Series, Mask]:
    """Codes that some type into their text, and which rows they are."""
    share = parameters.feedback["code_in_text_share"]
    holds = some(rng, share, size=len(codes)) & codes.is_not_null().to_numpy()
    return (" (" + codes + ")").set(pl.Series(~holds), None), holds


def with_code(rows: pl.DataFrame, codes: pl.Series, column: str) -> pl.DataFrame:
    """The first row that has words and a person with the person's code typed into the words."""
    able = rows[column].is_not_null() & codes.is_not_null() & ~rows["is_odd"]
    if not able.any():
        return rows
    first = int(able.arg_true()[0])
    text = rows[column].scatter(first, f"{rows[column][first]} {codes[first]}")
    return rows.with_columns(text, is_odd=rows["is_odd"].scatter(first, True))


def note_codes(sender: Sender, key: str, sequence: int, rows: pl.DataFrame) -> None:
    """List in the manifest the rows into whose words a code was typed."""
    name = sender.contract(key).primary_key[0]
    text = next(c.name for c in sender.contract(key).columns if c.is_vault_only)
    typed = rows.filter(pl.col(text).str.contains(r"\d{6}\D\d{3}\w"))[name]
    sender.manifest.codes_in_text.extend(
        {"table": key, "key": k, "sequence": sequence} for k in typed
    )
