"""`tietoallas contracts scaffold | lint | try`: a stranger's file on its way to a contract.

Here: arguments, what is printed, exit status. Not here: the work (`profiling`, `contracts.lint`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.contracts import lint as linter
from dagster_project.contracts.documents import OPEN
from dagster_project.contracts.loader import SUFFIX, load_contract
from dagster_project.contracts.model import Catalogue, Contract
from dagster_project.errors import ContractError, DeliveryRefused, TietoallasError
from dagster_project.pipeline import CONTRACTS, load_definition
from dagster_project.profiling.contract_text import contract_text
from dagster_project.profiling.headings import plain, table_name
from dagster_project.profiling.persons import Mark
from dagster_project.profiling.proposal import Proposal
from dagster_project.profiling.scaffold import scaffold
from dagster_project.profiling.trial import Finding, Trial, Upcast, try_delivery
from dagster_project.settings import Settings
from dagster_project.sources.landing import safe_name

contracts_app = typer.Typer(
    no_args_is_help=True, help="Contracts: propose one from a file, check them, try a file."
)

LEFT_OUT, REFUSED = 1, 2
"""Exit status of `try`: something would stay out; nothing would come in."""
_MARKS = {
    Mark.IDENTITY: "persons",
    Mark.PLACE: "places",
    Mark.VAULT_ONLY: "vault alone",
}


@contracts_app.command(name="scaffold")
def propose(
    files: Annotated[list[Path], typer.Argument(help="Deliveries of one table, or of several.")],
    source: Annotated[
        str | None, typer.Option(help="Who sends them; else the name of their folder.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="One table for all; else by the files' names.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of contracts; else TIETOALLAS_CONTRACTS, or ours.")
    ] = None,
) -> None:
    """Propose a contract from files: all their records are read, and none of their values shown."""
    settings = Settings()
    folder = output or settings.contracts or CONTRACTS
    groups: dict[str, list[Path]] = {}
    for path in sorted(files, key=lambda p: p.name):
        groups.setdefault(table or table_name(path.stem), []).append(path)
    has_failed = False
    for name, paths in groups.items():
        try:
            _propose_one(paths, source or _source_of(paths[-1]), name, folder, settings)
        except TietoallasError as refused:
            typer.secho(f"REFUSED {safe_name(paths[-1].name)}: {refused}", fg="red", err=True)
            has_failed = True
    if has_failed:
        raise typer.Exit(REFUSED)


def _source_of(path: Path) -> str:
    return plain(path.resolve().parent.name) or "stranger"


def _propose_one(
    paths: list[Path], source: str, table: str, folder: Path, settings: Settings
) -> None:
    for name in (source, table):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ContractError("source and table are written in ASCII snake_case: give --source")
    target = folder / source / table / f"v1{SUFFIX}"
    if target.exists():
        raise ContractError(f"{target} exists and is not written over; remove it, or use --table")
    proposal = scaffold(paths, source=source, table=table, settings=settings)
    text = contract_text(proposal)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    _print_proposal(proposal, target, text.count(f"{OPEN}: "))


def _print_proposal(proposal: Proposal, target: Path, question_count: int) -> None:
    typer.echo(f"wrote        {target}")
    typer.echo(f"from         {proposal.row_count} records, {len(proposal.columns)} columns")
    keyed = [c.name for c in proposal.columns if c.key_position]
    typer.echo(f"key          {', '.join(keyed) or 'none found'}")
    for mark, words in _MARKS.items():
        named = [c.name for c in proposal.columns if c.suspicion.mark is mark]
        if named:
            typer.echo(f"{words:13}{', '.join(named)}")
    typer.echo(f"to answer    {question_count} TODOs; then: tietoallas contracts lint {target}")


@contracts_app.command(name="lint")
def lint(path: Annotated[Path | None, typer.Argument()] = None) -> None:
    """Say what is wrong with the contracts: all of them, those of a folder, or one file."""
    own = Settings().contracts
    if path is None:
        found = list(linter.problems(CONTRACTS, beside=own))
    elif path.is_dir() and path.resolve() != CONTRACTS:
        found = list(linter.problems(CONTRACTS, beside=path))
    else:
        found = list(linter.problems(path))
    for message in found:
        typer.secho(message, fg="red", err=True)
    if found:
        raise typer.Exit(1)
    typer.echo("all is well")


@contracts_app.command(name="try")
def try_file(
    file: Path,
    contract: Annotated[
        str | None, typer.Option(help="<source>/<table>, or the path of a contract.")
    ] = None,
    sequence: Annotated[
        int | None, typer.Option(help="Of the delivery, where the file's name does not say it.")
    ] = None,
) -> None:
    """Say what would become of a file if it landed: nothing is kept, and no value is shown."""
    settings = Settings()
    try:
        stated, catalogue = _contract_of(file, contract, sequence, settings)
        number = _sequence(file, stated, sequence)
        trial = try_delivery(file, stated, catalogue, sequence=number, settings=settings)
    except TietoallasError as refused:
        typer.secho(f"REFUSED {safe_name(file.name)}: {refused}", fg="red", err=True)
        raise typer.Exit(REFUSED) from None
    _print_trial(trial)
    if not trial.is_sound:
        raise typer.Exit(LEFT_OUT)


def _contract_of(
    file: Path, given: str | None, sequence: int | None, settings: Settings
) -> tuple[Contract, Catalogue]:
    """The contract that a file is to keep, among all majors of its table."""
    if given is not None and given.endswith(".yaml"):
        chosen = load_contract(Path(given))
        others = sorted(Path(given).parent.glob(f"v*{SUFFIX}"))
        return chosen, Catalogue(tuple(load_contract(path) for path in others))
    catalogue = load_definition(settings).catalogue
    key = given or _key_by_name(file.name, catalogue)
    if key not in catalogue.tables():
        raise ContractError(
            f"there is no contract {key}; give <source>/<table> or the path of a contract;"
            f" known are {', '.join(catalogue.tables())}"
        )
    number = sequence or catalogue.latest(key).delivery.sequence_of(file.name)
    return (catalogue.in_force(key, number) if number else catalogue.latest(key)), catalogue


def _key_by_name(name: str, catalogue: Catalogue) -> str:
    keys = [k for k in catalogue.tables() if catalogue.latest(k).delivery.sequence_of(name)]
    if len(keys) != 1:
        found = f"the contracts {', '.join(keys)} have" if keys else "no contract has"
        raise ContractError(f"{found} file names of this form; say which: --contract KEY or PATH")
    return keys[0]


def _sequence(file: Path, contract: Contract, given: int | None) -> int:
    """Sequence of a delivery, as given or as the file's name says.

    Raises:
        DeliveryRefused: neither says one, or it is no date.
    """
    sequence = contract.delivery.sequence_of(file.name)
    if sequence is None and given is not None:
        typer.echo("the file's name is not of the contract's form: rename it when you land it")
    sequence = sequence if given is None else given
    try:
        contract.delivery.last_date(sequence or 0)
    except ValueError:
        form = contract.delivery.file_pattern.pattern
        raise DeliveryRefused(
            "file.name",
            f"its name states no sequence that is a date; name it in the form {form},"
            " or try it with --sequence",
        ) from None
    return sequence or 0


def _print_trial(trial: Trial) -> None:
    verdict = trial.verdict
    typer.echo(f"contract     {trial.contract.key} {trial.contract.version}, {trial.sequence}")
    for name in ("received", "accepted", "quarantined", "duplicate"):
        typer.echo(f"{name:13}{getattr(verdict, name)}")
    if trial.findings:
        typer.echo(f"\n{'rule':48}{'severity':10}{'count':>10}{'share':>9}  where")
    for finding in trial.findings:
        share = f"{100 * finding.violated / max(verdict.received, 1):.2f} %"
        typer.echo(
            f"{finding.rule_id:48}{finding.severity:10}{finding.violated:>10}{share:>9}"
            f"  {_where(finding)}"
        )
    if trial.upcast is not None:
        _print_upcast(trial.upcast)


def _where(finding: Finding) -> str:
    places, what = (finding.lines, "line") if finding.lines else (finding.records, "record")
    more = ", …" if finding.violated > len(places) else ""
    return f"{what} {', '.join(map(str, places))}{more}" if places else "the delivery as a whole"


def _print_upcast(upcast: Upcast) -> None:
    typer.echo(f"\nread as major {upcast.major}: {upcast.row_count} rows")
    if upcast.columns:
        typer.echo(f"  filled by the older contract's upcast: {', '.join(upcast.columns)}")
    for name, count in upcast.empty_counts.items():
        typer.echo(f"  {name} is required in major {upcast.major} and empty in {count} rows")
