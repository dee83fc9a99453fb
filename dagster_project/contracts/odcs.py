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

import jsonschema_rs
from jsonschema import Draft201909Validator
from jsonschema.exceptions import ValidationError, best_match
from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import ValidationError as PydanticError

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
    if not _is_surely_valid(document):
        validate(document, _validator())
    if document.data["apiVersion"] != API_VERSION:
        raise Place(document, ("apiVersion",)).error(
            f"version {document.data['apiVersion']} is not read here", f"write {API_VERSION}"
        )
    try:
        return OpenDataContractStandard.model_validate(document.data)
    except PydanticError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = Place(document, tuple(first["loc"]))
        raise place.error(first["msg"], f"see the ODCS {API_VERSION} schema") from None


def _is_surely_valid(document: Document) -> bool:
    """Says yes within a millisecond, where the validator that says why not takes thirty."""
    try:
        return _quick_validator().is_valid(document.data)
    except ValueError:
        return False  # YAML has keys and numbers that JSON has not: the other one decides


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
def _quick_validator() -> jsonschema_rs.Draft201909Validator:
    return jsonschema_rs.Draft201909Validator(_schema())


@cache
def _validator() -> Draft201909Validator:
    return Draft201909Validator(_schema())


def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(
        files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    )
    return schema
