"""The command line: `tietoallas run | status | quarantine | withdraw | reinstate | ui | …`.

Here: arguments, what is printed, exit status. Not here: any work (`pipeline`, `publish`).
"""

from __future__ import annotations

import getpass
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from dagster_project import budget_commands, pipeline, rights_commands
from dagster_project.asking import say_why
from dagster_project.comment_commands import comments_app
from dagster_project.contract_commands import contracts_app
from dagster_project.errors import TietoallasError
from dagster_project.guidance_commands import guidance_app
from dagster_project.incentive_commands import incentive_app
from dagster_project.lake import maintenance, status
from dagster_project.need_commands import need_app
from dagster_project.publish.manifest import Release
from dagster_project.publish.quality import report_quality
from dagster_project.publish.release import publish
from dagster_project.quality import supplier
from dagster_project.release_commands import release_app, sql
from dagster_project.research_commands import research_app
from dagster_project.risk_commands import risk_app
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.settle_commands import explain_app, settle_app
from dagster_project.settlement.due import settle_due
from dagster_project.vault.as_sent import show_record
from dagster_project.vault.keys import create_keyring, demo_keys_path, keyed

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
quarantine_app = typer.Typer(no_args_is_help=True, help="Rows that did not pass the gate.")
app.add_typer(quarantine_app, name="quarantine")
quality_app = typer.Typer(no_args_is_help=True, help="What is told of data quality.")
app.add_typer(quality_app, name="quality")
keys_app = typer.Typer(no_args_is_help=True, help="The keys that open the vault.")
app.add_typer(keys_app, name="keys")
keys_app.command(name="rotate")(rights_commands.keys_rotate)
app.add_typer(rights_commands.person_app, name="person")
app.command(name="expire")(rights_commands.expire)
app.command(name="backup")(rights_commands.back_up)
app.command(name="restore")(rights_commands.restore)
app.command(name="move-catalog")(rights_commands.move_catalog)
app.add_typer(contracts_app, name="contracts")
app.add_typer(need_app, name="need")
app.add_typer(comments_app, name="comments")
app.add_typer(risk_app, name="risk")
app.add_typer(guidance_app, name="guidance")
app.add_typer(research_app, name="research")
app.add_typer(settle_app, name="settle")
app.add_typer(incentive_app, name="incentive")
app.add_typer(explain_app, name="explain")
explain_app.command(name="budget")(budget_commands.explain_budget)
app.add_typer(release_app, name="release")
app.command(name="sql")(sql)

DEMO_RESIDENTS = 5_000
DEMO_MONTHS = 12
PUBLISHED_SOURCES = ("statfin", "thl")
"""What anyone may have put into landing before the demo is made."""


def main() -> None:
    """Run the command line; an error for people is printed as a message, with exit status 1."""
    os.umask(0o077)
    try:
        app()
    except TietoallasError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(1)
    except Exception as error:
        # Its text may hold values of a row, so only its kind and where it arose are shown.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        message = f"unforeseen {type(error).__name__} in {where}; this is a defect: report it"
        typer.secho(f"error: {message}", fg="red", err=True)
        sys.exit(2)


@app.command()
def run(
    residents: Annotated[int, typer.Option(min=1_000, max=5_600_000)] = DEMO_RESIDENTS,
    months: Annotated[int, typer.Option(min=1, max=120)] = DEMO_MONTHS,
) -> None:
    """Take in what lies in landing, build, check and publish; a new installation gets a demo."""
    started = time.monotonic()
    settings = _with_demo(Settings(), residents=residents, months=months)
    with pipeline.open_session(settings) as session, pipeline.recorded_run(session):
        ingested = pipeline.ingest(session, report=typer.echo)
        built = pipeline.build(session, report=typer.echo)
        due = settle_due(session, report=typer.echo)
        release = publish(session)
    _summary(settings, ingested, built, release, seconds=time.monotonic() - started)
    if ingested.refusals or due.refused_count:
        raise typer.Exit(1)


def _with_demo(settings: Settings, *, residents: int, months: int) -> Settings:
    """Settings with keys: as set, or those of the demo, which is made where nothing is yet."""
    if settings.keys is not None:
        return settings
    keys = demo_keys_path(settings)
    if not keys.exists():
        if _is_in_use(settings):
            return settings  # somebody's lake, and no keys: refused further on, with advice
        keys.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_keyring(keys)
        typer.echo(f"demo: made keys in {keys} (yours: set TIETOALLAS_KEYS)")
    settings = settings.model_copy(update={"keys": keys})
    if _needs_demo_deliveries(settings):
        _make_demo(settings, residents=residents, months=months)
    return settings


def _is_in_use(settings: Settings) -> bool:
    """Whether there is a lake or, its catalog being elsewhere, a vault that opens to old keys."""
    files = (settings.lake / "catalog.sqlite", settings.vault / "identities.duckdb")
    return any(file.exists() for file in files)


