"""A personal identity code typed where text is due never reaches the lake: its record is left out.

Here: every text column that goes to the lake. Not here: texts that the vault alone reads
(`tests/privacy/test_free_text`), what a code looks like (`tests/unit/test_vault_identity_codes`).
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from dagster_project.contracts.model import Column, Contract
from dagster_project.lake.gate import NO_IDENTITY_RULE, rules_of
from dagster_project.pipeline import load_definition
from tests.support.deliveries import ENCOUNTERS, ENROLMENTS, encounter, enrolment, sent
from tests.support.homes import new_home, take_in
from tests.support.identity import code
from tests.support.leaks import register_text

GOOD = 40
"""Records enough that one bad one leaves the delivery standing."""


def reaches_the_lake_as_sent(column: Column) -> bool:
    return column.sql_type == "VARCHAR" and not (column.is_vault_only or column.is_identity)


def watched(contract: Contract) -> set[str]:
    rules = (rule.id.split(".") for rule in rules_of(contract))
    return {column for column, rule in rules if rule == NO_IDENTITY_RULE}


def test_every_text_that_goes_to_the_lake_is_watched() -> None:
    for contract in load_definition().catalogue.contracts:
        texts = {c.name for c in contract.columns if reaches_the_lake_as_sent(c)}
        assert watched(contract) == texts, contract.key


def test_the_record_is_left_out_and_the_code_is_nowhere(tmp_path: Path) -> None:
    typed = code(70)
    visits = [encounter(n, code(n), datetime(2017, 5, 9, 9)) for n in range(1, GOOD + 2)]
    visits[-1] = {**visits[-1], "site_id": f"ks. {typed}"}
    choices = [enrolment(f"L{n}", code(n), date(2017, 5, 2)) for n in range(1, GOOD + 2)]
    choices[-1] = {**choices[-1], "enrolment_id": typed.lower()}
    with new_home(tmp_path) as session:
        taken = take_in(
            session,
            sent(ENCOUNTERS, 201705, *visits),
            sent(ENROLMENTS, 201705, *choices),
        )
        found = [(o.verdict.accepted, o.verdict.quarantined) for o in taken.outcomes if o.verdict]
        assert not taken.refusals
        assert found == [(GOOD, 1), (GOOD, 1)]
        assert session.lake.rows("select rule_id from ops.quarantine order by all") == [
            ("enrolment_id.no_identity_code",),
            ("site_id.no_identity_code",),
        ]
        kept = register_text(session.lake).upper()
        for table in ("encounters", "enrolments"):
            kept += str(session.lake.rows(f"from staging.{table}")).upper()
        assert "201705" in kept
        assert typed not in kept
