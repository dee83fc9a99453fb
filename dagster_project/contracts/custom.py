"""What this platform adds to the standard, under `customProperties`.

Here: the keys, their types and defaults; any other key is an error. Not here: what they do
(`loader`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from open_data_contract_standard.model import CustomProperty
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from dagster_project.contracts.documents import Key, Place
from dagster_project.contracts.model import DeliveryMode, FileFormat, SequenceStep, Severity

POINTER = r"(/([^~/]|~[01])*)*"
"""A JSON pointer (RFC 6901)."""

Text = Annotated[str, Field(min_length=1)]
Character = Annotated[str, Field(min_length=1, max_length=1)]
Pointer = Annotated[str, Field(pattern=f"^{POINTER}$")]


def _with(*directives: str) -> AfterValidator:
    """A date or timestamp format must say each part of the date, or rows would read alike."""

    def check(value: str) -> str:
        missing = [d for d in directives if value.count(d) != 1]
        if missing:
            raise ValueError(f"a format holds {', '.join(directives)} once each")
        return value

    return AfterValidator(check)


DateFormat = Annotated[str, _with("%Y", "%m", "%d")]
TimestampFormat = Annotated[str, _with("%Y", "%m", "%d", "%H", "%M")]


class CustomModel(BaseModel):
    """Custom properties that know no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class DialectSpec(CustomModel):
    """How the bytes of a delivery are written; see `model.Dialect`."""

    format: FileFormat
    encoding: Literal["utf-8", "utf-8-sig", "iso-8859-1", "windows-1252"] | None = None
    delimiter: Character = ";"
    quote: Character = '"'
    decimal_separator: Literal[".", ","] = "."
    date_format: DateFormat = "%Y-%m-%d"
    timestamp_format: TimestampFormat = "%Y-%m-%d %H:%M:%S"
    time_zone: Annotated[str, Field(pattern="^(UTC|[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+)$")] = (
        "Europe/Helsinki"
    )
    header_line: Annotated[StrictInt, Field(ge=1)] = 1
    header_rows: Annotated[StrictInt, Field(ge=1, le=10)] = 1
    sheet: Text | None = None
    records: Pointer | None = None
    version_pointer: Pointer | None = None
    version: Text | None = None
    null_values: tuple[str, ...] = ("",)
    true_values: tuple[str, ...] = ("1",)
    false_values: tuple[str, ...] = ("0",)


class DeliverySpec(CustomModel):
    """How deliveries of a table come; see `model.Delivery`."""

    mode: DeliveryMode
    file_pattern: Text
    sequence_step: SequenceStep
    sequence_from: Annotated[StrictInt, Field(ge=0)] = 0
    updated_at_column: Text | None = None
    final_newline: StrictBool = True


class ContractCustom(CustomModel):
    """Custom properties of a contract."""

    controller: Text
    register_name: Literal["health", "social", "occupational", "population", "public"] = Field(
        alias="register"
    )
    dialect: DialectSpec
    delivery: DeliverySpec
    upcast: dict[str, Text] = Field(default_factory=dict)


class CodeListSpec(CustomModel):
    """The list that a column is coded by; see `model.CodeList`."""

    list_key: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$")] = Field(
        alias="list"
    )
    code_set: Text | None = Field(default=None, alias="set")
    as_of: Text
    severity: Severity = Severity.WARNING


class ColumnCustom(CustomModel):
    """Custom properties of a column; see `model.Column`."""

    identity: StrictBool = False
    former_identity: StrictBool = False
    vault_only: StrictBool = False
    place: StrictBool = False
    protection_order: StrictBool = False
    codes: dict[str, Text] = Field(default_factory=dict)
    code_list: CodeListSpec | None = None


Spec = TypeVar("Spec", bound=CustomModel)


def parse_custom(spec: type[Spec], given: Sequence[CustomProperty] | None, place: Place) -> Spec:
    """Custom properties by name, checked.

    Args:
        spec: what is allowed here.
        given: `customProperties` as in the file.
        place: place of the list.

    Raises:
        ContractError: an unknown, missing, doubled or ill-typed property.
    """
    values: dict[str, object] = {}
    positions: dict[str, int] = {}
    for position, item in enumerate(given or ()):
        name = str(item.property)
        if name in positions:
            raise place.at(position).error(f"custom property {name} is given twice", "keep one")
        values[name], positions[name] = item.value, position
    try:
        return spec.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        keys = _keys(first["loc"], positions)
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        allowed = ", ".join(sorted(f.alias or n for n, f in spec.model_fields.items()))
        raise place.at(*keys).error(problem, f"custom properties here are {allowed}") from error


def _keys(location: tuple[Key, ...], positions: dict[str, int]) -> tuple[Key, ...]:
    """Place within `customProperties` of what the model calls `location`."""
    name, *rest = location
    return (positions[str(name)], "value", *rest) if name in positions else ()
