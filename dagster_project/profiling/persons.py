"""What in a column may be of a person, hence kept from the lake or hidden.

Here: suspicion, from headings and from values of all records. It errs on the side of the person:
the contract's author may lift a mark, with the source's owner. Not here: what marks do (`lake`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dagster_project.profiling.guesses import Kind
from dagster_project.profiling.headings import means
from dagster_project.profiling.measures import Facts

_NAME = re.compile(
    r"[A-ZÅÄÖ][a-zåäöéü]+(-[A-ZÅÄÖ][a-zåäöéü]+)?,? [A-ZÅÄÖ][a-zåäöéü]+([ -][A-ZÅÄÖ][a-zåäöéü]+)?"
)
_STREET = re.compile(
    r"\w+(katu|tie|kuja|polku|väylä|raitti|tori|ranta|rinne|gatan|vägen)\.? \d+.*", re.I
)
_PHONE = re.compile(r"(\+358|0(4\d|50))[ -]?\d{2,4}[ -]?\d{2,4}[ -]?\d{0,4}")
_FORMS = {"names of persons": _NAME, "street addresses": _STREET, "telephone numbers": _PHONE}
_UNIT = re.compile(r"[%‰]|[\w^*]+/\w+|mmhg|kg|cm|kpl|mol", re.I)
_NOT_A_PERSON = re.compile(
    r"toimi|palvel|yksik|tuote|kunna|osasto|sopimu|tili|ryhma|service|product|unit", re.I
)
_MOST = 0.5


class Mark(StrEnum):
    """How the contract is to treat a column."""

    NONE = ""
    IDENTITY = "identity"
    PLACE = "place"
    VAULT_ONLY = "vaultOnly"


@dataclass(frozen=True)
class Suspicion:
    """A mark, and why."""

    mark: Mark = Mark.NONE
    why: str = ""


def suspect(heading: str, facts: Facts, sample: Sequence[str]) -> Suspicion:
    """What a column may tell of a person."""
    if facts.guess.kind is Kind.TEXT and facts.filled:
        if facts.codes > _MOST * facts.filled:
            return Suspicion(
                Mark.IDENTITY,
                f"identity codes: {facts.codes} of {facts.filled} values have the form and the"
                " right check character",
            )
        if facts.codes_within:
            return Suspicion(
                Mark.VAULT_ONLY,
                f"{facts.codes_within} of {facts.filled} values hold something like an identity"
                " code: the column stays in the vault",
            )
    if facts.guess.kind in (Kind.TEXT, Kind.NUMBER, Kind.EMPTY):
        why = _by_heading(heading, facts) or _by_values(heading, facts, sample)
        if why:
            return Suspicion(Mark.VAULT_ONLY, f"{why}: the column stays in the vault")
        if means(heading, "place") and not _are_units(sample):
            return Suspicion(
                Mark.PLACE, "it may tell where a person is: hidden under a protection order"
            )
    return Suspicion()


def _by_heading(heading: str, facts: Facts) -> str:
    if means(heading, "identity"):
        return "the heading speaks of identity codes, and the values have not their form"
    if means(heading, "email"):
        return "the heading speaks of e-mail addresses"
    if means(heading, "address"):
        return "the heading speaks of addresses"
    if means(heading, "phone"):
        return "the heading speaks of telephone numbers"
    if means(heading, "name") and not _NOT_A_PERSON.search(heading):
        return "the heading speaks of names of persons"
    if means(heading, "free_text") and facts.blanks > 0 and facts.longest > 20:
        return "free text, by heading and length"
    return ""


def _by_values(heading: str, facts: Facts, sample: Sequence[str]) -> str:
    if facts.at_signs > _MOST * max(facts.filled, 1):
        return f"{facts.at_signs} of {facts.filled} values hold an @, as e-mail addresses do"
    if not sample or facts.guess.kind is not Kind.TEXT:
        return ""
    for what, form in _FORMS.items():
        share = sum(bool(form.fullmatch(value)) for value in sample) / len(sample)
        if share > _MOST and not (what == "names of persons" and means(heading, "place")):
            return f"most values look like {what}"
    words = sum(len(value.split()) for value in sample) / len(sample)
    is_varied = facts.distinct > facts.filled / 4
    return "free text, by its length and its words" if words > 4 and is_varied else ""


def _are_units(sample: Sequence[str]) -> bool:
    """Whether values are units of measurement, as a column headed Yksikkö may hold."""
    return bool(sample) and sum(bool(_UNIT.search(v)) for v in sample) > _MOST * len(sample)


def fit_to_show(heading: str, facts: Facts) -> dict[str, int]:
    """The values of a short list that is surely one of codes: each often, none like a name.

    Rare ones are left out; where they are many, or one is like a name, there is nothing to show.
    """
    often = {value: count for value, count in facts.values.items() if count >= _OFTEN}
    if means(heading, "place") or facts.codes_within or facts.at_signs:
        return {}
    is_list = facts.filled >= _OFTEN * 4 * len(often)
    if not is_list or sum(often.values()) < _NEARLY_ALL * facts.filled:
        return {}
    is_code = means(heading, "code")
    return often if all(_is_code_like(value, is_code=is_code) for value in often) else {}


_OFTEN = 5
"""Times that a value must occur to be shown."""
_NEARLY_ALL = 0.98
_CODE = re.compile("[0-9A-ZÅÄÖ][0-9A-ZÅÄÖ_.+-]{0,9}|[a-zåäö_-]{1,24}")


def _is_code_like(value: str, *, is_code: bool) -> bool:
    """Capitals and digits, or small letters; words like names only where the heading says code."""
    if _CODE.fullmatch(value):
        return not re.fullmatch(r"\d{7,}", value)
    return is_code and bool(re.fullmatch(r"[A-ZÅÄÖ]?[a-zåäö]+( [a-zåäö]+){0,2}", value))
