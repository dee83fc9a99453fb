"""Dagster runs in this process, and what Dagster says of them.

Here: executing a job over a home, steps by outcome, the bytes that Dagster keeps. Not here:
headless runs (`runs`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from dagster_project.cli import prepare_dagster_home
from dagster_project.definitions import build_defs
from dagster_project.pipeline import Definition
from dagster_project.settings import Settings
from dagster_project.vault.identity_codes import CODE_PATTERN
from tests.support.runs import NOW

Count = float | int | str | None


@dataclass(frozen=True)
class Ran:
    """A finished run."""

    result: dg.ExecuteInProcessResult

    @property
    def succeeded(self) -> set[str]:
        """Steps that did what they should."""
        return {e.step_key or "" for e in self.result.all_events if e.is_step_success}

    @property
    def failures(self) -> dict[str, str]:
        """What was said, by step that failed."""
        errors = {
            e.step_key or "": e.step_failure_data for e in self.result.get_step_failure_events()
        }
        return {step: data.error_display_string for step, data in errors.items()}

    @property
    def begun(self) -> set[str]:
        """Steps that were not stopped by the failure of another."""
        return self.succeeded | self.failures.keys()

    def counts(self, *key: str) -> dict[str, Count]:
        """Metadata of the asset's materialisation."""
        (found,) = self.result.asset_materializations_for_node("__".join(key))
        values = {name: getattr(entry, "value", None) for name, entry in found.metadata.items()}
        return {n: v for n, v in values.items() if isinstance(v, float | int | str)}

    def verdicts(self, *key: str) -> dict[str, dg.AssetCheckEvaluation]:
        """Evaluation by check of an asset."""
        return {
            e.check_name: e
            for e in self.result.get_asset_check_evaluations()
            if e.asset_key == dg.AssetKey(key)
        }


def execute(
    settings: Settings,
    job: str,
    *,
    instance: dg.DagsterInstance | None = None,
    only: Sequence[Sequence[str]] = (),
    definition: Definition | None = None,
) -> Ran:
    """Run a job to its end; `only` narrows it to some assets."""
    defs = build_defs(settings, definition=definition, now=lambda: NOW)
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(key) for key in only] or None,
        raise_on_error=False,
    )
    return Ran(result)


@contextmanager
def kept_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance that `tietoallas ui` starts: its files lie in the home."""
    prepare_dagster_home(settings)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        yield instance


def bytes_kept(settings: Settings) -> bytes:
    """Everything in Dagster's home."""
    files = sorted(p for p in settings.dagster_home.rglob("*") if p.is_file())
    return b"\0".join(file.read_bytes() for file in files)


def codes_in(content: bytes) -> set[str]:
    """What looks like an identity code, in capitals."""
    pattern = re.compile(rf"(?=({CODE_PATTERN}))".encode())
    return {match[1].decode().upper() for match in pattern.finditer(content)}


def codes_landed(landing: Path) -> set[str]:
    """What looks like an identity code in the files of a landing folder."""
    files = [path for path in landing.rglob("*") if path.is_file()]
    return set().union(*(codes_in(file.read_bytes()) for file in files))
