"""Asset keys: `staging/<table>`, `core/<model>`, `mart/<model>`, and which of them rests on which.

Here: names and dependencies, from contracts and models. Not here: the assets (`staging`, `models`).
"""

from __future__ import annotations

import dagster as dg

from dagster_project.contracts.model import Contract
from dagster_project.pipeline import Definition
from dagster_project.sql_models import Model

LANDING = dg.AssetKey(["ops", "landing"])
BUILD = dg.AssetKey(["ops", "build"])
RELEASE = dg.AssetKey(["published", "release"])
SETTLEMENT = dg.AssetKey(["ledger", "settlement"])
EXPECTATIONS = dg.AssetKey(["ops", "expectations"])
RISK_MODELS = dg.AssetKey(["risk", "model"])
RISK_SCORES = dg.AssetKey(["risk", "score"])


def asset_key(full_name: str) -> dg.AssetKey:
    """`core.person`, or `staging."residents"`, as an asset key."""
    return dg.AssetKey(full_name.replace('"', "").split("."))


def contracts(definition: Definition) -> list[Contract]:
    """The newest contract of each delivered table."""
    return [definition.catalogue.latest(key) for key in definition.catalogue.tables()]


def staging_keys(definition: Definition) -> list[dg.AssetKey]:
    """The delivered tables."""
    return [asset_key(f"staging.{contract.table}") for contract in contracts(definition)]


def model_keys(definition: Definition) -> list[dg.AssetKey]:
    """The SQL models, parents first."""
    return [asset_key(model.full_name) for model in definition.graph.models]


def parents(definition: Definition, model: Model) -> set[dg.AssetKey]:
    """What a model reads; one that reads the register alone rests on every delivered table."""
    if all(name.startswith(("ops.", "rulebook.")) for name in model.parents):
        return set(staging_keys(definition))
    named = {asset_key(f"staging.{name.split('.')[1]}") for name in model.parents}
    models = set(map(asset_key, definition.graph.upstream_models(model)))
    return named & set(staging_keys(definition)) | models


def ancestors(definition: Definition) -> dict[dg.AssetKey, set[dg.AssetKey]]:
    """Everything that each table rests on, directly or not."""
    found: dict[dg.AssetKey, set[dg.AssetKey]] = {key: set() for key in staging_keys(definition)}
    for model in definition.graph.models:
        direct = parents(definition, model)
        found[asset_key(model.full_name)] = direct.union(*(found[key] for key in direct))
    return found
