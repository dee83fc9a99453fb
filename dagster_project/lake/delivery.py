"""The delivery protocol: a file in landing becomes rows in the lake exactly once, or nothing.

Order of steps, each survivable: bytes to the vault (`reading`), identities to the vault, then ONE
lake transaction with rows, quarantine, counts and the register entry. Only that transaction makes a
delivery exist; whatever a crash leaves before it is reused by the next run.

Here: the steps and the register. Not here: what a row must be (`gate`), where files lie
(`sources`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from dagster_project.contracts.model import Catalogue, Column, Contract
from dagster_project.errors import CheckFailed, DeliveryRefused, SettingsError
from dagster_project.lake import gate
from dagster_project.lake.connection import Lake, without_values
from dagster_project.lake.reading import Arrival, fingerprint
from dagster_project.lake.runs import Run
from dagster_project.lake.upcast import upcast_sql
from dagster_project.sources.landing import Key, LandingFile
from dagster_project.sql_text import quoted
from dagster_project.vault.deliveries import DeliveryVault, VaultedDelivery
from dagster_project.vault.identities import Identities


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery."""

    label: str
    verdict: gate.Verdict | None
    """None where exactly these bytes were taken in before."""


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


def take_in(door: Door, arrival: Arrival) -> Outcome:
    """Take a delivery that has been read through the rest of the protocol.

    Raises:
        DeliveryRefused: the file breaks its contract as a whole; nothing of it was taken in.
        CheckFailed: rows would be lost or made up (a defect of this program); nothing was taken in.
        SettingsError: the disk is full, or landing cannot be written.
    """
    try:
        return _through_the_protocol(door, arrival)
    finally:
        if arrival.records is not None:
            gate.forget(door.lake, arrival.records)


def _through_the_protocol(door: Door, arrival: Arrival) -> Outcome:
    file = arrival.file
    if _is_known(door, arrival) or arrival.records is None:
        _leave_landing(door, arrival)
        return Outcome(file.label, None)
    verdict = _judged(door, file, arrival.records)
    _refuse_if_changed(arrival)
    of_the_whole = gate.check_dataset_rules(file.contract, verdict)
    verdict = replace(verdict, rules=verdict.rules + of_the_whole)
    protect(door, file.contract, file.sequence)
    door.run.on_step("protection orders registered")
    _commit(door, arrival, verdict)
    _leave_landing(door, arrival)
    return Outcome(file.label, verdict)


def _refuse_if_changed(arrival: Arrival) -> None:
    if fingerprint(arrival.file) != arrival.taken:
        raise DeliveryRefused(
            "file.being_written", "the file changed while it was read; it is tried again next run"
        )


def _is_known(door: Door, arrival: Arrival) -> bool:
    """Whether this very delivery was taken in before.

    Raises:
        DeliveryRefused: its sequence was, with other bytes.
    """
    known = door.known.get(arrival.file.key)
    if known is not None and known != arrival.vaulted.sha256:
        raise DeliveryRefused(
            "sequence.other_bytes",
            "a delivery with this sequence and other content was taken in before;"
            " a correction needs a sequence of its own",
        )
    return known is not None


def _leave_landing(door: Door, arrival: Arrival) -> None:
    """Remove the landing file: its bytes are in the vault and its rows in the lake.

    A file that has come under the same name since is another delivery, and stays.

    Raises:
        SettingsError: landing cannot be written.
    """
    file = arrival.file
    stays = door.lake.settings.keep_landing or not file.path.exists()
    if not stays and fingerprint(file) == arrival.taken:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise SettingsError(
                f"{file.label} was taken in, but cannot be removed from landing ({error.strerror});"
                " mend the folder's permissions, or set TIETOALLAS_KEEP_LANDING"
            ) from None
    door.run.on_step("landing file removed")


def _judged(door: Door, file: LandingFile, records: str) -> gate.Verdict:
    contract, lake = file.contract, door.lake
    # In transactions, since every statement outside of one asks the catalog for its snapshot.
    with lake.transaction():
        gate.show(lake, records)
        new_code_count = lake.count("select count(*) from new_code")
    door.run.on_step("gate passed")
    if new_code_count:
        door.identities.register(
            "select identity_code from new_code",
            source=contract.key,
            sequence=file.sequence,
        )
    door.run.on_step("codes registered")
    with lake.transaction():
        return gate.judge(lake, contract)


def protect(door: Door, contract: Contract, sequence: int) -> None:
    """Note the protection orders that the delivery in `gate` states, once it is not refused."""
    flags = [c for c in contract.columns if c.is_protection_order]
    for flag in flags:
        door.identities.protect(
            "select distinct identity_map.person_id from gate join identity_map"
            f" on identity_map.identity_code = gate.{quoted(contract.identities[0].name)}"
            f" where gate.{quoted(flag.name)}",
            source=contract.key,
            sequence=sequence,
        )


