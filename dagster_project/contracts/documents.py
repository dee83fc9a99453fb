"""Contract files as values with positions.

Here: reading YAML, and telling in which file, place and line a value stands. Not here: what a value
means (`odcs`, `loader`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dagster_project.errors import ContractError

Key = str | int


class _Loader(yaml.CSafeLoader):
    """YAML without the two surprises: keys given twice, and dates that turn into objects."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own class attribute)
        first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key.value} is given twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


@dataclass(frozen=True)
class Document:
    """One contract file as read."""

    path: Path
    content: bytes = field(repr=False)
    data: Any = field(repr=False)

    def line(self, keys: Sequence[Key]) -> int:
        """1-based line of the value under `keys`, or of the nearest part of it that exists."""
        node = yaml.compose(self.content, Loader=yaml.CSafeLoader)
        line = 1
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        return line


@dataclass(frozen=True)
class Place:
    """A place in a document, for messages."""

    document: Document
    keys: tuple[Key, ...] = ()

    def at(self, *keys: Key) -> Place:
        """Place below this one."""
        return Place(self.document, (*self.keys, *keys))

    def error(self, problem: str, remedy: str) -> ContractError:
        """Error that names file, line, place, problem and what to do."""
        where = f"{self.document.path}:{self.document.line(self.keys)}"
        return ContractError(f"{where}: {self}: {problem}; {remedy}")

    def __str__(self) -> str:
        """Path with list items by their own name: `schema.residents.properties.sex_code`."""
        parts: list[str] = []
        value = self.document.data
        for key in self.keys:
            value = _step(value, key)
            parts.append(_label(value, key))
        return ".".join(parts) or "contract"


def read_document(path: Path) -> Document:
    """Reads one contract file.

    Raises:
        ContractError: not UTF-8, not YAML, a key given twice, or no mapping at the top.
    """
    content = path.read_bytes()
    try:
        data = yaml.load(content, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}:{line}: {error.problem}; write it as valid YAML") from error
    except yaml.YAMLError as error:
        raise ContractError(f"{path}: {error}; save the file as UTF-8 YAML") from error
    if not isinstance(data, dict):
        raise ContractError(f"{path}:1: holds no mapping; write an ODCS data contract")
    return Document(path, content, data)


OPEN = "TODO"
"""Begins a value that stands for an answer which is still due."""


def unanswered(document: Document) -> Iterator[Place]:
    """Places whose value is a question that nobody has answered yet, in the order of the file."""
    return _unanswered(document.data, Place(document))


def _unanswered(value: object, place: Place) -> Iterator[Place]:
    if isinstance(value, str) and value.startswith(OPEN):
        yield place
    items = value.items() if isinstance(value, dict) else ()
    listed = enumerate(value) if isinstance(value, list) else ()
    for key, item in (*items, *listed):
        yield from _unanswered(item, place.at(key))


def open_question(place: Place) -> tuple[str, str]:
    """Problem and remedy of a place that holds a question."""
    value: Any = place.document.data
    for key in place.keys:
        value = _step(value, key)
    return " ".join(str(value).split()), "write the answer in its place"


def _child(node: yaml.Node | None, key: Key) -> tuple[int, yaml.Node] | None:
    """Line and node of one step down, or None where there is no such step."""
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item: yaml.Node = node.value[key]
        return item.start_mark.line + 1, item
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line + 1, value
    return None


def _step(value: Any, key: Key) -> Any:  # noqa: ANN401 (whatever YAML holds)
    try:
        return value[key]
    except (KeyError, IndexError, TypeError):
        return None


def _label(value: object, key: Key) -> str:
    """Name of a step: the key, or of a list item its own name."""
    if isinstance(key, int) and isinstance(value, dict):
        return str(value.get("name") or value.get("property") or value.get("id") or f"[{key}]")
    return f"[{key}]" if isinstance(key, int) else key
