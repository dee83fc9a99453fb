"""The delivery protocol: a file in landing becomes rows in the lake exactly once, or nothing.

Order of steps, each survivable: bytes to the vault (`reading`), identities to the vault, then ONE
lake transaction with rows, quarantine, counts and the register entry. Only that transaction makes a
delivery exist; whatever a crash leaves before it is reused by the next run. Small deliveries of a
table take the steps together, each judged and refused by itself.

Here: the steps and the register. Not here: what a row must be (`gate`), where files lie
(`sources`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import duckdb

from dagster_project.contracts.model import Catalogue, Column, Contract
from dagster_project.errors import CheckFailed, DeliveryRefused, SettingsError
from dagster_project.lake import gate
from dagster_project.lake.connection import Lake, without_values
from dagster_project.lake.reading import Arrival, Arrivals, Refused, fingerprint, forget
from dagster_project.lake.runs import Run
from dagster_project.lake.upcast import upcast_sql
from dagster_project.sources.landing import Key, LandingFile
from dagster_project.sql_text import quoted
from dagster_project.vault.deliveries import DeliveryVault
from dagster_project.vault.identities import Identities


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery that was not refused."""

    label: str
    verdict: gate.Verdict | None
    """None where exactly these bytes were taken in before."""


@dataclass(frozen=True)
class Judged:
    """A delivery that is sound as a whole, and what the gate says of its records."""

    arrival: Arrival
    verdict: gate.Verdict

    @property
    def file(self) -> LandingFile:
        """As it lies in landing."""
        return self.arrival.file


@dataclass(frozen=True)
class Door:
    """Everything a delivery passes through on its way in."""

    lake: Lake
    blobs: DeliveryVault
    identities: Identities
    catalogue: Catalogue
    run: Run
    known: dict[Key, str]
    """SHA-256 of every delivery in the register: read once, since this run alone adds to it."""


def known_deliveries(lake: Lake) -> dict[Key, str]:
    """SHA-256 of every delivery ever taken in."""
    rows = lake.rows("select source, table_name, delivery_sequence, sha256 from lake.ops.delivery")
    return {(source, table, sequence): sha256 for source, table, sequence, sha256 in rows}


def take_in(door: Door, arrivals: Arrivals) -> tuple[Outcome | Refused, ...]:
    """Take deliveries that have been read through the rest of the protocol, together.

    Each is taken in or refused by itself, whatever becomes of the others; those that are taken in
    begin to exist at once.

    Args:
        door: What they pass through.
        arrivals: What was read; its tables in memory are gone afterwards.

    Returns:
        What became of each, in order.

    Raises:
        CheckFailed: rows would be lost or made up (a defect of this program); none was taken in.
        SettingsError: the disk is full, or landing cannot be written.
    """
    try:
        each = _judged(door, arrivals, [_told_apart(door, one) for one in arrivals.each])
        judged = [one for one in each if isinstance(one, Judged)]
        if judged:
            _commit(door, judged)
        for one in judged:
            _leave_landing(door, one.arrival)
    finally:
        forget(door.lake, arrivals)
    return tuple(
        Outcome(one.file.label, one.verdict) if isinstance(one, Judged) else one for one in each
    )


def _told_apart(door: Door, one: Arrival | Refused) -> Arrival | Outcome | Refused:
    """A delivery that is to be judged as it is; one that was here before needs no more."""
    if isinstance(one, Refused):
        return one
    known = door.known.get(one.file.key)
    if known is None:
        return one
    if known == one.vaulted.sha256:
        _leave_landing(door, one)
        return Outcome(one.file.label, None)
    reason = DeliveryRefused(
        "sequence.other_bytes",
        "a delivery with this sequence and other content was taken in before;"
        " a correction needs a sequence of its own",
    )
    return Refused(one.file, reason)


def _leave_landing(door: Door, arrival: Arrival) -> None:
    """Remove the landing file: its bytes are in the vault and its rows in the lake.

    A file that has come under the same name since is another delivery, and stays.

    Raises:
        SettingsError: landing cannot be written.
    """
    file = arrival.file
    try:
        is_the_same = fingerprint(file) == arrival.taken
    except DeliveryRefused:
        is_the_same = False  # it is gone
    if is_the_same and not door.lake.settings.keep_landing:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise SettingsError(
                f"{file.label} was taken in, but cannot be removed from landing ({error.strerror});"
                " mend the folder's permissions, or set TIETOALLAS_KEEP_LANDING"
            ) from None
    door.run.on_step("landing file removed")


