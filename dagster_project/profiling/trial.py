"""What the gate would say to a delivery: read and judged as a real one, in memory, then forgotten.

Here: the same reader and gate without vault, keys, lake and landing; identity codes are judged by
their form alone, and no person gets a number. Not here: printing (`contract_commands`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from dagster_project.contracts.model import Catalogue, Contract, FileFormat, Severity
from dagster_project.lake import gate
from dagster_project.lake.connection import Lake, open_scratch
from dagster_project.lake.upcast import upcast_sql
from dagster_project.settings import Settings
from dagster_project.sources.readable import readable
from dagster_project.sources.text import count_byte
from dagster_project.sql_text import quoted
from dagster_project.vault.identity_codes import is_valid_code

_FIRST = 5
"""Records that are named for each rule."""
_CHUNK = 8 * 1024 * 1024
_CODES_AT_A_TIME = 100_000


@dataclass(frozen=True)
class Finding:
    """A rule that records break."""

    rule_id: str
    severity: Severity
    violated: int
    records: tuple[int, ...]
    """Numbers of the first few."""
    lines: tuple[int, ...]
    """Of the file, one for each record; empty where they are not known."""


@dataclass(frozen=True)
class Upcast:
    """How the records read in the newest major."""

    major: int
    row_count: int
    columns: tuple[str, ...]
    """Columns that the older contract says how to fill."""
    empty_counts: dict[str, int]
    """Rows without a value, of each column that the newest major requires."""


@dataclass(frozen=True)
class Trial:
    """What would become of a delivery."""

    contract: Contract
    sequence: int
    verdict: gate.Verdict
    findings: tuple[Finding, ...]
    upcast: Upcast | None

    @property
    def is_sound(self) -> bool:
        """Whether every record would be accepted."""
        return self.verdict.accepted == self.verdict.received


def try_delivery(
    path: Path, contract: Contract, catalogue: Catalogue, *, sequence: int, settings: Settings
) -> Trial:
    """Judge a file as if it were delivered.

    Args:
        path: The file, wherever it lies.
        contract: What it should keep.
        catalogue: Holds the contract, and its later majors if any.
        sequence: Of the delivery.
        settings: How much of the machine may be used.

    Raises:
        DeliveryRefused: the file would be refused as a whole.
        SettingsError: memory or disk is full.
    """
    with open_scratch(settings) as lake:
        lake.execute("create temp table identity_map (identity_code varchar, person_id bigint)")
        temp = lake.settings.home
        with readable(path, contract, sequence=sequence, temp=temp) as text:
            gate.read(lake, contract, sequence, text, into="records")
            lines = _line_count(text, contract)
        records = {sequence: "records"}
        gate.find_new_codes(lake, contract, records, into="new_codes")
        gate.show(lake, records, "new_codes")
        _let_valid_codes_in(lake)
        verdict = gate.judge(lake, contract, (sequence,))[sequence]
        warnings = gate.check_dataset_rules(contract, verdict)
        verdict = replace(verdict, rules=verdict.rules + warnings)
        first_line = _line_of_first(contract, lines, verdict.received)
        return Trial(
            contract,
            sequence,
            verdict,
            _findings(lake, verdict, first_line),
            _upcast(lake, contract, catalogue),
        )


def _let_valid_codes_in(lake: Lake) -> None:
    """Put codes of a valid form where the gate looks for persons, each without one."""
    with lake.beside().connection as reader:
        found = reader.execute("select identity_code from memory.main.new_codes")
        while codes := found.fetchmany(_CODES_AT_A_TIME):
            valid = [code for (code,) in codes if is_valid_code(code)]
            lake.execute(
                "insert into identity_map"
                " select unnest(cast(? as varchar[])), cast(null as bigint)",
                [valid],
            )


def _line_count(path: Path, contract: Contract) -> int | None:
    """Lines of a prepared file, of formats in which a record may be a line."""
    if contract.dialect.format not in (FileFormat.CSV, FileFormat.NDJSON):
        return None
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            count += count_byte(chunk, b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def _line_of_first(contract: Contract, lines: int | None, received: int) -> int | None:
    """Line of the first record, where each record is known to be one line."""
    header = contract.dialect.header_line if contract.dialect.format is FileFormat.CSV else 0
    return header + 1 if lines == header + received else None


def _findings(lake: Lake, verdict: gate.Verdict, first_line: int | None) -> tuple[Finding, ...]:
    firsts = dict(
        lake.rows(
            "select rule_id, list_sort(list(record_number)) from ("
            " select rule_id, record_number, row_number() over"
            " (partition by rule_id order by record_number) as place from gate_broken)"
            f" where place <= {_FIRST} group by rule_id"
        )
    )
    found = [count for count in verdict.rules if count.violated]
    return tuple(
        Finding(
            count.rule.id,
            count.rule.severity,
            count.violated,
            tuple(firsts.get(count.rule.id, ())),
            tuple(n + first_line - 1 for n in firsts.get(count.rule.id, ())) if first_line else (),
        )
        for count in sorted(found, key=lambda c: (c.rule.severity, -c.violated))
    )


def _upcast(lake: Lake, sent: Contract, catalogue: Catalogue) -> Upcast | None:
    """The accepted records in the newest major; None where they are in it already."""
    newest = catalogue.latest(sent.key)
    if newest.major == sent.major:
        return None
    values = ", ".join(
        f"{'cast(0 as bigint)' if c.is_identity else f'gate.{quoted(c.name)}'} as {quoted(c.name)}"
        for c in sent.lake_columns
    )
    sound = (
        f"select {values}, gate.delivery_sequence, gate.record_number from gate"
        " anti join gate_left using (delivery_sequence, record_number)"
    )
    due = [c.name for c in newest.lake_columns if c.is_required and not c.is_identity]
    counts = ", ".join(["count(*)", *(f"count(*) - count({quoted(name)})" for name in due)])
    (row,) = lake.rows(f"select {counts} from ({upcast_sql(sound, sent, catalogue)})")
    empty = {name: int(n) for name, n in zip(due, row[1:], strict=True) if n}
    majors = catalogue.majors(sent.key)
    columns = {name for c in majors[majors.index(sent) : -1] for name in c.upcast}
    return Upcast(newest.major, int(row[0]), tuple(sorted(columns)), empty)
