"""What the generator planted, so that a test can demand that exactly this was caught.

Here: the manifest's sections and its file. Not here: planting. The file holds identity codes (of
nobody) and lies outside the landing folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_EXAMPLES = 100


@dataclass
class Manifest:
    """Everything planted; `sequence` is the delivery month (yyyymm) in which it shows."""

    region: dict[str, Any]
    """Residents, months, start month, seed."""
    files: dict[str, int] = field(default_factory=dict)
    """Data records by `<source>/<table>/<file>`."""
    dirty_rows: list[dict[str, Any]] = field(default_factory=list)
    """Rows that break one error rule: `file`, `record_number` (from 1, no header), `rule_id`."""
    warned_rows: list[dict[str, Any]] = field(default_factory=list)
    """Rows that break one warning rule, and are accepted; as above."""
    unresolved_references: list[dict[str, Any]] = field(default_factory=list)
    """Accepted rows that name a row nobody delivers: `file`, `record_number`, `column`."""
    quoted_fields: list[dict[str, Any]] = field(default_factory=list)
    """Accepted rows with a delimiter, quote or line end inside a quoted field."""
    code_changes: list[dict[str, Any]] = field(default_factory=list)
    merges: list[dict[str, Any]] = field(default_factory=list)
    """Two listed persons of whom the register takes the second for the first's former code from
    `sequence` on; where `undone_sequence` is given it lists both again from then."""
    century_pairs: list[list[str]] = field(default_factory=list)
    """Two persons whose codes differ in the century mark alone."""
    protection_orders: list[dict[str, Any]] = field(default_factory=list)
    """All codes of the person, and the first month of the order."""
    doubled_hour: list[dict[str, Any]] = field(default_factory=list)
    """Encounters that began in the hour of October that comes twice."""
    moved_encounters: list[dict[str, Any]] = field(default_factory=list)
    """Encounters whose correction put them in another month."""
    early_changes: list[dict[str, Any]] = field(default_factory=list)
    """Choices made less than six months after the one before."""
    wrong_sites: list[dict[str, Any]] = field(default_factory=list)
    """Enrolments whose site was corrected in the next increment."""
    late_ends: list[dict[str, Any]] = field(default_factory=list)
    """Enrolments whose end came one increment late."""
    late_arrivals: dict[str, dict[str, int]] = field(default_factory=dict)
    """Rows that came one increment late, by table and sequence."""
    corrections: dict[str, dict[str, int]] = field(default_factory=dict)
    """Corrected versions, by table and sequence in which they came."""
    odd_measurements: dict[str, dict[str, int]] = field(default_factory=dict)
    """Accepted measurements with an odd value or unit, by kind and sequence: `missing NULL` (and
    NA, Puuttuu, empty), `below`, `above`, `impossible`, `unit <spelling>`."""
    reversed_vouchers: list[dict[str, Any]] = field(default_factory=list)
    """Vouchers posted twice, and the vouchers that took the second one back a month later."""
    examples: dict[str, list[Any]] = field(default_factory=dict)
    """The first keys of late and corrected rows, to follow by hand."""

    def count(self, section: str, table: str, *, sequence: int, keys: list[Any]) -> None:
        """Count rows of `late_arrivals` or `corrections`, keeping the first keys as examples."""
        if not keys:
            return
        counters: dict[str, dict[str, int]] = getattr(self, section)
        of_table = counters.setdefault(table, {})
        of_table[str(sequence)] = of_table.get(str(sequence), 0) + len(keys)
        kept = self.examples.setdefault(f"{section} {table}", [])
        kept.extend(keys[: _EXAMPLES - len(kept)])

    def write(self, path: Path) -> None:
        """Write as JSON with a fixed order."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            json.dump(vars(self), file, ensure_ascii=False, indent=1)
            file.write("\n")
