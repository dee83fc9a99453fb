"""Names and texts as SQL, for the few places where a statement takes no bound value.

Here: quoting. Not here: any statement.
"""

from __future__ import annotations


def quoted(identifier: str) -> str:
    """Identifier in double quotes, for names that come from the catalogue."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text as a SQL string literal, for statements that take no bound values."""
    return "'" + text.replace("'", "''") + "'"
