"""Comments by which integration fails: which they are, and what one says to whose job it is.

Here: cases and the logged look at one. Not here: how they are found (`reading`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dagster_project.errors import TietoallasError
from dagster_project.pipeline import Session
from dagster_project.vault.free_texts import texts_of

TEXT_COLUMNS = {
    "enrolment_portal/flags": "message_text",
    "surveys/experience": "comment_text",
    "guidance/budget_experience": "free_text",
}
"""Column of the text, by table."""


@dataclass(frozen=True)
class Case:
    """Where a comment stands and what it was read as; not what it says."""

    comment_source: str
    delivery_sequence: int
    record_number: int
    comment_month: date
    provider_id: str | None
    language_code: str
    topic_code: str | None
    sentiment_code: str | None


def cases(session: Session) -> list[Case]:
    """Every case, the newest first."""
    rows = session.lake.rows(
        "select comment_source, delivery_sequence, record_number, comment_month, provider_id,"
        " language_code, topic_code, sentiment_code from core.comment_reading"
        " where is_integration_failure"
        " order by comment_month desc, comment_source, delivery_sequence, record_number"
    )
    return [Case(*row) for row in rows]


def text_of_case(session: Session, place: tuple[str, int, int], *, actor: str, purpose: str) -> str:
    """A case in the client's own words; the look is logged before it is read.

    Args:
        session: Lake and vault.
        place: Table, delivery sequence and record number, as the worklist has them.
        actor: Who looks.
        purpose: Why.

    Raises:
        TietoallasError: that is no case of the worklist, or its text was erased.
    """
    table, sequence, record = place
    if place not in map(_place, cases(session)):
        raise TietoallasError(
            f"record {record} of {table} {sequence} is no case; see `tietoallas comments worklist`"
        )
    source, name = table.split("/")
    sha256 = str(
        session.lake.value(
            "select sha256 from effective.delivery"
            " where source = ? and table_name = ? and delivery_sequence = ?",
            [source, name, sequence],
        )
    )
    session.identities.log_access(
        at=session.run.now(),
        actor=actor,
        purpose=purpose,
        action="comments.show",
        delivery=sha256,
        record_number=record,
    )
    contract = session.definition.catalogue.in_force(table, sequence)
    texts = dict(texts_of(session.blobs, contract, sha256, TEXT_COLUMNS[table]))
    if record not in texts:
        raise TietoallasError("the text is no longer in the vault: its writer was erased")
    return texts[record]


def _place(case: Case) -> tuple[str, int, int]:
    return case.comment_source, case.delivery_sequence, case.record_number
