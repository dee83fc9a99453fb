"""The whole pipeline as plain calls: what the command line and Dagster both run.

Here: opening lake and vault together, the order of stages, what a run reports. Not here: how any
stage works (`lake`, `vault`, `publish`), or who starts it (`cli`, `assets`).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from dagster_project import indicators, rulebook
from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import Catalogue
from dagster_project.contracts.published import Outputs, load_outputs
from dagster_project.errors import CheckFailed
from dagster_project.lake import builds, checks, coded, ddl, profiles, protection, views
from dagster_project.lake.check_model import CheckResult, Status
from dagster_project.lake.connection import Lake, open_lake
from dagster_project.lake.delivery import (
    Door,
    Outcome,
    known_deliveries,
    take_in,
)
from dagster_project.lake.engines import DuckDB, Engine
from dagster_project.lake.placement import Engines, Placement, load_placement, open_engines
from dagster_project.lake.reading import Refused, read_ahead
from dagster_project.lake.release_log import Event, note
from dagster_project.lake.runs import OnStep, Run, no_step
from dagster_project.publish.withdrawal import withdraw_person_level
from dagster_project.rules import capitation_rulebook, incentive_scheme, personal_budget_rulebook
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.landing import StrayFile, survey
from dagster_project.sql_models import Model, ModelGraph, check_purposes, load_models
from dagster_project.vault import way_back
from dagster_project.vault.deliveries import DeliveryVault
from dagster_project.vault.identities import Identities
from dagster_project.vault.keys import Keyring, load_keyring

CONTRACTS = PROJECT_ROOT / "data_contracts"
SQL = PROJECT_ROOT / "sql"
Report = Callable[[str], None]


@dataclass(frozen=True)
class Definition:
    """What is installed: contracts, rulebooks and models. Loading it touches no data."""

    catalogue: Catalogue
    rulebooks: tuple[rulebook.Rulebook, ...]
    graph: ModelGraph
    outputs: Outputs
    placement: Placement = field(default_factory=Placement)

    @property
    def contracts_sha256(self) -> str:
        """Of all contracts and rulebooks."""
        parts = [c.sha256 for c in self.catalogue.contracts] + [r.sha256 for r in self.rulebooks]
        parts.append(self.outputs.sha256)
        return hashlib.sha256("".join(parts).encode()).hexdigest()


def load_definition(settings: Settings | None = None) -> Definition:
    """Contracts, rulebooks and models: the installation's, and those the settings put beside them.

    Args:
        settings: Of the installation; without them the environment is read.

    Raises:
        ContractError: a contract or rulebook is not valid.
        BuildError: a model is not valid.
    """
    given = settings or Settings()
    return _loaded(CONTRACTS, given.contracts, given.sql)


@lru_cache
def _loaded(root: Path, contracts: Path | None, sql: Path | None) -> Definition:
    catalogue = load_catalogue(root, beside=contracts)
    known = indicators.load_indicators(SQL, beside=sql)
    books = rulebook.load_rulebooks()
    versions = incentive_scheme.read_schemes(books, indicators.weights_of(known))
    incentive_scheme.check_achievements(books, {i.indicator_id: i.unit for i in known})
    schemes = incentive_scheme.relations(versions)
    stated = (b for b in books if b.name != incentive_scheme.SCHEMES)
    rulebooks = (*stated, *schemes, *indicators.rulebooks_of(known))
    capitation_rulebook.read_versions(rulebooks)
    personal_budget_rulebook.check_rulebooks(rulebooks)
    indicators.check_unfit(known, rulebooks)
    together = (indicators.counted_model(known),)
    graph = load_models(SQL, model_hashes(catalogue, rulebooks), beside=sql, also=together)
    newest = [catalogue.latest(key) for key in catalogue.tables()]
    steps = {c.key: str(c.delivery.sequence_step) for c in newest}
    indicators.check_queries(known, graph, steps)
    check_purposes(graph, {contract.table: contract.register for contract in newest})
    outputs = load_outputs(root, beside=contracts)
    return Definition(catalogue, rulebooks, graph, outputs, load_placement(SQL, graph, beside=sql))


def model_hashes(catalogue: Catalogue, rulebooks: tuple[rulebook.Rulebook, ...]) -> dict[str, str]:
    """Digest of all that models read and no model makes, by name."""
    hashes = {catalogue.latest(k).table: catalogue.latest(k).sha256 for k in catalogue.tables()}
    promises = "".join(c.sha256 for c in catalogue.contracts)
    hashes |= {views.PROMISE: hashlib.sha256(promises.encode()).hexdigest()}
    return hashes | {r.name: r.sha256 for r in rulebooks} | coded.coded_hashes(catalogue)


@dataclass(frozen=True)
class Session:
    """Lake and vault, open for one run."""

    definition: Definition
    lake: Lake
    identities: Identities
    blobs: DeliveryVault
    keyring: Keyring
    run: Run
    engines: Engines | None = None
    """Without them everything runs on DuckDB."""

    def engine_of(self, model: Model) -> Engine:
        """What works a model's rows out."""
        return self.engines.of(model) if self.engines else DuckDB(self.lake)

    def open_door(self) -> Door:
        """What deliveries pass through, with the register as it stands."""
        known = known_deliveries(self.lake)
        return Door(
            self.lake, self.blobs, self.identities, self.definition.catalogue, self.run, known
        )


