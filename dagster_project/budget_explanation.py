"""A client's proposals of a personal budget, step by step, as a client guide reads them out.

Here: finding them for a person. Not here: the steps and their words
(`sql/mart/personal_budget_reasoning.sql`), the command (`budget_commands`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dagster_project.errors import TietoallasError
from dagster_project.lake.erasure import persons_with
from dagster_project.pipeline import Session
from dagster_project.settlement.words import LANGUAGES

AUDIENCE = "analyst"
"""Whose ids of persons a command takes, beside identity codes."""


def person_of_pseudonym(session: Session, pseudonym: int) -> int:
    """The person of an id of the analysts' file.

    Raises:
        TietoallasError: nobody has it.
    """
    session.identities.pseudonyms(AUDIENCE)
    rows = session.lake.rows(
        "select person_id from audience_person where audience_person_id = ?", [pseudonym]
    )
    if not rows:
        raise TietoallasError("nobody has that id; take it from the analysts' file of this lake")
    return int(rows[0][0])


def explain_budget(
    session: Session, person: int, *, actor: str, purpose: str, language: str, as_of: date | None
) -> Iterator[str]:
    """Lines of the newest proposal, or of the one in force on a day; the look is logged first.

    Raises:
        TietoallasError: the language is unknown, or the person has no proposal by the day.
    """
    if language not in LANGUAGES:
        raise TietoallasError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")
    session.identities.log_access(
        at=session.run.now(), actor=actor, purpose=purpose, action="budget.explain"
    )
    rows = session.lake.rows(
        f"select budget_group_code, proposed_from_date, text_{language}"
        " from mart.personal_budget_reasoning where list_contains(?, person_id)"
        " and proposed_from_date <= ? qualify proposed_from_date = max(proposed_from_date) over"
        " (partition by person_id) order by budget_group_code, step_number, service_code",
        [sorted(persons_with(session.lake, person)), as_of or date.max],
    )
    if not rows:
        raise TietoallasError(
            "there is no proposal: the person has neither sought a budget nor been granted one"
            + (f" by {as_of}" if as_of else "")
        )
    group, starts, _ = rows[0]
    yield f"{group} {starts}"
    yield from (f"  {text}" for *_, text in rows)
