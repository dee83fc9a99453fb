"""Protection orders: outside the vault, no row tells where a protected person is.

The gate already leaves places out for persons it knows to be protected. This module does the rest:
it extends an order over the person's other codes, takes the places out of rows that came before
the order, and cuts the references by which rows of nobody lead to a protected person's. It runs
before every build, so nothing is built or published from what it has not seen. Orders are only
ever added.

Here: those three. Not here: who is protected (`vault.identities`), physical removal
(`maintenance`).
"""

from __future__ import annotations

from dagster_project.contracts.model import Catalogue, Contract
from dagster_project.errors import VaultError
from dagster_project.lake.connection import Lake
from dagster_project.lake.delivery import write_events
from dagster_project.lake.ledger import take_out_persons
from dagster_project.lake.runs import Run
from dagster_project.sql_text import quoted
from dagster_project.vault.identities import Identities

_EVENT_KEY = ("vault", "protection", 0)


def hide_places(lake: Lake, identities: Identities, catalogue: Catalogue, run: Run) -> int:
    """Bring the lake up to the vault's protection orders; returns how many were new to it.

    Raises:
        VaultError: the vault has lost orders that the lake has followed.
    """
    _extend_over_links(lake, identities, catalogue)
    known = lake.count("select count(*) from vault.protection")
    followed = lake.count("select coalesce(max(scrubbed_count), 0) from ops.protection_state")
    if known < followed:
        raise VaultError(
            f"the vault holds {known} protection orders and the lake has followed {followed}: this"
            " vault is older than the lake; restore the newer one before anything is published"
        )
    _cut_references(lake, catalogue)
    if known == followed:
        return 0
    run.on_step("protection extended")
    with lake.transaction():
        lake.execute(
            "create or replace temp table newly_followed as"
            " select person_id from vault.protection where protection_number > ?",
            [followed],
        )
        for contract in _with_places(catalogue):
            _hide(lake, contract)
        take_out_persons(lake, "select person_id from newly_followed")
        lake.execute("delete from lake.ops.protection_state")
        lake.execute("insert into lake.ops.protection_state values (?)", [known])
        write_events(lake, [_EVENT_KEY], "protected", run)
        run.on_step("places hidden")
    run.on_step("protection committed")
    return known - followed


def _extend_over_links(lake: Lake, identities: Identities, catalogue: Catalogue) -> None:
    """A person's former and later codes share the order, however long the chain."""
    for contract in map(catalogue.latest, catalogue.tables()):
        if contract.former_identity is None:
            continue
        person, former = contract.identities[0].name, contract.former_identity.name
        lake.execute(
            "create or replace temp table code_link as"
            f" select distinct {quoted(person)} as person_id, {quoted(former)} as former_id"
            f" from lake.staging.{quoted(contract.table)} where {quoted(former)} is not null"
        )
        sequence = lake.count(
            f"select coalesce(max(delivery_sequence), 0) from lake.staging.{quoted(contract.table)}"
        )
        linked = (
            "select person_id from code_link semi join protected_person"
            " on code_link.former_id = protected_person.person_id"
            " union select former_id as person_id from code_link semi join protected_person"
            " on code_link.person_id = protected_person.person_id"
        )
        while identities.protect(linked, source=contract.key, sequence=sequence):
            pass


def _cut_references(lake: Lake, catalogue: Catalogue) -> None:
    """A row that names nobody and a place leads to no row of a protected person.

    At every build, for either of the two may come last: an action of the team, or its flag. The
    place stays, and is nobody's: what has been published of the row by its own key tells nothing.
    """
    for contract, reference in catalogue.references_to_persons():
        target = catalogue.latest(reference.to_contract)
        named = " or ".join(
            f"{quoted(c.name)} in (select person_id from protected_person)"
            for c in target.identities
        )
        there = ", ".join(map(quoted, reference.to_columns))
        here = ", ".join(map(quoted, reference.columns))
        leads = f"({here}) in (select ({there}) from staging.{quoted(target.table)} where {named})"
        table = f"lake.staging.{quoted(contract.table)}"
        if lake.count(f"select count(*) from {table} where {leads}"):
            cut = ", ".join(f"{quoted(name)} = null" for name in reference.columns)
            lake.execute(f"update {table} set {cut} where {leads}")


def _with_places(catalogue: Catalogue) -> list[Contract]:
    newest = [catalogue.latest(key) for key in catalogue.tables()]
    return [c for c in newest if c.identities and any(column.is_place for column in c.lake_columns)]


def _hide(lake: Lake, contract: Contract) -> None:
    places = [quoted(c.name) for c in contract.lake_columns if c.is_place]
    settings = ", ".join(f"{place} = null" for place in places)
    told = " or ".join(f"{place} is not null" for place in places)
    # A row tells where any of its persons is: the cared-for lives with the carer.
    hidden = " or ".join(
        f"{quoted(c.name)} in (select person_id from newly_followed)" for c in contract.identities
    )
    lake.execute(
        f"update lake.staging.{quoted(contract.table)} set {settings} where ({hidden}) and ({told})"
    )
