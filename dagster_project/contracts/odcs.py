"""The Open Data Contract Standard: is a document one, and what does it say in typed form.

Here: the official JSON schema and the standard's own model. Not here: what this platform adds to
the standard or leaves out of it (`custom`, `loader`).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonschema import Draft201909Validator
from jsonschema.exceptions import ValidationError, best_match
from open_data_contract_standard.model import OpenDataContractStandard

from dagster_project.contracts.documents import Document, Place
from dagster_project.errors import ContractError

API_VERSION = "v3.1.0"


def parse(document: Document) -> OpenDataContractStandard:
    """Checks a document against the standard's JSON schema and gives its typed form.

    The schema is the one in the standard's own package: of a later minor version, which accepts
    3.1.0. The schema of 3.1.0 itself comes with the development tools and is checked by `lint`.

    Raises:
        ContractError: the document breaks the schema, or is of another version.
    """
    validate(document, _validator())
    if document.data["apiVersion"] != API_VERSION:
        raise Place(document, ("apiVersion",)).error(
            f"version {document.data['apiVersion']} is not read here", f"write {API_VERSION}"
        )
    return OpenDataContractStandard.model_validate(document.data)


def validate(document: Document, validator: Draft201909Validator) -> None:
    """Checks a document against a JSON schema.

    Raises:
        ContractError: the error nearest to the cause, of those that the schema finds.
    """
    errors = list(validator.iter_errors(document.data))
    if errors:
        raise _error(document, min(errors, key=_distance_from_cause))


@cache
def validator_of_the_version() -> Draft201909Validator | None:
    """Schema of `API_VERSION` itself, or None where `datacontract-cli` is not installed.

    The package is found, not imported: it takes longer to import than all contracts to load.
    """
    package = find_spec("datacontract")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "schemas" / f"odcs-{API_VERSION[1:]}.schema.json"
    return Draft201909Validator(json.loads(path.read_text(encoding="utf-8")))


def _distance_from_cause(error: ValidationError) -> tuple[bool, int]:
    """A broken rule deep down also shows as "unevaluated" keys above it: those come last."""
    return error.validator == "unevaluatedProperties", -len(error.absolute_path)


def _error(document: Document, error: ValidationError) -> ContractError:
    cause = best_match([error]) or error
    place = Place(document, tuple(cause.absolute_path))
    message = cause.message if len(cause.message) <= 300 else f"breaks rule {cause.validator}"
    return place.error(message, f"see the ODCS {API_VERSION} schema")


@cache
def _validator() -> Draft201909Validator:
    schema: dict[str, Any] = json.loads(
        files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    )
    return Draft201909Validator(schema)