@contextmanager
def open_session(
    settings: Settings,
    *,
    run_id: str | None = None,
    now: Callable[[], datetime] | None = None,
    on_step: OnStep = no_step,
    definition: Definition | None = None,
) -> Iterator[Session]:
    """Open everything a run needs; one at a time, and never without keys.

    Raises:
        SettingsError: keys are missing, another run is writing, or the disk is too full.
    """
    keyring = load_keyring(settings)
    loaded = definition or load_definition(settings)
    run = Run(run_id or uuid.uuid4().hex, now or _utc_now, on_step)
    with open_lake(settings) as lake:
        identities = Identities(lake.connection, settings.vault, keyring)
        identities.attach()
        blobs = DeliveryVault(settings.vault / "deliveries", keyring.age_identity)
        blobs.remove_temporaries()
        ddl.create_tables(lake, loaded.catalogue)
        views.create_views(lake, loaded.catalogue)
        views.create_rulebook_views(lake, loaded.rulebooks)
        coded.create_coded_views(lake, loaded.catalogue)
        with open_engines(lake, loaded.graph, loaded.catalogue, loaded.placement) as engines:
            yield Session(loaded, lake, identities, blobs, keyring, run, engines)


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class RunOutcome(StrEnum):
    """How a run ended, as `ops.run` has it."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked by a check"


@dataclass(frozen=True)
class Refusal:
    """A delivery that was not taken in, and why."""

    label: str
    message: str


@dataclass(frozen=True)
class Ingested:
    """What one pass over landing did."""

    outcomes: tuple[Outcome, ...]
    refusals: tuple[Refusal, ...]
    unfinished_count: int


def ingest(session: Session, *, only: str | None = None, report: Report = print) -> Ingested:
    """Take in everything that lies in landing; a refused file stands in nobody's way."""
    landing = survey(session.lake.settings.landing, session.definition.catalogue, only=only)
    outcomes: list[Outcome] = []
    refusals = [_note_stray(session, stray, report) for stray in landing.strays if only is None]
    door, lake = session.open_door(), session.lake
    ahead = read_ahead(lake, session.blobs, landing.files, door.known, on_step=session.run.on_step)
    # Several deliveries side by side keep the processors busier than several threads in each.
    with lake.threads(1), closing(ahead) as groups:
        for arrivals in groups:
            for outcome in take_in(door, arrivals):
                if isinstance(outcome, Refused):
                    refusals.append(_note_refusal(session, outcome, report))
                else:
                    outcomes.append(outcome)
                    report(_line(outcome))
    profiles.bring_up(lake, session.definition.catalogue, only=only)
    return Ingested(tuple(outcomes), tuple(refusals), landing.unfinished_count)


def _line(outcome: Outcome) -> str:
    if outcome.verdict is None:
        return f"{outcome.label}: taken in before, nothing to do"
    verdict = outcome.verdict
    return (
        f"{outcome.label}: {verdict.received} received, {verdict.accepted} accepted,"
        f" {verdict.quarantined} quarantined, {verdict.duplicate} duplicate"
    )


def _note_stray(session: Session, stray: StrayFile, report: Report) -> Refusal:
    report(f"REFUSED {stray.label}: {stray.message}")
    return Refusal(stray.label, stray.message)


def _note_refusal(session: Session, refused: Refused, report: Report) -> Refusal:
    """Note the refusal in the register, once for the same delivery and reason."""
    file, reason = refused.file, refused.reason
    report(f"REFUSED {file.label}: {reason}")
    key: list[Any] = [file.contract.source, file.contract.table, file.sequence, reason.rule_id]
    session.lake.execute(
        "insert into lake.ops.refusal select ?, ?, ?, ?, ?, ?, ?, ? where not exists ("
        "select 1 from ops.refusal where source = ? and table_name = ?"
        " and delivery_sequence = ? and rule_id = ?)",
        [*key, reason.line, reason.column, session.run.now(), session.run.run_id, *key],
    )
    return Refusal(file.label, str(reason))


