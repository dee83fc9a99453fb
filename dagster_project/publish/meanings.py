"""What a column of a model means: by its contract, by what it is read from, by its name.

Here: finding the sentence. Not here: the sentences (`data_contracts`).
"""

from __future__ import annotations

from dagster_project.lake.ledger_dictionary import MEANINGS as OF_THE_LEDGER
from dagster_project.pipeline import Definition
from dagster_project.sql_models import Model


class Meanings:
    """Looks up what columns mean, in the order in which a reader would."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        catalogue = definition.catalogue
        newest = [catalogue.latest(key) for key in catalogue.tables()]
        self._delivered = {c.table: {k.name: k.description for k in c.columns} for c in newest}
        self._by_name = {
            name: text for told in self._delivered.values() for name, text in told.items()
        }

    def of(self, model: Model, column: str) -> str:
        """The meaning of a model's column; empty where nobody has written one.

        Its output contract first, then the delivered tables that the model reads itself, the
        meanings by name, the models it reads, and any delivered column of that name.
        """
        outputs = self._definition.outputs
        contract = outputs.contracts.get(model.name) if model.schema == "mart" else None
        own = {c.name: c.meaning for c in contract.columns} if contract else {}
        if column in own:
            return own[column]
        return (
            self._read_by(model, column)
            or outputs.meanings.get(column)
            or self._above(model, column)
            or self._by_name.get(column)
            or OF_THE_LEDGER.get(column, "")
        )

    def _read_by(self, model: Model, column: str) -> str:
        tables = sorted(p.split(".")[1] for p in model.parents if p.startswith("staging."))
        told = [self._delivered.get(table, {}).get(column, "") for table in tables]
        return next((text for text in told if text), "")

    def _above(self, model: Model, column: str) -> str:
        graph = self._definition.graph
        for parent in graph.upstream_models(model):
            above = graph.model(parent)
            if text := self._read_by(above, column) or self._above(above, column):
                return text
        return ""
