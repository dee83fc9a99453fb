"""The extract of the research on personal budgets, under ids of its own, and a form on it.

A person is told of by topic as the plan's table 5 has it (`rulebooks/study_topic`), as long as
consent is in force: on the day that it is taken back they are in no extract, and `dropped.parquet`
says which research id is to be removed from earlier ones. Days are counted from the start of a
person's time in the study, so that no date is told.

Here: what an extract holds. Not here: each topic's query (`sql/research`), the key, which the
controller keeps elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster_project.errors import BuildError
from dagster_project.lake.builds import as_built, last_event_id, newest_green
from dagster_project.pipeline import Session
from dagster_project.publish.analyst import question_of
from dagster_project.publish.export import Bundle, finish, staged, write_table
from dagster_project.settings import PROJECT_ROOT

QUERIES = PROJECT_ROOT / "sql" / "research"
TOPICS = QUERIES / "topic"
_MEMBERS = """
    select distinct audience_person_id as research_person_id, member.budget_group_code,
        member.cohort_code, person.sex_code, year(person.birth_date) as birth_year,
        date_diff('day', member.valid_from_date, member.valid_to_date) as study_days
    from research_member as member
    inner join audience_person using (person_id) -- over all persons there are
    inner join core.person as person using (person_id)
    order by all
"""
_TOLD = """
    select audience_person_id as research_person_id, member.budget_group_code, member.cohort_code,
        date_diff('day', member.valid_from_date, told.on_date) as study_day,
        told.* exclude (person_id, on_date)
    from ({query}) as told
    inner join research_member as member
        on told.person_id = member.person_id and member.topic_code = '{topic}'
        and told.on_date >= member.valid_from_date - to_months(member.months_before)
        and told.on_date < coalesce(member.valid_to_date, date '9999-12-31')
        and (member.months_before > 0 or told.on_date >= member.consent_from_date)
    inner join audience_person on told.person_id = audience_person.person_id
    order by all
"""
_DROPPED = """
    select audience_person_id as research_person_id, dropped.dropped_date
    from ({query}) as dropped inner join audience_person using (person_id) order by all
"""


def write_extract(
    session: Session, folder: Path, *, key: bytes, actor: str, purpose: str
) -> Bundle:
    """Write the extract as of the newest green build and today's consents into a new folder.

    Args:
        session: Lake and vault.
        folder: Must not be there; comes whole or not at all.
        key: Of the research pseudonyms.
        actor: Who asks; logged.
        purpose: Permit that the data go out by.

    Raises:
        TietoallasError: no purpose, or the folder is there.
        BuildError: there is no green build, or one that has not seen the newest deliveries, which
            may take a consent back.
    """
    lake, green = session.lake, newest_green(session.lake)
    if last_event_id(lake) > green.last_event_id:
        raise BuildError("deliveries came since the newest green build; run `tietoallas run`")
    staging = staged(folder, purpose)
    session.identities.log_access(
        at=session.run.now(), actor=actor, purpose=purpose, action="research.extract"
    )
    session.identities.pseudonyms_under(key, audience="research")
    _make(session, "research_day", f"select date '{session.run.today()}' as today")
    _make(session, "research_member", _query(session, QUERIES / "member.sql"))
    stated = {
        "release_id": f"{green.build_id:06d}",
        "data_to": str(lake.value(as_built(lake, "select reached_date from core.reached"))),
        "purpose": purpose,
        "controller": "organiser",
        "facts": _facts(session),
        "files": _files(session, staging),
    }
    return finish(session, staging, folder, stated)


def _files(session: Session, staging: Path) -> list[dict[str, Any]]:
    """Each file as the form has it: members, who is to be removed, and the topics."""
    dropped = QUERIES / "dropped.sql"
    told = [
        ("member", "One row per person and arm of the study.", as_built(session.lake, _MEMBERS)),
        ("dropped", _grain(dropped), _DROPPED.format(query=_query(session, dropped))),
    ]
    for file in sorted(TOPICS.glob("*.sql")):
        told.append((file.stem, _grain(file), _of_topic(session, file)))
    files = []
    for name, grain, query in told:
        _make(session, "research_told", query)
        target = staging / f"{name}.parquet"
        files.append(write_table(session.lake.connection, "research_told", grain, target))
    return files


def _of_topic(session: Session, file: Path) -> str:
    """A topic by the matrix; one that is of no person is told where the matrix has it at all."""
    query = _query(session, file)
    columns = [name for name, *_ in session.lake.rows(f"describe {query}")]
    if "person_id" in columns:
        return _TOLD.format(query=query, topic=file.stem)
    return (
        f"select * from ({query}) where exists"
        f" (from research_member where topic_code = '{file.stem}') order by all"
    )


def _query(session: Session, file: Path) -> str:
    return as_built(session.lake, file.read_text(encoding="utf-8"))


def _make(session: Session, name: str, query: str) -> None:
    session.lake.execute(f"create or replace temp table {name} as {query}")


def _grain(file: Path) -> str:
    return question_of(file.read_text(encoding="utf-8"))


def _facts(session: Session) -> list[tuple[str, str]]:
    """Whom the extract tells of, by arm and group; what it was judged by."""
    counts = session.lake.rows(
        "select cohort_code, budget_group_code, count(distinct person_id) from research_member"
        " group by all order by all"
    )
    told = [(f"persons, {arm}, group {group}", str(count)) for arm, group, count in counts]
    return [("consent judged on", str(session.run.today())), *told]