def _judged(
    door: Door, arrivals: Arrivals, each: list[Arrival | Outcome | Refused]
) -> list[Judged | Outcome | Refused]:
    """The same with those judged that are due; `gate` then shows the sound ones alone."""
    due = {one.file.sequence: one for one in each if isinstance(one, Arrival)}
    verdicts = _verdicts(door, arrivals, due) if due else {}
    judged = [
        _as_a_whole(one, verdicts[one.file.sequence]) if isinstance(one, Arrival) else one
        for one in each
    ]
    sound = [one.file.sequence for one in judged if isinstance(one, Judged)]
    if len(sound) < len(due):
        _show(door.lake, arrivals, sound)
    for sequence in sound:
        protect(door, arrivals.contract, sequence)
    door.run.on_step("protection orders registered")
    return judged


def _verdicts(
    door: Door, arrivals: Arrivals, sequences: Collection[int]
) -> dict[int, gate.Verdict]:
    lake, contract = door.lake, arrivals.contract
    # In transactions, since every statement outside of one asks the catalog for its snapshot.
    with lake.transaction():
        _show(lake, arrivals, sequences)
        new_code_count = lake.count("select count(*) from new_code")
    door.run.on_step("gate passed")
    if new_code_count:
        door.identities.register("from new_code", source=contract.key)
    door.run.on_step("codes registered")
    with lake.transaction():
        return gate.judge(lake, contract, sequences)


def _show(lake: Lake, arrivals: Arrivals, sequences: Collection[int]) -> None:
    tables = {s: table for s, table in arrivals.tables.items() if s in sequences}
    if tables:
        gate.show(lake, tables, arrivals.new_codes)


def _as_a_whole(arrival: Arrival, verdict: gate.Verdict) -> Judged | Refused:
    try:
        _refuse_if_changed(arrival)
        of_the_whole = gate.check_dataset_rules(arrival.file.contract, verdict)
    except DeliveryRefused as reason:
        return Refused(arrival.file, reason)
    return Judged(arrival, replace(verdict, rules=verdict.rules + of_the_whole))


def _refuse_if_changed(arrival: Arrival) -> None:
    if fingerprint(arrival.file) != arrival.taken:
        raise DeliveryRefused(
            "file.being_written", "the file changed while it was read; it is tried again next run"
        )


def protect(door: Door, contract: Contract, sequence: int) -> None:
    """Note the protection orders that a delivery in `gate` states, once it is not refused."""
    flags = [c for c in contract.columns if c.is_protection_order]
    for flag in flags:
        door.identities.protect(
            "select distinct identity_map.person_id from gate join identity_map"
            f" on identity_map.identity_code = gate.{quoted(contract.identities[0].name)}"
            f" where gate.{quoted(flag.name)} and gate.delivery_sequence = {sequence}",
            source=contract.key,
            sequence=sequence,
        )


def _commit(door: Door, judged: list[Judged]) -> None:
    """Write the deliveries in one transaction: from here on they exist.

    Raises:
        CheckFailed: rows would be lost or made up.
        SettingsError: the disk is full.
    """
    try:
        _write(door, judged)
    except duckdb.Error as error:
        labels = ", ".join(one.file.label for one in judged)
        raise without_values(error, f"writing {labels}") from None
    door.known.update({one.file.key: one.arrival.vaulted.sha256 for one in judged})
    door.run.on_step("delivery committed")


def _write(door: Door, judged: list[Judged]) -> None:
    contract, lake, run = judged[0].file.contract, door.lake, door.run
    with lake.transaction():
        run.on_step("transaction begun")
        lake.execute(insert_sql(door.catalogue, contract))
        run.on_step("rows written")
        _write_quarantine(lake, judged)
        run.on_step("quarantine written")
        _write_rule_results(lake, judged)
        run.on_step("rule results written")
        _write_register(door, judged)
        run.on_step("register written")
        _check_conserved(lake, judged)
        run.on_step("counts checked")


def insert_sql(catalogue: Catalogue, sent: Contract) -> str:
    """SQL that appends the sound records of `gate` to staging, as the newest major has them.

    Identity codes become persons, and places become NULL for persons under a protection order.
    """
    rows = upcast_sql(_sound_records(sent), sent, catalogue)
    return f"insert into lake.staging.{quoted(sent.table)} {rows}"


