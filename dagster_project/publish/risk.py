"""What a release has of the risk models, and what it has for client guides.

Here: which files there are, and as of when their queries (`sql/risk`) read. Not here: what their
tables hold (`lake.risk_tables`, `sql/core`), what of it reaches a client (the way back).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dagster_project.lake.connection import Lake
from dagster_project.lake.risk_tables import PUBLISHED, RISK_TABLES
from dagster_project.pipeline import Session
from dagster_project.publish.outputs import RELEASE, RISK, Publication
from dagster_project.publish.shelves import INTERNAL
from dagster_project.publish.withdrawal import GUIDANCE
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sql_text import quoted

QUERIES = PROJECT_ROOT / "sql" / "risk"
_WORKLIST = "joint_care_worklist"


def publications(session: Session, snapshot_id: int) -> Iterator[tuple[str, Publication]]:
    """Each table by its path within the release; of the models none before one was trained."""
    lake, tables = session.lake, [("risk", name) for name in RISK_TABLES]
    has_worklist = f"core.{_WORKLIST}" in {m.full_name for m in session.definition.graph.models}
    if has_worklist:
        tables.append(("core", _WORKLIST))
    with _read_at(lake, tables, snapshot_id):
        if lake.count("select count(*) from release.model"):
            yield from (_judged(name) for name in PUBLISHED)
        found = []
        if lake.count("select count(*) from release.score"):
            found.append(_for_guides("risk_scores", RISK))
        if has_worklist and lake.count(f"select count(*) from release.{_WORKLIST}"):
            found.append(_for_guides("joint_care", f"core.{_WORKLIST}"))
        if found:
            # Persons have ids that only the way back undoes.
            session.identities.pseudonyms(GUIDANCE)
        yield from found


def _judged(name: str) -> tuple[str, Publication]:
    """How good the models are that are in use."""
    query = f"select * from {RELEASE}.{quoted(name)} where model_id in ({_query('model_in_use')})"
    table = f"risk_{name}"
    return f"{INTERNAL}/bi/{table}.parquet", Publication(table, query, None, (RISK,))


def _for_guides(name: str, rests_on: str) -> tuple[str, Publication]:
    return f"{GUIDANCE}/{name}.parquet", Publication(name, _query(name), None, (rests_on,))


def _query(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def _read_at(lake: Lake, tables: Sequence[tuple[str, str]], snapshot_id: int) -> Iterator[None]:
    """Have `release.<table>` mean each of these as of a snapshot."""
    names = [f"{RELEASE}.{quoted(name)}" for _, name in tables]
    try:
        for view, (schema, name) in zip(names, tables, strict=True):
            lake.execute(
                f"create or replace view {view} as"
                f" select * from lake.{schema}.{quoted(name)} at (version => {snapshot_id})"
            )
        yield
    finally:
        for view in names:
            lake.execute(f"drop view if exists {view}")
