"""`python -m dagster_project.contracts.lint [root]`: says what is wrong with the contracts.

Here: one message per broken file, on standard error, and exit status 1. Not here: the checks
themselves (`loader`, `relations`, `odcs`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from dagster_project.contracts.documents import open_question, read_document, unanswered
from dagster_project.contracts.loader import OUTPUTS, contract_files, load_contract
from dagster_project.contracts.model import Contract
from dagster_project.contracts.odcs import validate, validator_of_the_version
from dagster_project.contracts.published import load_outputs, output_files
from dagster_project.contracts.relations import check_catalogue
from dagster_project.errors import ContractError
from dagster_project.settings import PROJECT_ROOT


def problems(root: Path, *, beside: Path | None = None) -> Iterator[str]:
    """Messages about the contracts below a folder; none where all is well.

    Each file is checked by itself; only when all are sound are they checked against each other.

    Args:
        root: The folder, or a contract, which is then checked by itself alone.
        beside: Another folder, checked together with the first.
    """
    if root.is_file() and root.parent.parent.name == OUTPUTS:
        yield from _problems_of_outputs(root.parent.parent.parent)
        return
    try:
        files = [root] if root.is_file() else list(contract_files(root))
        files += contract_files(beside) if beside else ()
    except ContractError as error:
        yield str(error)
        return
    contracts: dict[Path, Contract] = {}
    for path in files:
        yield from _problems_of(path, contracts)
    if root.is_file():
        return
    for folder in (root, beside) if beside else (root,):
        yield from _problems_of_outputs(folder)
    if len(contracts) == len(files):
        yield from _messages(lambda: check_catalogue(contracts))


def _problems_of_outputs(root: Path) -> Iterator[str]:
    """Messages about the contracts of published tables: the standard, and what we add to it."""
    for path in output_files(root):
        yield from _messages(partial(_check_version, path))
    yield from _messages(partial(load_outputs, root))


def _problems_of(path: Path, sound: dict[Path, Contract]) -> Iterator[str]:
    """Messages about one file: every question left open, or the first thing that is wrong."""
    try:
        questions = list(unanswered(read_document(path)))
        if questions:
            yield from (str(place.error(*open_question(place))) for place in questions)
            return
        _check_version(path)
        sound[path] = load_contract(path)
    except ContractError as error:
        yield str(error)


def main(arguments: list[str]) -> int:
    """Exit status: 0 where all contracts are valid, else 1."""
    root = Path(arguments[0]) if arguments else PROJECT_ROOT / "data_contracts"
    found = list(problems(root))
    sys.stderr.writelines(f"{message}\n" for message in found)
    return 1 if found else 0


def _check_version(path: Path) -> None:
    """Checks against the schema of the very version, where the development tools are installed."""
    validator = validator_of_the_version()
    if validator is not None:
        validate(read_document(path), validator)


def _messages(check: Callable[[], object]) -> Iterator[str]:
    try:
        check()
    except ContractError as error:
        yield str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
