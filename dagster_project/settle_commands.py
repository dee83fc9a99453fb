"""Commands over payments: `tietoallas settle …`, `tietoallas explain payment`.

Here: arguments, what is printed. Not here: any work (`settlement`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from dagster_project import pipeline
from dagster_project.errors import TietoallasError
from dagster_project.lake.builds import move_green
from dagster_project.settings import Settings
from dagster_project.settlement import due, runs, statements, what_if
from dagster_project.settlement.words import LANGUAGES
from dagster_project.vault.keys import keyed

settle_app = typer.Typer(
    no_args_is_help=True, help="What providers are paid for their lists; a month is closed once."
)
explain_app = typer.Typer(no_args_is_help=True, help="Where a figure comes from.")
Month = Annotated[datetime, typer.Option(formats=["%Y-%m"], help="As 2017-06.")]
Rulebook = Annotated[str, typer.Option(help="Payment scheme: reception, dental, …")]


def _first(month: datetime) -> date:
    return month.date().replace(day=1)


@settle_app.command(name="run")
def settle_run(
    month: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m"], help="Without it, every month due.")
    ] = None,
    rulebook: Rulebook = "reception",
    known_through: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m"], help="Last month whose deliveries count; the month's own."),
    ] = None,
) -> None:
    """Settle a month, or every month that is due; the next `run` publishes it."""
    with pipeline.open_session(keyed(Settings())) as session, pipeline.recorded_run(session):
        if month is None:
            outcome = due.settle_due(session, report=typer.echo)
            if outcome == due.NOTHING:
                typer.echo("nothing is due")
            if outcome.refused_count:
                raise typer.Exit(1)
            return
        through = _first(known_through) if known_through else None
        done = runs.settle(session, _first(month), rulebook, known_through=through)
        move_green(session.lake, session.run)
    typer.echo(due.line(done))


@settle_app.command(name="list")
def settle_list() -> None:
    """Runs so far: scheme, month, euros, digest."""
    with pipeline.open_session(keyed(Settings())) as session:
        rows = session.lake.rows(
            "select capitation_run_id, rulebook_id, strftime(settlement_month, '%Y-%m'),"
            " (select coalesce(sum(amount_eur), 0) from mart.capitation_payment as payment"
            " where payment.capitation_run_id = run.capitation_run_id and not is_shadow),"
            " left(ledger_sha256, 12) from mart.capitation_run as run order by all"
        )
    for run_id, rulebook_id, month, paid, digest in rows:
        typer.echo(f"{run_id:>6}  {rulebook_id:16}{month}{paid:>16} EUR  {digest}")
    typer.echo(f"{len(rows)} runs")


@settle_app.command(name="recompute")
def settle_recompute(run_id: int) -> None:
    """Work a run out again from what it froze, and compare with the ledger byte by byte."""
    with pipeline.open_session(keyed(Settings())) as session:
        done = runs.recompute(session.lake, run_id)
    if not done.is_equal:
        where = ", ".join(f"mart.capitation_{name}" for name in done.differing) or "the digest"
        raise TietoallasError(
            f"run {run_id} comes out otherwise than the ledger has it: {where}; see which code"
            " version settled it in mart.capitation_run, and try with that one"
        )
    typer.echo(f"run {run_id} comes out byte by byte as the ledger has it ({done.ledger_sha256})")


@settle_app.command(name="what-if")
def settle_what_if(
    rulebook: Annotated[str, typer.Option(help="Payment scheme to try.")],
    folder: Annotated[
        Path | None, typer.Option(help="Draft rulebooks, in place of those of their names.")
    ] = None,
    month: Annotated[list[datetime] | None, typer.Option(formats=["%Y-%m"])] = None,
) -> None:
    """Try another scheme on closed months: who would gain, who would lose. Nothing is written."""
    with pipeline.open_session(keyed(Settings())) as session:
        outcomes = what_if.what_if(
            session, rulebook, folder=folder, months=[_first(m) for m in month or ()]
        )
    typer.echo(f"{'provider':12}{'settled':>16}{'draft':>16}{'difference':>16}{'%':>9}")
    for o in outcomes:
        share = f"{100 * o.difference_eur / o.settled_eur:+.1f}" if o.settled_eur else "new"
        shadow = "  (shadow)" if o.is_shadow else ""
        typer.echo(
            f"{o.provider_id:12}{o.settled_eur:>16}{o.draft_eur:>16}{o.difference_eur:>+16}"
            f"{share:>9}{shadow}"
        )
    paid = [o for o in outcomes if not o.is_shadow]
    settled = sum((o.settled_eur for o in paid), Decimal(0))
    draft = sum((o.draft_eur for o in paid), Decimal(0))
    typer.echo(f"{'paid':12}{settled:>16}{draft:>16}{draft - settled:>+16}")


@settle_app.command(name="statement")
def settle_statement(
    month: Month,
    rulebook: Rulebook = "reception",
    output: Annotated[Path | None, typer.Option(help="Folder; without it, the home's.")] = None,
) -> None:
    """Write each provider's statement: a workbook and a Parquet file, ready to send."""
    with pipeline.open_session(keyed(Settings())) as session:
        folder = output or session.lake.settings.home / "statements"
        made = statements.write_statements(session.lake, folder, rulebook, _first(month))
    for statement in made:
        typer.echo(
            f"{statement.provider_id:12}{statement.amount_eur:>16} EUR  {statement.workbook}"
        )


@explain_app.command(name="payment")
def explain_payment(
    provider: Annotated[str, typer.Option(help="As core.provider has it.")],
    month: Month,
    rulebook: Rulebook = "reception",
    language: Annotated[str, typer.Option(help="fi, sv or en.")] = "fi",
) -> None:
    """One payment from list to euro, with every factor and what would be paid without it."""
    if language not in LANGUAGES:
        raise TietoallasError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")
    with pipeline.open_session(keyed(Settings())) as session:
        rows = session.lake.rows(
            f"select is_shadow, text_{language} from mart.capitation_explanation"
            " where provider_id = ? and settlement_month = ? and rulebook_id = ?"
            " order by is_shadow, step_number, detail_code",
            [provider, _first(month), rulebook],
        )
    if not rows:
        raise TietoallasError(
            f"{provider} has no payment of {month:%Y-%m} by {rulebook};"
            " see `tietoallas settle list`"
        )
    typer.echo(f"{provider} {month:%Y-%m} {rulebook}")
    for _, text in rows:
        typer.echo(f"  {text}")
