"""Commands over incentives: `tietoallas incentive worth`.

Here: arguments, what is printed. Not here: any work (`incentive_worth`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import typer

from dagster_project import pipeline
from dagster_project.incentive_worth import Outcome, Worth, outcomes, without_score, worths
from dagster_project.settings import Settings
from dagster_project.vault.keys import keyed

incentive_app = typer.Typer(
    no_args_is_help=True, help="Indicators, scores, and what they are worth; settlement posts them."
)


@incentive_app.command(name="worth")
def incentive_worth(
    period: Annotated[
        datetime, typer.Option(formats=["%Y-%m"], help="First month of a period, as 2017-10.")
    ],
    provider: Annotated[str, typer.Option(help="With its indicators, as Y003.")] = "",
) -> None:
    """Bonus or sanction of a period by provider; of one under way, as it stands to date."""
    with pipeline.open_session(keyed(Settings())) as session:
        start = period.date().replace(day=1)
        found = worths(session.lake, start)
        unscored = without_score(session.lake, start)
    for line in lines(found, unscored, provider):
        typer.echo(line)


def lines(
    found: Sequence[Worth], unscored: Sequence[tuple[str, str, Decimal]], provider: str = ""
) -> Iterator[str]:
    """All providers, or one with its indicators below each of its schemes."""
    for done in outcomes(found):
        if provider in ("", done.provider_id):
            yield _line(done)
        if provider == done.provider_id:
            mine = (done.scheme_id, done.provider_id)
            yield from (_indicator_line(w) for w in found if (w.scheme_id, w.provider_id) == mine)
    for scheme_id, provider_id, weight in unscored:
        if provider in ("", provider_id):
            yield f"{scheme_id:12}{provider_id:8}no score: of the weight {weight:.4f} is measured"


def _line(done: Outcome) -> str:
    marks = ", ".join(
        mark
        for mark, holds in (("to date", done.is_early_warning), ("shadow", done.is_shadow))
        if holds
    )
    return (
        f"{done.scheme_id:12}{done.provider_id:8}score {done.score:.4f}{done.paid_eur:>16} EUR paid"
        f"{done.amount_eur:>+14} EUR  {marks}".rstrip()
    )


def _indicator_line(one: Worth) -> str:
    value = "-" if one.value is None else f"{one.value:.2f}"
    return (
        f"  {one.indicator_id:24}{one.state_code:14}{value:>10}  weight {one.effective_weight:.4f}"
        f"  reached {one.counted_part:.4f}{one.worth_eur:>+12} EUR"
    )
