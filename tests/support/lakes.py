"""Pairs of lakes to compare: one that came to its state step by step, one built in one go.

Here: opening quick lakes that share keys. Not here: what is delivered to them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from dagster_project.pipeline import Definition, Session
from dagster_project.vault.keys import create_keyring
from tests.support.deliveries import Sent
from tests.support.homes import Contents, contents, differences, new_settings, take_in
from tests.support.quick_lake import quick_build, quick_home


@lru_cache
def _shared_keys() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys"
        create_keyring(path)
        return path.read_bytes()


@contextmanager
def quick_lake(definition: Definition | None = None) -> Iterator[Session]:
    """An empty quick lake; all of them have the same keys, hence the same person ids."""
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys"
        keys.touch(mode=0o600)
        keys.write_bytes(_shared_keys())
        with quick_home(new_settings(Path(folder), keys=keys), definition) as session:
            yield session


def bring(session: Session, *deliveries: Sent) -> None:
    """Take deliveries in, none refused, and build."""
    assert not take_in(session, *deliveries).refusals
    quick_build(session)


def built_at_once(deliveries: Iterable[Sent]) -> Contents:
    """What a fresh lake holds after one build over these deliveries."""
    with quick_lake() as session:
        bring(session, *deliveries)
        return contents(session)


def assert_as_built_at_once(session: Session, deliveries: Iterable[Sent]) -> None:
    """The lake holds what a fresh one would, had these deliveries come together."""
    assert differences(contents(session), built_at_once(deliveries)) == {}
