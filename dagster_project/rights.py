"""What a person may ask for, and what time brings: access, erasure, expiry.

Each is one call over vault, lake and releases, logged in the vault before anything is read or
removed, and safe to repeat after a crash.

Here: the order of things. Not here: how each part does it (`vault.person_records`, `lake.erasure`,
`publish.withdrawal`), or the command line (`rights_commands`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from dagster_project import pipeline
from dagster_project.lake import erasure, maintenance
from dagster_project.lake.release_log import Event, note
from dagster_project.pipeline import Report, Session
from dagster_project.publish.manifest import Release
from dagster_project.publish.release import publish
from dagster_project.publish.withdrawal import withdraw_all_person_level
from dagster_project.sql_text import quoted
from dagster_project.vault.person_records import Sent, SentRecord, erase_records, records_of
from dagster_project.vault.way_back import uses_of


@dataclass(frozen=True)
class Erased:
    """What an erasure removed."""

    row_count: int
    """Rows of staging."""
    record_count: int
    """Records of deliveries in the vault, quarantined ones included."""
    landing_count: int
    """Files that lie in landing, which are nobody's to change but their sender's."""
    release: Release


@dataclass(frozen=True)
class ExpiredCounts:
    """What expiry removed."""

    delivery_count: int
    row_count: int


def access_report(session: Session, code: str, *, actor: str, purpose: str) -> dict[str, Any]:
    """Everything that is held on a person: codes, records as sent, rows of core, who had them.

    Args:
        session: Lake and vault.
        code: One of the person's identity codes.
        actor: Who asks.
        purpose: Why.

    Returns:
        What JSON can hold, but for dates and decimals.

    Raises:
        TietoallasError: nobody is known by that code.
    """
    persons = _persons(session, code)
    session.identities.log_access(
        at=session.run.now(), actor=actor, purpose=purpose, action="person.access"
    )
    codes = session.identities.codes_of(persons)
    records = list(records_of(session.blobs, _sent(session), codes))
    return {
        "identity_codes": sorted(codes),
        "has_protection_order": _is_protected(session, persons),
        "records_as_sent": [asdict(record) for record in records],
        "rows_in_core": dict(_rows_in_core(session, persons)),
        "looked_at": _looked_at(session, records),
        "delivered_to": uses_of(session.identities, persons),
    }


def _persons(session: Session, code: str) -> frozenset[int]:
    return erasure.persons_with(session.lake, session.identities.known_person(code))


def _is_protected(session: Session, persons: frozenset[int]) -> bool:
    known = {person for (person,) in session.lake.rows("select person_id from protected_person")}
    return bool(known & persons)


def _sent(session: Session) -> list[Sent]:
    """Deliveries that may tell of a person and are in the vault, oldest sequences first."""
    catalogue, held = session.definition.catalogue, set(session.blobs.digests())
    rows = session.lake.rows(
        "select source, table_name, delivery_sequence, sha256 from ops.delivery order by all"
    )
    sent = [
        Sent(catalogue.in_force(f"{source}/{table}", sequence), sequence, sha256)
        for source, table, sequence, sha256 in rows
        if sha256 in held
    ]
    return [s for s in sent if s.contract.register != "public"]


def _rows_in_core(
    session: Session, persons: frozenset[int]
) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    """Rows of every table of core, the ledger and the scores with a person, by table."""
    listed = ", ".join(str(int(person)) for person in sorted(persons))
    for name, columns in sorted(_person_columns(session).items()):
        named = " or ".join(f"{quoted(column)} in ({listed})" for column in columns)
        relation = session.lake.execute(f"select * from {name} where {named}")
        headings = [column[0] for column in relation.description]
        rows = [dict(zip(headings, row, strict=True)) for row in relation.fetchall()]
        if rows:
            yield name, rows


def _person_columns(session: Session) -> dict[str, list[str]]:
    rows = session.lake.rows(
        "select schema_name || '.' || table_name, list(column_name) from duckdb_columns()"
        " where database_name = 'lake' and schema_name in ('core', 'mart', 'ledger', 'risk')"
        " and column_name like '%person_id' group by all"
    )
    return dict(rows)


def _looked_at(session: Session, records: list[SentRecord]) -> list[dict[str, Any]]:
    """Lines of the access log over records of the person."""
    of_person = {(r.source, r.table, r.sequence, r.record_number) for r in records}
    rows = session.lake.rows(
        "select source, table_name, delivery_sequence, record_number, accessed_at, actor, purpose,"
        " action from vault.access_log join ops.delivery on delivery.sha256 = access_log.delivery"
        " order by accessed_at"
    )
    headings = ("accessed_at", "actor", "purpose", "action")
    return [dict(zip(headings, row[4:], strict=True)) for row in rows if row[:4] in of_person]


def erase_person(
    session: Session, code: str, *, actor: str, purpose: str, report: Report = print
) -> Erased:
    """Erase a person from vault, lake, releases and files.

    Aggregates of older releases stay, being of nobody. A source that goes on sending the person
    brings them back, as a person nobody has met before: it is to erase first.

    Raises:
        TietoallasError: nobody is known by that code.
        CheckFailed: what is left breaks a blocking check; nothing is published until it is mended.
    """
    persons = _persons(session, code)
    session.identities.log_access(
        at=session.run.now(), actor=actor, purpose=purpose, action="person.erase"
    )
    codes = session.identities.codes_of(persons)
    _withdraw_releases(session)
    session.run.on_step("person-level files withdrawn")
    catalogue = session.definition.catalogue
    row_count = erasure.erase_persons(session.lake, catalogue, session.run, persons)
    record_count = erase_records(session.blobs, _sent(session), codes)
    session.run.on_step("records erased")
    session.identities.forget(persons)
    session.run.on_step("codes forgotten")
    landing = session.lake.settings.landing
    left = sum(path.is_file() for path in landing.rglob("*"))
    return Erased(row_count, record_count, left, _publish_anew(session, report))


def _publish_anew(session: Session, report: Report) -> Release:
    """Build from what is left, publish it, and let go of every file that held more."""
    pipeline.build(session, report=report)
    maintenance.maintain(session.lake, session.run, retain_days=0)
    return publish(session)


def expire(session: Session, *, as_of: date, report: Report = print) -> ExpiredCounts:
    """Remove deliveries whose contract's retention is over on a day, from vault and lake.

    Raises:
        CheckFailed: what is left breaks a blocking check; nothing is published until it is mended.
    """
    over = erasure.expired(session.lake, session.definition.catalogue, as_of)
    if not over:
        return ExpiredCounts(0, 0)
    _withdraw_releases(session)
    row_count = erasure.erase_deliveries(session.lake, session.run, over)
    kept = {sha256 for (sha256,) in session.lake.rows(_KEPT)}
    for delivery in over:
        if delivery.sha256 not in kept:
            session.blobs.remove(delivery.sha256)
    session.run.on_step("deliveries removed")
    _publish_anew(session, report)
    return ExpiredCounts(len(over), row_count)


_KEPT = """
    select sha256 from ops.delivery as delivery where not exists (
        select 1 from ops.erasure where act = 'expiry' and source = delivery.source
        and table_name = delivery.table_name and delivery_sequence = delivery.delivery_sequence
    )
"""


def _withdraw_releases(session: Session) -> None:
    for release_id in withdraw_all_person_level(session.lake.settings.published):
        note(session.lake, session.run, Event.WITHDRAWN, release_id, reason="erasure or expiry")
