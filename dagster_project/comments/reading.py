"""Reading every comment in the vault's zone, and keeping codes of each: `ops.comment_reading`.

Here: texts with what their sources say of them, the codes kept. Not here: how a text is
read (`learning`), which words tell of integration (`rulebooks/integration_cue.yaml`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa

from dagster_project.comments.learning import Labels, normal, read_labels
from dagster_project.comments.worklist import TEXT_COLUMNS
from dagster_project.lake.delivery import write_events
from dagster_project.pipeline import Session
from dagster_project.vault.free_texts import texts_of

_EVENT_KEY = ("comments", "comment_reading", 0)
_SAID = {
    "enrolment_portal/flags": ("language_code", "topic_code"),
    "surveys/experience": ("language_code", "topic_code"),
    "guidance/budget_experience": ("text_language_code", "cast(null as varchar)"),
}
"""What a source says of its texts: language, topic."""
_KEPT = [
    ("source", pa.string()),
    ("table_name", pa.string()),
    ("delivery_sequence", pa.int64()),
    ("record_number", pa.int64()),
    ("language_code", pa.string()),
    ("topic_code", pa.string()),
    ("sentiment_code", pa.string()),
    ("is_integration_failure", pa.bool_()),
]


@dataclass(frozen=True)
class Comment:
    """One text in force, with what its source says of it. It never leaves the vault's zone."""

    key: str
    sequence: int
    record_number: int
    text: str
    language: str
    topic: str | None
    sentiment: str | None


@dataclass(frozen=True)
class ReadLanguage:
    """How the texts of one language were read."""

    language: str
    comment_count: int
    flagged_count: int
    topic_f1: float | None
    sentiment_f1: float | None


def read_comments(session: Session, *, actor: str, purpose: str) -> list[ReadLanguage]:
    """Read all comments in force anew, and keep their codes in place of those kept before.

    Every delivery that is read is logged first.

    Raises:
        VaultError: a delivery is missing, damaged, or under another key.
    """
    comments = list(_comments(session, actor=actor, purpose=purpose))
    cues = _cues(session)
    done, rows = [], []
    for language, group in groupby(comments, key=lambda c: c.language):
        of_language = list(group)
        texts = [c.text for c in of_language]
        topics = read_labels(texts, [c.topic for c in of_language])
        tones = read_labels(texts, [c.sentiment for c in of_language])
        fails = [says_integration_fails(text, cues.get(language, ())) for text in texts]
        done.append(_told(language, fails, topics, tones))
        rows += [
            (*c.key.split("/"), c.sequence, c.record_number, language, topic, tone, is_failing)
            for c, topic, tone, is_failing in zip(
                of_language, topics.codes, tones.codes, fails, strict=True
            )
        ]
    _keep(session, rows)
    return done


def says_integration_fails(text: str, cues: tuple[re.Pattern[str], ...]) -> bool:
    """Whether a text has words that tell of services that do not work together."""
    plain = normal(text)
    return any(cue.search(plain) for cue in cues)


def _told(language: str, fails: list[bool], topics: Labels, tones: Labels) -> ReadLanguage:
    return ReadLanguage(language, len(fails), sum(fails), topics.macro_f1, tones.macro_f1)


def _cues(session: Session) -> dict[str, tuple[re.Pattern[str], ...]]:
    rows = session.lake.rows(
        "select language_code, cue_pattern from rulebook.integration_cue order by all"
    )
    return {
        language: tuple(re.compile(pattern) for _, pattern in group)
        for language, group in groupby(rows, key=lambda row: row[0])
    }


def _comments(session: Session, *, actor: str, purpose: str) -> Iterator[Comment]:
    """Texts of records in force, by language."""
    found: list[Comment] = []
    for key in TEXT_COLUMNS:
        found += _comments_of(session, key, actor=actor, purpose=purpose)
    yield from sorted(found, key=lambda c: (c.language, c.key, c.sequence, c.record_number))


def _comments_of(session: Session, key: str, *, actor: str, purpose: str) -> Iterator[Comment]:
    source, table = key.split("/")
    language, topic = _SAID[key]
    rows = session.lake.rows(
        f"select delivery_sequence, record_number, {language}, {topic}, sentiment_code"
        f" from current.{table} where {language} is not null order by all"
    )
    digests = dict(
        session.lake.rows(
            "select delivery_sequence, sha256 from effective.delivery"
            " where source = ? and table_name = ?",
            [source, table],
        )
    )
    for sequence, group in groupby(rows, key=lambda row: int(row[0])):
        contract = session.definition.catalogue.in_force(key, sequence)
        sha256 = digests[sequence]
        session.identities.log_access(
            at=session.run.now(), actor=actor, purpose=purpose, action="comments.read",
            delivery=sha256,
        )  # fmt: skip
        texts = dict(texts_of(session.blobs, contract, sha256, TEXT_COLUMNS[key]))
        for _, number, spoken, about, tone in group:
            if text := texts.get(number):
                yield Comment(key, sequence, number, text, spoken, about, tone)


def _keep(session: Session, rows: list[tuple[object, ...]]) -> None:
    lake, run = session.lake, session.run
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in _KEPT]
    lake.connection.register("comments_read", pa.table(columns, schema=pa.schema(_KEPT)))
    with lake.transaction():
        write_events(lake, [_EVENT_KEY], "read", run)
        lake.execute("delete from lake.ops.comment_reading")
        lake.execute(
            "insert into lake.ops.comment_reading select *, ?, ? from comments_read",
            [run.now(), run.run_id],
        )
    lake.connection.unregister("comments_read")
