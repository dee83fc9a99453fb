"""The log of releases: what was published, withdrawn or rolled back, when, by whom and why.

Here: adding to it and reading it. Not here: doing any of it.
"""

from __future__ import annotations

import getpass
from enum import StrEnum

from dagster_project.lake.connection import Lake
from dagster_project.lake.runs import Run


class Event(StrEnum):
    """What can be done to a release."""

    PUBLISHED = "published"
    ROLLED_BACK = "rolled back"
    """Readers no longer see it; an older one is current."""
    RESTORED = "restored"
    """Readers see it again."""
    WITHDRAWN = "withdrawn"
    """Its person-level files are gone."""
    EXPORTED = "exported"


def note(lake: Lake, run: Run, event: Event, release_id: str, *, reason: str = "") -> None:
    """Add a line; nothing ever takes one away."""
    lake.execute(
        "insert into lake.ops.release_event values (?, ?, ?, ?, ?, ?)",
        [
            release_id,
            event.value,
            reason,
            getpass.getuser(),
            run.now(),
            run.run_id,
        ],
    )


def is_rolled_back(lake: Lake, release_id: str) -> bool:
    """Whether the last that was done to a release is to take it from readers."""
    events = lake.rows(
        "select event from ops.release_event where release_id = ? and event in (?, ?)"
        " order by occurred_at desc, rowid desc limit 1",
        [release_id, Event.ROLLED_BACK.value, Event.RESTORED.value],
    )
    return events == [(Event.ROLLED_BACK.value,)]