def _needs_demo_deliveries(settings: Settings) -> bool:
    if _is_in_use(settings):
        return False
    return not any(
        path.is_file() and path.relative_to(settings.landing).parts[0] not in PUBLISHED_SOURCES
        for path in settings.landing.rglob("*")
    )


def _make_demo(settings: Settings, *, residents: int, months: int) -> None:
    # Here, not above: numpy and polars take a second to import, and only a demo needs them.
    from dagster_project.synthetic.region import make_deliveries  # noqa: PLC0415

    typer.echo(
        f"demo: making the synthetic region's deliveries ({residents} residents, {months} months)"
    )
    settings.landing.mkdir(parents=True, exist_ok=True)
    # What was planted is for tests: it lists codes and protected persons in the clear.
    with tempfile.TemporaryDirectory() as folder:
        make_deliveries(
            settings.landing,
            residents=residents,
            months=months,
            manifest=Path(folder) / "manifest.json",
        )


def _summary(
    settings: Settings,
    ingested: pipeline.Ingested,
    built: pipeline.BuildReport,
    release: Release,
    *,
    seconds: float,
) -> None:
    verdicts = [o.verdict for o in ingested.outcomes if o.verdict is not None]
    quarantined = sum(v.quarantined for v in verdicts)
    rebuilt = [m for m in built.models if m.rebuilt not in ("nothing", "0 months")]
    typer.echo("")
    typer.echo(
        f"accepted     {sum(v.accepted for v in verdicts)} rows of {len(verdicts)} deliveries"
        f" ({len(ingested.outcomes) - len(verdicts)} taken in before)"
    )
    typer.echo(
        f"quarantined  {quarantined} rows, {sum(v.duplicate for v in verdicts)} duplicates"
        f" (which and why: tietoallas quarantine list)"
    )
    typer.echo(
        f"refused      {len(ingested.refusals)} files,"
        f" {ingested.unfinished_count} unfinished in landing"
    )
    typer.echo(f"built        {len(rebuilt)} of {len(built.models)} models, build {built.build_id}")
    typer.echo(f"published    release {release.release_id}, {len(release.tables)} tables")
    typer.echo(f"took         {seconds:.1f} s")
    current = settings.published / "current"
    typer.echo(f"look at      {current / 'internal' / 'index.html'} (the organiser's view)")
    typer.echo(f"             {current / 'internal' / 'bi'} (Parquet for BI)")
    typer.echo(f"             {current / 'public' / 'index.html'} (what anybody may read of it)")
    typer.echo(f"             {current / 'analyst' / 'tietoallas.duckdb'} (DuckDB for analysts)")
    for refusal in ingested.refusals:
        typer.secho(f"refused: {refusal.label}: {refusal.message}", fg="red", err=True)


@contextmanager
def _session() -> Iterator[pipeline.Session]:
    with pipeline.open_session(keyed(Settings())) as session:
        yield session


@app.command(name="status")
def show_status() -> None:
    """Deliveries, gaps and withdrawals by table."""
    with _session() as session:
        typer.echo(
            f"{'table':34}{'deliveries':>11}{'newest':>10}{'accepted':>12}{'quarantined':>12}"
            f"{'duplicate':>10}{'withdrawn':>10}  missing before"
        )
        for s in status.table_statuses(session.lake, session.definition.catalogue):
            typer.echo(
                f"{s.key:34}{s.delivery_count:>11}{s.newest_sequence or '-':>10}"
                f"{s.accepted_count:>12}{s.quarantined_count:>12}{s.duplicate_count:>10}"
                f"{s.withdrawn_count:>10}  {', '.join(map(str, s.gap_sequences)) or '-'}"
            )


@quarantine_app.command(name="list")
def quarantine_list(limit: int = 50) -> None:
    """Quarantined records by table, delivery, record and rule, of workbooks by cell; no values."""
    with _session() as session:
        catalogue = session.definition.catalogue
        rows = session.lake.rows(
            "select source || '/' || table_name, delivery_sequence, record_number, rule_id"
            " from ops.quarantine order by all limit ?",
            [limit],
        )
        total = session.lake.count("select count(*) from ops.quarantine")
    for key, sequence, record, rule in rows:
        place = (
            catalogue.in_force(key, sequence).place_of(rule) if key in catalogue.tables() else ""
        )
        typer.echo(f"{key:34}{sequence:>10}{record:>10}  {rule}  {place}".rstrip())
    typer.echo(f"{len(rows)} of {total}")


