"""One sound delivery in each form that sources write, as text to be spoiled.

Here: a few rows by hand, and the bytes of text in a form. Not here: rows as values (`deliveries`),
what is wrong with a file (the tests).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dagster_project.contracts.model import Contract
from dagster_project.pipeline import load_definition
from tests.support.identity import code

Spoil = Callable[[bytes], bytes]

PERSONS = 6
CODES = tuple(code(number) for number in range(PERSONS))


@dataclass(frozen=True)
class Form:
    """A form of file: one delivered table, and a sound file of it."""

    key: str
    name: str
    """File name, with the sequence as `{}`."""
    text: str
    encoding: str
    first_sequence: int
    record_count: int
    header_line: int

    @property
    def contract(self) -> Contract:
        """The contract that the file keeps."""
        return load_definition().catalogue.in_force(self.key, self.first_sequence)

    @property
    def data(self) -> bytes:
        """The sound file."""
        return self.text.encode(self.encoding)

    def sequence(self, number: int) -> int:
        """The first sequence or, by number, a later one: a month, or a year."""
        if len(str(self.first_sequence)) == 4:
            return self.first_sequence + number
        year, month = divmod(self.first_sequence % 100 - 1 + number, 12)
        return (self.first_sequence // 100 + year) * 100 + month + 1

    def path(self, landing: Path, sequence: int) -> Path:
        """Where a delivery of a sequence lands."""
        return landing / self.key / self.name.format(sequence)

    def land(self, landing: Path, sequence: int, data: bytes | None = None) -> Path:
        """Put bytes, the sound ones unless told otherwise, where a delivery of a sequence lands."""
        path = self.path(landing, sequence)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.dated(sequence) if data is None else data)
        return path

    def dated(self, sequence: int, data: bytes | None = None) -> bytes:
        """Bytes whose header names the sequence, where the source's does."""
        return (self.data if data is None else data).replace(
            f"{self.first_sequence} Väestö".encode(self.encoding),
            f"{sequence} Väestö".encode(self.encoding),
        )


def _residents() -> str:
    header = (
        "Henkilötunnus;Edellinen henkilötunnus;Kotikunta;Postinumero;Sukupuoli;Äidinkieli;"
        "Syntymämaa;Syntymäpäivä;Kuolinpäivä;Muuttopäivä;Turvakielto"
    )
    rows = [
        f"{c};;091;04400;1;fi;246;{n}.1.1950;;15.2.2016;0" for n, c in enumerate(CODES, start=1)
    ]
    return "".join(f"{line}\n" for line in (header, *rows))


def _encounters() -> str:
    header = (
        "Asiointitunniste;Henkilötunnus;Toimipiste;Alkoi;Päättyi;Palvelumuoto;Yhteystapa;"
        "Ammattiryhmä;Kiireellisyys;Asiointikieli;Palvelukieli;Kesto;Päivitetty"
    )
    rows = [
        f"{n};{c};S1;2018-01-0{n} 09:00:00;2018-01-0{n} 09:20:00;T11;R10;2221;1;fi;sv;12,5;"
        f"2018-01-0{n} 10:00:00"
        for n, c in enumerate(CODES, start=1)
    ]
    return "".join(f"{line}\n" for line in (header, *rows))


def _enrolments() -> str:
    lines = [
        f'{{"enrolmentId": "L{n}", "personalIdentityCode": "{c}", "service": "reception",'
        f' "providerId": "P1", "siteId": "S1", "startDate": "2018-01-0{n}", "endDate": null,'
        f' "channel": "web", "updatedAt": "2018-01-0{n}T10:00:00"}}'
        for n, c in enumerate(CODES, start=1)
    ]
    return "".join(f"{line}\n" for line in lines)


def _population() -> str:
    heading = ('"11re -- Väestö iän (1-v.) ja sukupuolen mukaan alueittain, 1972-2018"', "")
    header = '"Alue","Ikä","Miehet 2018 Väestö 31.12.","Naiset 2018 Väestö 31.12."'
    ages = ["Yhteensä", *map(str, range(100)), "100 -"]
    rows = [f'"Askola","{age}",{"101,101" if age == ages[0] else "1,1"}' for age in ages]
    return "".join(f"{line}\r\n" for line in (*heading, header, *rows))


RESIDENTS = Form(
    "population_register/residents", "residents_{}.csv", _residents(), "iso-8859-1", 201801, 6, 1
)
ENCOUNTERS = Form(
    "apotti/encounters", "encounters_{}.csv", _encounters(), "utf-8-sig", 201801, 6, 1
)
ENROLMENTS = Form(
    "enrolment_portal/enrolments", "enrolments_{}.ndjson", _enrolments(), "utf-8", 201801, 6, 0
)
POPULATION = Form(
    "statfin/population", "005_11re_{}.csv", _population(), "iso-8859-1", 2018, 102, 3
)

CSV_FORMS = (RESIDENTS, ENCOUNTERS, POPULATION)
FORMS = (*CSV_FORMS, ENROLMENTS)


def clear(landing: Path) -> None:
    """Leave landing empty."""
    shutil.rmtree(landing)
    landing.mkdir()


def line(form: Form, number: int) -> bytes:
    """A line of the sound file by its 1-based number, with its line end."""
    return form.data.splitlines(keepends=True)[number - 1]


def swap(old: str, new: str | bytes, *, encoding: str = "utf-8") -> Spoil:
    """Put one text, which must be there, in the place of another, once."""

    def spoil(data: bytes) -> bytes:
        due = old.encode(encoding)
        assert due in data
        return data.replace(due, new if isinstance(new, bytes) else new.encode(encoding), 1)

    return spoil


def insert(new: bytes, *, before_line: int) -> Spoil:
    """Put bytes before a line, or at the end."""

    def spoil(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        return b"".join((*lines[: before_line - 1], new, *lines[before_line - 1 :]))

    return spoil


def on_line(number: int, spoil_line: Spoil) -> Spoil:
    """Spoil one line, its end kept out of it."""

    def spoil(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        content = lines[number - 1].rstrip(b"\r\n")
        lines[number - 1] = spoil_line(content) + lines[number - 1][len(content) :]
        return b"".join(lines)

    return spoil


def recoded(form: Form, encoding: str) -> bytes:
    """The sound file in another encoding."""
    return form.text.encode(encoding)
