"""A catalogue of few tables: what the small region delivers, and the models that rest on it alone.

Whole runs over it cost a tenth of those over all tables: for tests of how the lake is written and
read, and not of what any table holds.

Here: that definition, and the command line over it. Not here: the region (`small_region`).
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache

import pytest

from dagster_project import cli, pipeline
from dagster_project.contracts.model import Catalogue
from dagster_project.pipeline import Definition, load_definition
from dagster_project.settings import Settings
from dagster_project.sql_models import Model, ModelGraph
from tests.support.small_region import deliveries

_SWITCH = "FEW_TABLES"


@lru_cache
def all_tables() -> Definition:
    """What few tables are of: asked for before they are installed, known ever after."""
    return load_definition(Settings())


@lru_cache
def few_tables(*also: str, without: str = "") -> Definition:
    """The contracts of the small region's tables and code lists; models that read no others.

    Args:
        also: Keys of further contracts.
        without: A model to leave out.
    """
    whole = all_tables()
    keys = {delivery.key for delivery in deliveries()} | {*also}
    coded = [c for key in keys for c in whole.catalogue.latest(key).coded_columns]
    keys |= {column.code_list.list_key for column in coded if column.code_list}
    contracts = tuple(c for c in whole.catalogue.contracts if c.key in keys)
    left_out = {c.table for c in whole.catalogue.contracts} - {c.table for c in contracts}
    read: dict[str, Model] = {}
    for model in whole.graph.models:
        above = set(whole.graph.upstream_models(model))
        is_fed = not whole.graph.sources(model) & left_out and above <= read.keys()
        if is_fed and model.full_name != without:
            read[model.full_name] = model
    prints = {name: whole.graph.fingerprints[name] for name in read}
    # Nothing that providers are paid by is here, so no scheme pays.
    rulebooks = (
        replace(b, rows=()) if b.name == "capitation_payer" else b for b in whole.rulebooks
    )
    return Definition(
        Catalogue(contracts),
        tuple(rulebooks),
        ModelGraph(tuple(read.values()), prints),
        whole.outputs,
    )


def install(patch: pytest.MonkeyPatch, *also: str) -> None:
    """Have few tables be all that is installed, here and in processes started from here."""
    definition = few_tables(*also)
    patch.setenv(_SWITCH, " ".join(also))
    patch.setattr(pipeline, "_loaded", lambda *_: definition)


def obey_switch() -> None:
    """In a process of its own: install few tables where the one that started it had."""
    if _SWITCH in os.environ:
        install(pytest.MonkeyPatch(), *os.environ[_SWITCH].split())


if __name__ == "__main__":
    obey_switch()
    cli.main()