@quarantine_app.command(name="show")
def quarantine_show(
    table: str, sequence: int, record: int, purpose: Annotated[str, typer.Option()]
) -> None:
    """One record as it was sent, from the vault; who looked, when and why is logged."""
    say_why(purpose, example="asked by the sender")
    with _session() as session:
        catalogue = session.definition.catalogue
        if table not in catalogue.tables():
            raise TietoallasError(
                f"no contract {table}; known are: {', '.join(catalogue.tables())}"
            )
        contract = catalogue.in_force(table, sequence)
        if not session.lake.count(
            "select count(*) from ops.quarantine where source = ? and table_name = ?"
            " and delivery_sequence = ? and record_number = ?",
            [contract.source, contract.table, sequence, record],
        ):
            raise TietoallasError(
                f"record {record} of {table} {sequence} is not in quarantine;"
                " see `tietoallas quarantine list`"
            )
        sha256 = session.lake.value(
            "select sha256 from ops.delivery"
            " where source = ? and table_name = ? and delivery_sequence = ?",
            [contract.source, contract.table, sequence],
        )
        if sha256 is None:
            raise TietoallasError(f"{table} {sequence} was never taken in; see `tietoallas status`")
        fields = show_record(
            session.blobs,
            session.identities,
            contract,
            sha256=sha256,
            record_number=record,
            actor=getpass.getuser(),
            purpose=purpose,
            at=session.run.now(),
        )
    for name, value in fields.items():
        typer.echo(f"{name}: {value}")


@quality_app.command(name="report")
def quality_report(
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
) -> None:
    """Judge the lake by Great Expectations; pages in Finnish and English join the release."""
    with _session() as session:
        done = report_quality(session, _day(as_of, session))
    for verdict, count in sorted(done.counts.items()):
        typer.echo(f"{verdict:20}{count:>6}")
    typer.echo(f"look at      {done.folder / 'fi.html'}")
    if done.has_errors:
        raise typer.Exit(1)


@quality_app.command(name="supplier")
def quality_supplier(
    source: str,
    output: Annotated[Path | None, typer.Option(help="Folder; without it, the home's.")] = None,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
) -> None:
    """Write a source's letter: counts, rules in words, record numbers; ready to send."""
    with _session() as session:
        day, lake = _day(as_of, session), session.lake
        letter = supplier.gather(lake, session.definition.catalogue, source, day)
        folder = output or lake.settings.home / "suppliers"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in supplier.pages(letter).items():
        (folder / name).write_text(text, encoding="utf-8")
        typer.echo(folder / name)


def _day(as_of: datetime | None, session: pipeline.Session) -> date:
    """The day to judge by: as asked, or today in Helsinki."""
    if as_of is not None:
        return as_of.date()
    return session.run.today()


@keys_app.command(name="create")
def keys_create(path: Path) -> None:
    """Make a new key file; an existing one is never written over."""
    create_keyring(path)
    typer.echo(f"made {path}; set TIETOALLAS_KEYS to it, and keep a copy apart from the data")


@app.command()
def withdraw(table: str, sequence: int, reason: Annotated[str, typer.Option()]) -> None:
    """Take a delivery out of force; the next run rebuilds what it touched."""
    with _session() as session:
        status.withdraw(
            session.lake,
            session.definition.catalogue,
            session.run,
            key=table,
            sequence=sequence,
            reason=reason,
        )
    typer.echo(f"{table} {sequence} is withdrawn; `tietoallas run` rebuilds what rested on it")


@app.command()
def reinstate(table: str, sequence: int, reason: Annotated[str, typer.Option()]) -> None:
    """Put a withdrawn delivery in force again."""
    with _session() as session:
        status.reinstate(
            session.lake,
            session.definition.catalogue,
            session.run,
            key=table,
            sequence=sequence,
            reason=reason,
        )
    typer.echo(f"{table} {sequence} is in force again; `tietoallas run` rebuilds what rests on it")


@app.command(name="maintain")
def maintain() -> None:
    """Merge small files, expire old snapshots and remove files no snapshot needs."""
    with _session() as session:
        done = maintenance.maintain(session.lake, session.run)
    typer.echo(
        f"expired {done.expired_snapshot_count} snapshots, removed {done.removed_file_count} files"
    )


@app.command()
def ui(port: int = 3000) -> None:
    """Open Dagster on 127.0.0.1, with telemetry off and its home in TIETOALLAS_HOME."""
    settings = keyed(Settings())
    prepare_dagster_home(settings)
    typer.echo(f"DAGSTER_HOME is {settings.dagster_home}")
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workspace", str(PROJECT_ROOT / "workspace.yaml")]
    environment = os.environ | _dagster_environment(settings)
    os.chdir(PROJECT_ROOT)
    os.execve(command[0], command, environment)  # noqa: S606 - our own interpreter's dagster


def _dagster_environment(settings: Settings) -> dict[str, str]:
    """What Dagster's processes read; whole paths, for they work in another folder."""
    given = {"KEYS": settings.keys, "CONTRACTS": settings.contracts, "SQL": settings.sql}
    paths = {f"TIETOALLAS_{k}": str(path.resolve()) for k, path in given.items() if path}
    return paths | {
        "TIETOALLAS_HOME": str(settings.home.resolve()),
        "DAGSTER_HOME": str(settings.dagster_home.resolve()),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }


def prepare_dagster_home(settings: Settings) -> None:
    """Make Dagster's home with our instance settings: telemetry off, one writer."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    template = PROJECT_ROOT / "dagster_project" / "dagster.yaml"
    shutil.copyfile(template, settings.dagster_home / "dagster.yaml")


if __name__ == "__main__":
    main()