def _commit(door: Door, arrival: Arrival, verdict: gate.Verdict) -> None:
    """Write the delivery in one transaction: from here on it exists.

    Raises:
        CheckFailed: rows would be lost or made up.
        SettingsError: the disk is full.
    """
    try:
        _write(door, arrival.file, arrival.vaulted, verdict)
    except duckdb.Error as error:
        raise without_values(error, f"writing {arrival.file.label}") from None
    door.known[arrival.file.key] = arrival.vaulted.sha256
    door.run.on_step("delivery committed")


def _write(door: Door, file: LandingFile, vaulted: VaultedDelivery, verdict: gate.Verdict) -> None:
    contract, lake, run = file.contract, door.lake, door.run
    with lake.transaction():
        run.on_step("transaction begun")
        lake.execute(insert_sql(door.catalogue, contract, file.sequence))
        run.on_step("rows written")
        _write_quarantine(lake, file)
        run.on_step("quarantine written")
        _write_rule_results(lake, file, verdict)
        run.on_step("rule results written")
        _write_register(door, file, vaulted, verdict)
        run.on_step("register written")
        _check_conserved(lake, file, verdict)
        run.on_step("counts checked")


def insert_sql(catalogue: Catalogue, sent: Contract, sequence: int) -> str:
    """SQL that appends the sound records of `gate` to staging, as the newest major has them.

    Identity codes become persons, and places become NULL for persons under a protection order.
    """
    rows = upcast_sql(_sound_records(sent, sequence), sent, catalogue)
    return f"insert into lake.staging.{quoted(sent.table)} {rows}"


def _sound_records(sent: Contract, sequence: int) -> str:
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
        f"select {values}, {sequence} as delivery_sequence, gate.record_number"
        f" from gate {' '.join(joins)}"
        " where gate.record_number not in (select record_number from gate_left)"
    )


def _value(column: Column, sent: Contract) -> str:
    """A column's value: of a person the pseudonym, of a place none where a person is protected."""
    if column.is_identity:
        return f"identity_{sent.identities.index(column)}.person_id"
    value = f"gate.{quoted(column.name)}"
    if not column.is_place:
        return value
    nobody = " and ".join(
        f"protected_{index}.person_id is null" for index in range(len(sent.identities))
    )
    return f"case when {nobody} then {value} end"


def _write_quarantine(lake: Lake, file: LandingFile) -> None:
    lake.execute(
        "insert into lake.ops.quarantine select ?, ?, ?, record_number, rule_id"
        " from gate_broken where severity = 'error'",
        [file.contract.source, file.contract.table, file.sequence],
    )


def _write_rule_results(lake: Lake, file: LandingFile, verdict: gate.Verdict) -> None:
    contract = file.contract
    rows = [
        f"('{c.rule.id}', '{c.rule.severity}', '{c.rule.dimension}', {c.violated},"
        f" {verdict.received if c.checked is None else c.checked})"
        for c in verdict.rules
    ]
    lake.execute(
        "insert into lake.ops.rule_result select ?, ?, ?, rule_id, severity, dimension, violated,"
        f" checked from (values {', '.join(rows)})"
        " as results(rule_id, severity, dimension, violated, checked)",
        [contract.source, contract.table, file.sequence],
    )


def _write_register(
    door: Door, file: LandingFile, vaulted: VaultedDelivery, verdict: gate.Verdict
) -> None:
    contract, delivery = file.contract, file.contract.delivery
    now = door.run.now()
    door.lake.execute(
        "insert into lake.ops.delivery values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            contract.source,
            contract.table,
            file.sequence,
            vaulted.sha256,
            contract.version,
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
    write_event(door.lake, (contract.source, contract.table, file.sequence), "landed", door.run)


def write_event(lake: Lake, key: Key, event: str, run: Run, *, reason: str | None = None) -> None:
    """Append to the log of what happened to deliveries; its ids order what is built from them."""
    lake.execute(
        "insert into lake.ops.delivery_event"
        " select coalesce(max(event_id), 0) + 1, ?, ?, ?, ?, ?, ?, ? from ops.delivery_event",
        [*key, event, reason, run.now(), run.run_id],
    )


def _check_conserved(lake: Lake, file: LandingFile, verdict: gate.Verdict) -> None:
    """The first conservation law, on the rows themselves and before they are committed.

    Raises:
        CheckFailed: received is not accepted + quarantined + duplicate.
    """
    written = lake.count(
        f"select count(*) from lake.staging.{quoted(file.contract.table)}"
        " where delivery_sequence = ?",
        [file.sequence],
    )
    left = verdict.quarantined + verdict.duplicate
    if written != verdict.accepted or verdict.received != written + left:
        raise CheckFailed(
            f"{file.label}: {verdict.received} records were received but {written} would be written"
            f" and {left} left out; nothing was taken in. This is a defect: report it"
        )
