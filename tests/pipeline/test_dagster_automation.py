"""When Dagster starts something by itself: the landing sensor, and what it remembers."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from dagster_project.assets.automation import Watch, look
from dagster_project.definitions import build_defs
from dagster_project.settings import Settings
from tests.support.deliveries import ENCOUNTERS

A, B = frozenset({"a"}), frozenset({"b"})


def test_a_file_is_asked_for_once_it_has_lain_unchanged_from_one_look_to_the_next() -> None:
    first, asked_first = look(Watch(), A)
    second, asked_second = look(first, A)
    _, asked_third = look(second, A)

    assert (asked_first, asked_second, asked_third) == (frozenset(), A, frozenset())


def test_a_file_that_grows_gets_another_mark_and_is_waited_for() -> None:
    watch, asked = look(Watch(seen=A), B)

    assert asked == frozenset()
    assert look(watch, B)[1] == B


def test_a_file_that_arrives_beside_one_that_still_grows_waits_with_it() -> None:
    watch, asked = look(Watch(seen=A), A | B)

    assert asked == frozenset()
    assert look(watch, A | B)[1] == A | B


def test_what_a_run_left_behind_is_not_asked_for_again() -> None:
    watch = Watch(seen=A | B, asked=A | B)

    assert look(watch, A)[1] == frozenset()


def test_what_was_taken_in_and_comes_again_is_asked_for_again() -> None:
    taken_in, _ = look(Watch(seen=A, asked=A), frozenset())
    come_again, _ = look(taken_in, A)

    assert look(come_again, A)[1] == A


def test_an_empty_landing_asks_for_nothing() -> None:
    assert look(Watch(), frozenset()) == (Watch(), frozenset())


def tick(settings: Settings, cursor: str | None) -> tuple[list[str], str]:
    """Run keys that the sensor asks for, and its next cursor."""
    (sensor,) = build_defs(settings).sensors or []
    assert isinstance(sensor, dg.SensorDefinition)
    context = dg.build_sensor_context(cursor=cursor)
    asked = sensor.evaluate_tick(context)
    return [request.run_key or "" for request in asked.run_requests or []], asked.cursor or ""


def landed(settings: Settings, name: str, content: str) -> Path:
    """A file among the encounters, changed at a fixed time."""
    path = settings.landing / ENCOUNTERS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (1_500_000_000, 1_500_000_000))
    return path


def test_a_missing_landing_is_no_error(settings: Settings) -> None:
    assert tick(settings, None)[0] == []
    assert not settings.home.exists()


def test_the_same_landing_gives_the_same_run_key(settings: Settings) -> None:
    landed(settings, "encounters_201705.csv", "x")
    _, cursor = tick(settings, None)

    once, again = tick(settings, cursor), tick(settings, cursor)

    assert len(once[0]) == 1
    assert once == again


def test_other_bytes_in_the_same_place_give_another_run_key(settings: Settings) -> None:
    landed(settings, "encounters_201705.csv", "x")
    (key,), cursor = tick(settings, tick(settings, None)[1])
    landed(settings, "encounters_201705.csv", "longer")
    (other,), _ = tick(settings, tick(settings, cursor)[1])

    assert key != other


def test_unfinished_files_and_files_astray_are_not_asked_for(settings: Settings) -> None:
    landed(settings, "encounters_201705.csv.part", "x")
    landed(settings, "who.csv", "x")
    asked, cursor = tick(settings, tick(settings, None)[1])

    assert asked == []
    assert cursor == Watch().cursor


def test_no_file_name_can_be_read_from_the_cursor_or_the_run_key(settings: Settings) -> None:
    landed(settings, "encounters_201705.csv", "x")
    (key,), cursor = tick(settings, tick(settings, None)[1])

    assert "encounters" not in cursor + key
    assert "201705" not in cursor + key
