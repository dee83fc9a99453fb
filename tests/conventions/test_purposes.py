"""What a mart is for, and which registers it may read for it.

Here: the marts as they are, and one that reads too much. Not here: what a register is (contracts).
"""

from __future__ import annotations

import pytest

from dagster_project.errors import BuildError
from dagster_project.pipeline import load_definition
from dagster_project.sql_models import PURPOSES, check_purposes

REGISTERS = {"health", "social", "occupational", "population", "public"}


def registers() -> dict[str, str]:
    catalogue = load_definition().catalogue
    newest = [catalogue.latest(key) for key in catalogue.tables()]
    return {contract.table: contract.register for contract in newest}


def test_every_mart_keeps_to_its_purpose() -> None:
    check_purposes(load_definition().graph, registers())


def test_a_mart_over_the_occupational_register_is_refused() -> None:
    with pytest.raises(BuildError, match=r"mart\.\w+ reads the occupational"):
        check_purposes(load_definition().graph, registers() | {"encounters": "occupational"})


def test_purposes_allow_registers_that_contracts_can_name() -> None:
    assert set().union(*PURPOSES.values()) <= REGISTERS
    assert set(registers().values()) <= REGISTERS
