"""Forms of the study of personal budgets: guides' assessments, daily life, experience.

Here: who is asked when by table 5 of the plan, who answers and what. Not here: who is in the study
and consents (`guidance_study`), functioning and quality of life, which surveys ask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from dagster_project.synthetic.clinical import DATE, TIME, Numbers
from dagster_project.synthetic.draws import Floats, Ints, Mask, date_text, labels, some, time_text
from dagster_project.synthetic.guidance_study import COHORTS, Study, send
from dagster_project.synthetic.months import SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons

ASSESSMENT, DAILY_LIFE, EXPERIENCE = (
    "guidance/worker_assessment",
    "guidance/daily_life_impact",
    "guidance/budget_experience",
)
DAILY_LIFE_ITEMS = (
    "everyday_life_score",
    "study_or_work_score",
    "home_score",
    "relationships_score",
    "leisure_score",
    "money_score",
    "health_score",
    "future_score",
)
EXPERIENCE_ITEMS = (
    "choice_score",
    "information_score",
    "sufficiency_score",
    "quality_score",
    "guidance_score",
    "ease_score",
)
_TONES = ("negative", "neutral", "positive")
_SUBSTANCES = "substances"
_HALF_A_YEAR = 6
_HOUR = 3600


@dataclass(frozen=True)
class _Answers:
    """Sets of answers of one month; element i of every array is set i."""

    member: Ints
    months: Ints
    """Of the wave: months since the member was taken in."""
    day: Ints

    def __len__(self) -> int:
        return len(self.member)


class Form:
    """One form: who is due to answer it, month by month."""

    def __init__(self, rng: np.random.Generator, settings: Section, name: str) -> None:
        self._rng = rng
        self._common = settings
        self.settings: Section = settings[name]
        self._waves = np.array(self.settings["waves"])
        self._days = np.zeros((0, len(self._waves)), dtype=np.int64)

    def answers(self, study: Study, month: Month) -> _Answers:
        """Who answers in a month, of those who are due and may be asked."""
        members = study.members
        new = members.start[len(self._days) :]
        due = new[:, None] + np.rint(self._common["month_days"] * self._waves).astype(np.int64)
        lag = self._rng.integers(0, self._common["lag_days"] + 1, due.shape)
        self._days = np.concatenate([self._days, due + lag])
        member, wave = np.nonzero((self._days >= month.first) & (self._days <= month.last))
        day = self._days[member, wave]
        response = np.array([self.settings["cohorts"].get(c, 0.0) for c in COHORTS])
        groups = np.array(self.settings["groups"]) - 1
        chance = response[members.cohort[member]] * self._common["fall"] ** wave
        chance = np.where(np.isin(members.group[member], groups), chance, 0.0)
        answers = (self._rng.random(len(member)) < chance) & study.asked(member, day)
        return _Answers(member[answers], self._waves[wave[answers]], day[answers])


class Forms:
    """The three forms of one chunk, month by month."""

    def __init__(
        self,
        rng: np.random.Generator,
        people: People,
        settings: Section,
        study: Study,
        *,
        first_id: int,
        is_first_chunk: bool,
    ) -> None:
        self._rng = rng
        self._people = people
        self._settings = settings
        self._study = study
        forms = settings["forms"]
        self._assessment = Form(rng, forms, "worker_assessment")
        self._daily_life = Form(rng, forms, "daily_life_impact")
        self._experience = Form(rng, forms, "budget_experience")
        self._numbers = {k: Numbers(first_id) for k in (ASSESSMENT, DAILY_LIFE, EXPERIENCE)}
        self._lacks_code = is_first_chunk

    def deliver(self, sender: Sender, persons: Persons, guides: pl.Series) -> None:
        """Send a month's forms; `guides` holds everybody's guide."""
        assessments = self._assessments(persons, guides)
        self._send(sender, ASSESSMENT, persons.month, assessments, corrected="score")
        daily = self._daily_lives(persons)
        self._send(sender, DAILY_LIFE, persons.month, daily, corrected="home_score")
        experiences = self._experiences(sender, persons)
        self._send(sender, EXPERIENCE, persons.month, experiences, corrected="quality_score")

    def _send(
        self, sender: Sender, key: str, month: Month, rows: pl.DataFrame, *, corrected: str
    ) -> None:
        settings = self._settings["forms"][key.split("/")[1]]
        rows = sender.hold_back(key, month, rows, settings["late_share"])
        wrong = rows.filter(some(self._rng, settings["corrected_share"], size=len(rows)))
        sender.correct(key, month, wrong.with_columns(pl.lit("3").alias(corrected)))
        send(sender, key, month, rows)

    def _common(self, key: str, answers: _Answers, persons: Persons) -> pl.DataFrame:
        """Columns that every form has."""
        person = self._study.members.person[answers.member]
        saved = answers.day * SECONDS_A_DAY + self._rng.integers(9 * _HOUR, 20 * _HOUR, len(person))
        wave = pl.Series(answers.months).cast(pl.String)
        own = "assessment_id" if key == ASSESSMENT else "answer_id"
        day = "assessed_date" if key == ASSESSMENT else "answered_date"
        return pl.DataFrame(
            {
                own: self._numbers[key].take(len(person)),
                "person_id": persons.codes.gather(pl.Series(person)),
                "wave_code": ("month_" + wave).replace("month_0", "start"),
                day: date_text(answers.day, DATE),
                "updated_at": time_text(pl.Series(saved), TIME),
                "is_protected": persons.hidden[person],
            }
        )

    # Guides' assessments.

    def _assessments(self, persons: Persons, guides: pl.Series) -> pl.DataFrame:
        settings, rng, members = self._assessment.settings, self._rng, self._study.members
        answers = self._assessment.answers(self._study, persons.month)
        person, group = members.person[answers.member], members.group[answers.member]
        frailty = np.minimum(self._people.frailty[person], 3.0)
        level = np.array(settings["level"])[group] + 0.3 * (frailty - 1)
        level -= settings["gain"] * answers.months / _HALF_A_YEAR
        level -= 0.35 * members.trait[answers.member]
        item = np.array(list(settings["items"].values()))
        score = level[:, None] + item + 0.6 * rng.normal(size=(len(answers), len(item)))
        scores = np.clip(np.rint(score), 1, 5).astype(np.int64)
        left_out = np.full(scores.shape, settings["left_out"])
        substances = list(settings["items"]).index(_SUBSTANCES)
        left_out[:, substances] = np.array(settings["substances_left_out"])[group]
        row, column = np.nonzero(rng.random(scores.shape) >= left_out)
        common = self._common(ASSESSMENT, answers, persons)
        common = common.with_columns(guide_code=guides.gather(pl.Series(person)))
        return common.select(pl.all().gather(pl.Series(row))).with_columns(
            item_code=labels(list(settings["items"]), column),
            score=pl.Series(scores[row, column]).cast(pl.String),
        )

    # Effect on daily life.

    def _daily_lives(self, persons: Persons) -> pl.DataFrame:
        settings, members = self._daily_life.settings, self._study.members
        answers = self._daily_life.answers(self._study, persons.month)
        gain = np.array([settings["gain"].get(c, 0.0) for c in COHORTS])
        level = settings["level"] + 0.45 * members.trait[answers.member]
        level += gain[members.cohort[answers.member]] * answers.months / _HALF_A_YEAR
        kin = np.array(settings["next_of_kin"])[members.group[answers.member]]
        common = self._common(DAILY_LIFE, answers, persons)
        common = self._answered_by(common, self._rng.random(len(answers)) < kin)
        return self._scored(common, DAILY_LIFE_ITEMS, level, settings["unanswered"])

    def _answered_by(self, rows: pl.DataFrame, is_kin: Mask) -> pl.DataFrame:
        respondent = labels(("client", "next_of_kin"), is_kin.astype(np.int64))
        return rows.with_columns(respondent_code=respondent)

    def _scored(
        self, rows: pl.DataFrame, items: tuple[str, ...], level: Floats, unanswered: float
    ) -> pl.DataFrame:
        """Scores of 1 to 5 around each row's level; the first item is always answered."""
        columns = {}
        for number, item in enumerate(items):
            stray = 0.75 * self._rng.normal(size=len(rows))
            score = np.clip(np.rint(level + stray), 1, 5).astype(np.int64)
            empty = some(self._rng, unanswered if number else 0.0, size=len(rows))
            columns[item] = pl.Series(score).cast(pl.String).set(pl.Series(empty), None)
        return rows.with_columns(**columns)

    # Experience of the budget.

    def _experiences(self, sender: Sender, persons: Persons) -> pl.DataFrame:
        settings, rng, members = self._experience.settings, self._rng, self._study.members
        one = self._experience.answers(self._study, persons.month)
        kin = np.array(settings["next_of_kin"])[members.group[one.member]]
        is_kin = rng.random(len(one)) < kin
        beside = ~is_kin & (rng.random(len(one)) < kin * settings["kin_beside"])
        answers = _Answers(
            *(np.concatenate([c, c[beside]]) for c in (one.member, one.months, one.day))
        )
        is_kin = np.concatenate([is_kin, np.ones(beside.sum(), dtype=np.bool_)])
        trait = members.trait[answers.member]
        rows = self._answered_by(self._common(EXPERIENCE, answers, persons), is_kin)
        level = settings["level"] + 0.5 * trait
        rows = self._scored(rows, EXPERIENCE_ITEMS, level, settings["unanswered"])
        liking = settings["recommendation"] + 1.4 * trait + 1.3 * rng.normal(size=len(answers))
        points = np.clip(np.rint(liking), 0, 10).astype(np.int64)
        rows = rows.with_columns(recommendation_score=pl.Series(points).cast(pl.String))
        return self._with_texts(sender, rows, points, answers, persons)

    def _with_texts(
        self,
        sender: Sender,
        rows: pl.DataFrame,
        points: Ints,
        answers: _Answers,
        persons: Persons,
    ) -> pl.DataFrame:
        """What some wrote, in their language and tone, and whose code was typed into it."""
        settings, rng, texts = self._experience.settings, self._rng, self._settings["texts"]
        size = len(rows)
        writes = some(rng, settings["writes"], size=size)
        tone = np.clip(np.searchsorted([6, 9], points, side="right"), 0, 2)
        person = self._study.members.person[answers.member]
        language = (self._people.language[person] == 1).astype(np.int64)
        names = ("fi", "sv")
        pools = {(n, t): texts[n][t] for n in names for t in _TONES}
        # One position for each text of each language and tone, in one list.
        first = np.cumsum([0, *(len(pool) for pool in pools.values())])
        cell = language * len(_TONES) + tone
        width = np.diff(first)[cell]
        chosen = first[cell] + (rng.random(size) * width).astype(np.int64)
        text = labels([t for pool in pools.values() for t in pool], chosen)
        has_code = writes & some(rng, settings["code_in_text"], size=size)
        if self._lacks_code and writes.any():
            has_code[np.flatnonzero(writes)[0]] = True
            self._lacks_code = False
        ends = [self._settings["code_in_text"][n].split("{code}") for n in names]
        before, after = (labels([e[side] for e in ends], language) for side in (0, 1))
        text = (text + before + rows["person_id"] + after).zip_with(pl.Series(has_code), text)
        sender.manifest.codes_in_texts.extend(
            {"table": EXPERIENCE, "answer_id": int(i)} for i in rows["answer_id"].filter(has_code)
        )
        silent = pl.Series(~writes)
        return rows.with_columns(
            free_text=text.set(silent, None),
            text_language_code=labels(names, language).set(silent, None),
            sentiment_code=labels(_TONES, tone).set(silent, None),
        )
