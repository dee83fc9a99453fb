"""What people think and write: latent health behind answers, providers' quality, words.

Here: draws that the feedback sources share. Not here: who is asked (`surveys`, `feedback`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from dagster_project.synthetic.draws import (
    Floats,
    Ints,
    Mask,
    age_groups,
    ages,
    choose,
    labels,
    some,
)
from dagster_project.synthetic.months import Month
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People

STREAM = 7
"""Last word of the seed of the feedback sources' streams."""
_MEAN_ROOT = 0.886
"""Mean of the square root of frailty, which is exponential with mean 1."""
_FIRST_STEP = 2.6
"""Need at the first step of the ladder (`social.yaml`)."""

NeedAt = Callable[[Month], Floats]
Answers = Mapping[str, pl.Series]
"""Answers as text by item."""


def pick(rng: np.random.Generator, weights: Mapping[str, float], *, size: int) -> pl.Series:
    """Names by weight."""
    return labels(list(weights), choose(rng, list(weights.values()), size=size))


def quality_of_providers(
    seed: int, parameters: Parameters, *, mean: Mapping[str, float], spread: float, word: int
) -> dict[str, float]:
    """Each provider's own mean: the same in every chunk, and stable over time."""
    rng = np.random.default_rng([seed, 0, STREAM, word])
    providers = parameters.sites["providers"]
    strays = spread * rng.normal(size=len(providers))
    return {
        name: mean[row["sector"]] + float(stray)
        for (name, row), stray in zip(providers.items(), strays, strict=True)
    }


class Health:
    """Latent health of one chunk's people, in standard deviations; more is better."""

    def __init__(
        self, rng: np.random.Generator, people: People, settings: Section, need: NeedAt
    ) -> None:
        self._people, self._settings, self._need = people, settings, need
        self._own = settings["own"] * rng.normal(size=(2, len(people)))

    def at(self, person: Ints, month: Month) -> tuple[Floats, Floats]:
        """Physical and mental health of some people in a month."""
        settings, people = self._settings, self._people
        root = np.sqrt(people.frailty[person]) - _MEAN_ROOT
        need = np.maximum(self._need(month)[person] - _FIRST_STEP, 0.0)
        burden = settings["per_frailty"] * root + settings["per_need"] * need
        over_40 = np.maximum(ages(people.birth[person], month.first) - 40, 0.0) / 10
        physical: Floats = self._own[0, person] + burden + settings["per_decade"] * over_40
        share = settings["mental_own"]
        mental: Floats = share * self._own[1, person] + (1 - share) * self._own[0, person] + burden
        return physical, mental


def answers(
    rng: np.random.Generator,
    items: Mapping[str, Sequence[float]],
    health: tuple[Floats, Floats],
    settings: Section,
) -> Answers:
    """Answers to the items of an instrument, a few passed over but never all of a form."""
    found: dict[str, pl.Series] = {}
    for name, (mean, slope, of_mental, least, most) in items.items():
        latent = (1 - of_mental) * health[0] + of_mental * health[1]
        stray = settings["noise"] * abs(slope) / 0.8 * rng.normal(size=len(latent))
        answer = np.clip(np.rint(mean + slope * latent + stray), least, most).astype(np.int64)
        passed = some(rng, settings["passed_over"], size=len(latent)) & bool(found)
        found[name] = pl.Series(answer).cast(pl.String).set(pl.Series(passed), None)
    return found


def answering(
    rng: np.random.Generator, people: People, person: Ints, month: Month, settings: Section
) -> Mask:
    """Which of those asked answer: by age, and less the frailer they are."""
    group = age_groups(ages(people.birth[person], month.first))
    share = np.array(settings["answered_by_age"])[group]
    less = settings.get("less_per_frailty", 0.0) * (people.frailty[person] - 1)
    answers_it: Mask = rng.random(len(person)) < np.clip(share - less, 0.02, 0.98)
    return answers_it


def words(
    rng: np.random.Generator, texts: Section, spoken: pl.Series, tone: pl.Series, typed: pl.Series
) -> pl.Series:
    """A sentence in each row's language and tone, with what was typed into it."""
    result = pl.Series([None], dtype=pl.String).new_from_index(0, len(spoken))
    for language, tones in texts.items():
        for name, sentences in tones.items():
            chosen = labels(sentences, rng.integers(0, len(sentences), len(spoken)))
            fits = ((spoken == "sv") == (language == "sv")) & (tone == name)
            result = chosen.zip_with(fits, result)
    parts = pl.DataFrame({"text": result, "typed": typed.fill_null("")})
    # A sentence without a place for it has it at its end.
    has_place = parts["text"].str.contains("{}", literal=True)
    ended = parts["text"].zip_with(has_place, parts["text"] + "{}")
    split = ended.str.split_exact("{}", 1).struct.unnest()
    return split["field_0"] + parts["typed"] + split["field_1"].fill_null("")
