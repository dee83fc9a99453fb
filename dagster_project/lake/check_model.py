"""What a check over the lake is, and how one came out.

A check is data: id, table, category, severity, and two queries that count what violates it and
what was looked at. An error in a query is an error, never a pass.

Here: both, and the checks that are stated in `sql/check`. Not here: those that contracts give
(`contract_checks`), running them (`checks`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from dagster_project.contracts.model import Dimension, Severity
from dagster_project.errors import ContractError
from dagster_project.rulebook import read_document
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sql_models import SCHEMAS

STATED = PROJECT_ROOT / "sql" / "check"
_TABLE = re.compile(r"\b(effective|current|staging|core|indicator|mart)\.\"?(\w+)\"?")


class Status(StrEnum):
    """How a check came out."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    PASS_WITH_FAILURES = "pass_with_failures"  # noqa: S105 - likewise
    FAIL = "fail"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Check:
    """One check: both queries give one count."""

    id: str
    table: str
    dimension: Dimension
    severity: Severity
    violated_sql: str
    checked_sql: str
    description: str

    @property
    def reads(self) -> frozenset[str]:
        """Tables it is of: its own, and those of the lake that its queries read.

        As `staging.<table>` or `<schema>.<model>`.
        """
        found = _TABLE.findall(f"{self.table} {self.violated_sql} {self.checked_sql}")
        return frozenset(
            f"{schema if schema in SCHEMAS else 'staging'}.{table}" for schema, table in found
        )


@dataclass(frozen=True)
class CheckResult:
    """A check's verdict with its counts; never a value."""

    check: Check
    status: Status
    violated: int
    checked: int

    @property
    def is_blocking(self) -> bool:
        """Whether nothing may be built or published on top of this."""
        failed = self.status is Status.FAIL and self.check.severity is Severity.ERROR
        return failed or self.status is Status.ERROR


class _Stated(BaseModel):
    """A check as its file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dimension: Dimension
    severity: Severity
    description: str
    violated: str
    checked: str


_FILE = TypeAdapter(dict[str, _Stated])


@cache
def stated_checks(folder: Path = STATED) -> tuple[Check, ...]:
    """The checks of every `<schema>/<table>.yaml`, in order of their files.

    Raises:
        ContractError: a file is no YAML, or says too little, too much or something else.
    """
    return tuple(check for file in sorted(folder.glob("*/*.yaml")) for check in _read(file))


def _read(file: Path) -> list[Check]:
    table = f"{file.parent.name}.{file.stem}"
    document = read_document(file.read_text(encoding="utf-8"), str(file))
    try:
        stated = _FILE.validate_python(document)
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ContractError(f"{file}: {'; '.join(faults)}; correct the file") from error
    return [
        Check(
            id=name,
            table=table,
            dimension=one.dimension,
            severity=one.severity,
            violated_sql=one.violated,
            checked_sql=one.checked,
            description=one.description,
        )
        for name, one in stated.items()
    ]