@dataclass(frozen=True)
class BuildReport:
    """What a build did, and how its checks came out."""

    models: tuple[builds.Built, ...]
    checks: tuple[CheckResult, ...] = field(default=())
    build_id: int | None = None


def build(session: Session, *, report: Report = print) -> BuildReport:
    """Bring every model up to date, check the whole, and call it green.

    Raises:
        BuildError: a model cannot be built, or is empty where rows were due.
        CheckFailed: a blocking check failed; the last green build still stands.
    """
    hide_places(session)
    lake, graph, built = session.lake, session.definition.graph, []
    before = builds.standing(lake)
    for model in graph.models:
        engine = session.engine_of(model)
        done = builds.build_model(lake, graph, model, session.run, before, engine=engine)
        report(f"{done.model}: {done.row_count} rows, rebuilt {done.rebuilt}")
        built.append(done)
    return finish_build(session, tuple(built), report=report)


def build_one(session: Session, model: Model) -> builds.Built:
    """Bring one model up to date on its parents as they stand.

    Raises:
        BuildError: it cannot be built, is empty where rows were due, or a parent was never built.
    """
    graph = session.definition.graph
    builds.create_changed_views_above(session.lake, graph, model)
    engine = session.engine_of(model)
    return builds.build_model(session.lake, graph, model, session.run, engine=engine)


def hide_places(session: Session) -> int:
    """Bring the lake, releases and delivered lists up to the vault's protection orders.

    Before anything is built, and whether or not a build comes of it.
    """
    followed = protection.hide_places(
        session.lake, session.identities, session.definition.catalogue, session.run
    )
    known = session.lake.count("select count(*) from vault.protection")
    published = session.lake.settings.published
    for release_id in withdraw_person_level(published, protection_count=known):
        note(session.lake, session.run, Event.WITHDRAWN, release_id, reason="protection order")
    folder = session.lake.settings.outgoing
    way_back.take_back(session.identities, folder, today=session.run.today())
    return followed


def finish_build(
    session: Session, built: tuple[builds.Built, ...] = (), *, report: Report = print
) -> BuildReport:
    """Check the whole and, where it holds, name the snapshot at which the graph is green."""
    definition = session.definition
    due = checks.due_checks(definition.catalogue, definition.graph)
    results = checks.run_checks(session.lake, due, session.run)
    for result in results:
        if result.status is Status.PASS_WITH_FAILURES:
            report(
                f"warning {result.check.id}: {result.violated} of {result.checked}"
                f" ({result.check.description})"
            )
    build_id = builds.record_green(session.lake, definition.graph, session.run)
    return BuildReport(built, results, build_id)


@contextmanager
def recorded_run(session: Session) -> Iterator[None]:
    """Note the run in `ops.run`: when it started, from which code, and how it ended."""
    begin_run(session)
    outcome = RunOutcome.FAILED
    try:
        yield
        outcome = RunOutcome.SUCCEEDED
    except CheckFailed:
        outcome = RunOutcome.BLOCKED
        raise
    finally:
        end_run(session, outcome)


def begin_run(session: Session) -> None:
    """Note in `ops.run` that the run has started, and from which code."""
    session.lake.execute(
        "insert into lake.ops.run values (?, ?, null, ?, ?, ?, 'started')",
        [
            session.run.run_id,
            session.run.now(),
            code_version(),
            session.definition.contracts_sha256,
            session.definition.graph.sha256,
        ],
    )


def end_run(session: Session, outcome: RunOutcome) -> None:
    """Note in `ops.run` how the run ended."""
    session.lake.execute(
        "update lake.ops.run set finished_at = ?, outcome = ? where run_id = ?",
        [session.run.now(), outcome, session.run.run_id],
    )


@lru_cache
def code_version() -> str:
    """Version of the project and a digest of its Python code, which says more."""
    try:
        version = importlib.metadata.version("tietoallas")
    except importlib.metadata.PackageNotFoundError:
        version = "uninstalled"
    digest = hashlib.sha256()
    for path in sorted((PROJECT_ROOT / "dagster_project").rglob("*.py")):
        digest.update(path.read_bytes())
    return f"{version}+{digest.hexdigest()[:12]}"