def _sound_records(sent: Contract) -> str:
    joins = []
    for index, column in enumerate(sent.identities):
        joins.append(
            f"left join identity_map as identity_{index}"
            f" on identity_{index}.identity_code = gate.{quoted(column.name)}"
        )
        if any(c.is_place for c in sent.columns):
            joins.append(
                f"left join protected_person as protected_{index}"
                f" on protected_{index}.person_id = identity_{index}.person_id"
            )
    values = ", ".join(f"{_value(c, sent)} as {quoted(c.name)}" for c in sent.lake_columns)
    return (
        f"select {values}, gate.delivery_sequence, gate.record_number"
        " from gate anti join gate_left using (delivery_sequence, record_number)"
        f" {' '.join(joins)}"
    )


def _value(column: Column, sent: Contract) -> str:
    """A column's value: of a person the pseudonym, of a place none where a person is protected.

    Whom somebody lives with tells where they are: a column may be both.
    """
    value = f"gate.{quoted(column.name)}"
    if column.is_identity:
        value = f"identity_{sent.identities.index(column)}.person_id"
    if not column.is_place:
        return value
    nobody = " and ".join(
        f"protected_{index}.person_id is null" for index in range(len(sent.identities))
    )
    return f"case when {nobody} then {value} end"


def _write_quarantine(lake: Lake, judged: list[Judged]) -> None:
    file = judged[0].file
    lake.execute(
        "insert into lake.ops.quarantine select ?, ?, delivery_sequence, record_number, rule_id"
        " from gate_broken where severity = 'error'"
        " and delivery_sequence in (select unnest(cast(? as bigint[])))",
        [file.contract.source, file.contract.table, [one.file.sequence for one in judged]],
    )


def _write_rule_results(lake: Lake, judged: list[Judged]) -> None:
    contract = judged[0].file.contract
    rows = [
        f"({one.file.sequence}, '{c.rule.id}', '{c.rule.severity}', '{c.rule.dimension}',"
        f" {c.violated}, {one.verdict.received if c.checked is None else c.checked})"
        for one in judged
        for c in one.verdict.rules
    ]
    lake.execute(
        "insert into lake.ops.rule_result select ?, ?, delivery_sequence, rule_id, severity,"
        f" dimension, violated, checked from (values {', '.join(rows)})"
        " as results(delivery_sequence, rule_id, severity, dimension, violated, checked)",
        [contract.source, contract.table],
    )


def _write_register(door: Door, judged: list[Judged]) -> None:
    now = door.run.now()
    for file, vaulted, verdict in ((one.file, one.arrival.vaulted, one.verdict) for one in judged):
        delivery = file.contract.delivery
        door.lake.execute(
            "insert into lake.ops.delivery values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *file.key,
                vaulted.sha256,
                file.contract.version,
                vaulted.byte_count,
                verdict.received,
                verdict.accepted,
                verdict.quarantined,
                verdict.duplicate,
                delivery.predecessor(file.sequence),
                delivery.last_date(file.sequence),
                now,
                door.run.run_id,
            ],
        )
    write_events(door.lake, [one.file.key for one in judged], "landed", door.run)


def write_events(
    lake: Lake, keys: Sequence[Key], event: str, run: Run, *, reason: str | None = None
) -> None:
    """Append to the log of what happened to deliveries; its ids order what is built from them."""
    last = lake.count("select max(event_id) from ops.delivery_event")
    row = "(?, ?, ?, ?, ?, ?, ?, ?)"
    lake.execute(
        f"insert into lake.ops.delivery_event values {', '.join([row] * len(keys))}",
        [
            value
            for number, key in enumerate(keys, start=last + 1)
            for value in (number, *key, event, reason, run.now(), run.run_id)
        ],
    )


def _check_conserved(lake: Lake, judged: list[Judged]) -> None:
    """The first conservation law, on the rows themselves and before they are committed.

    Raises:
        CheckFailed: received is not accepted + quarantined + duplicate.
    """
    sequences = [str(one.file.sequence) for one in judged]
    written = dict(
        lake.rows(
            "select delivery_sequence, count(*) from"
            f" lake.staging.{quoted(judged[0].file.contract.table)}"
            f" where delivery_sequence in ({', '.join(sequences)}) group by delivery_sequence"
        )
    )
    for one in judged:
        verdict, count = one.verdict, written.get(one.file.sequence, 0)
        left = verdict.quarantined + verdict.duplicate
        if count != verdict.accepted or verdict.received != count + left:
            raise CheckFailed(
                f"{one.file.label}: {verdict.received} records were received but {count} would be"
                f" written and {left} left out; nothing was taken in. This is a defect: report it"
            )
