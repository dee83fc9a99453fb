"""The row as sent: the record that the gate meant, shown only after the look was logged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.errors import VaultError
from dagster_project.pipeline import Session
from dagster_project.settings import Settings
from dagster_project.vault.as_sent import show_record
from dagster_project.vault.deliveries import DeliveryVault
from tests.support.deliveries import ENCOUNTERS, ENROLMENTS, RESIDENTS
from tests.support.homes import new_home, silent
from tests.support.identity import code
from tests.support.runs import command

pytestmark = pytest.mark.usefixtures("few_tables")

RESIDENT_HEADER = (
    "Henkilötunnus;Edellinen henkilötunnus;Kotikunta;Postinumero;Sukupuoli;Äidinkieli;Syntymämaa;"
    "Syntymäpäivä;Kuolinpäivä;Muuttopäivä;Turvakielto"
)
ENCOUNTER_HEADER = (
    "Asiointitunniste;Henkilötunnus;Toimipiste;Alkoi;Päättyi;Palvelumuoto;Yhteystapa;Ammattiryhmä;"
    "Kiireellisyys;Asiointikieli;Palvelukieli;Kesto;Päivitetty"
)


def resident_line(number: int, *, language: str = "fi") -> str:
    return f"{code(number)};;186;04400;1;{language};246;1.1.1950;;;0"


def encounter_line(number: int, *, site: str = "S1", contact: str = "R10") -> str:
    time = "2017-05-02 10:00:00"
    return f"{number};{code(number)};{site};{time};;T11;{contact};2221;1;fi;sv;12,5;{time}"


def enrolment_line(number: int, *, channel: str = "web") -> str:
    return (
        f'{{"enrolmentId": "L{number}", "personalIdentityCode": "{code(number)}",'
        ' "service": "reception", "providerId": "P1", "siteId": "S\\n1", "startDate": "2017-05-02",'
        f' "endDate": null, "channel": "{channel}", "updatedAt": "2017-05-02T10:00:00"}}'
    )


def land(settings: Settings, key: str, name: str, data: bytes) -> None:
    folder = settings.landing / key
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A lake with one quarantined record in each of three deliveries, blank lines before it."""
    with new_home(tmp_path_factory.mktemp("as_sent")) as opened:
        settings = opened.lake.settings
        good_residents = [resident_line(number) for number in range(6)]
        residents = [RESIDENT_HEADER, *good_residents, "", resident_line(6, language="ÄÖ"), ""]
        land(settings, RESIDENTS, "residents_201705.csv", lines(residents, "\r\n", "iso-8859-1"))
        good = [encounter_line(n) for n in range(1, 6)]
        quoted = encounter_line(6, site='"S\n\n1; ""ö"""')
        loose = encounter_line(8, site=' "S\n1"')
        bad = encounter_line(7, contact=" R99")
        encounters = [ENCOUNTER_HEADER, "", *good, loose, quoted, "", "", bad]
        land(settings, ENCOUNTERS, "encounters_201705.csv", lines(encounters, "\n", "utf-8-sig"))
        choices = [enrolment_line(n) for n in range(9)]
        broken = [*choices[:4], "", *choices[4:], enrolment_line(9, channel="fåx")]
        land(settings, ENROLMENTS, "enrolments_201705.ndjson", lines(broken, "\n", "utf-8"))
        assert pipeline.ingest(opened, report=silent).refusals == ()
        yield opened


def lines(texts: list[str], end: str, encoding: str) -> bytes:
    return "".join(text + end for text in texts).encode(encoding)


def quarantined(session: Session, table: str) -> list[tuple[int, str]]:
    rows = session.lake.rows(
        "select record_number, rule_id from ops.quarantine where table_name = ? order by all",
        [table],
    )
    return [(number, rule) for number, rule in rows]


def shown(session: Session, key: str, record_number: int, *, purpose: str = "") -> dict[str, str]:
    contract = session.definition.catalogue.in_force(key, 201705)
    return show_record(
        session.blobs,
        session.identities,
        contract,
        sha256=sha256_of(session, contract.table),
        record_number=record_number,
        actor="test",
        purpose=purpose,
        at=session.run.now(),
    )


def sha256_of(session: Session, table: str) -> str:
    return str(session.lake.value("select sha256 from ops.delivery where table_name = ?", [table]))


def test_a_latin_1_record_after_a_blank_line_is_the_one_that_the_gate_meant(
    session: Session,
) -> None:
    [(number, rule)] = quarantined(session, "residents")
    assert rule == "language_code.pattern"
    fields = shown(session, RESIDENTS, number)
    assert (fields["Henkilötunnus"], fields["Äidinkieli"]) == (code(6), "ÄÖ")


def test_a_utf_8_record_after_blank_lines_and_a_field_of_several_lines_is_the_one_meant(
    session: Session,
) -> None:
    [(number, rule)] = quarantined(session, "encounters")
    assert rule == "contact_type_code.valid_values"
    fields = shown(session, ENCOUNTERS, number)
    assert (fields["Asiointitunniste"], fields["Yhteystapa"]) == ("7", " R99")
    assert shown(session, ENCOUNTERS, number - 1)["Toimipiste"] == 'S\n\n1; "ö"'


def test_the_first_record_shows_no_byte_order_mark(session: Session) -> None:
    assert next(iter(shown(session, ENCOUNTERS, 1).items())) == ("Asiointitunniste", "1")


def test_json_lines_are_counted_with_the_empty_ones_as_at_the_gate(session: Session) -> None:
    (empty, broken), (number, rule) = quarantined(session, "enrolments")
    assert (broken, rule) == ("row.broken", "channel_code.valid_values")
    assert shown(session, ENROLMENTS, empty) == {"line": ""}
    assert shown(session, ENROLMENTS, number) == {"line": enrolment_line(9, channel="fåx")}


@pytest.mark.parametrize(
    ("key", "table"),
    [(RESIDENTS, "residents"), (ENCOUNTERS, "encounters"), (ENROLMENTS, "enrolments")],
)
def test_every_record_that_was_received_can_be_shown_and_no_other(
    session: Session, key: str, table: str
) -> None:
    received = session.lake.count(
        "select received_count from ops.delivery where table_name = ?", [table]
    )
    assert len([shown(session, key, number) for number in range(1, received + 1)]) == received
    for outside in (0, -1, received + 1):
        with pytest.raises(VaultError, match=rf"no record {outside};"):
            shown(session, key, outside)


def test_a_field_longer_than_pythons_own_limit_is_shown(session: Session, tmp_path: Path) -> None:
    text = f"{RESIDENT_HEADER}\r\n{resident_line(0, language='x' * 200_000)}\r\n"
    (tmp_path / "long.csv").write_bytes(text.encode("iso-8859-1"))
    sha256 = session.blobs.put(tmp_path / "long.csv").sha256
    fields = show_record(
        session.blobs,
        session.identities,
        session.definition.catalogue.in_force(RESIDENTS, 201705),
        sha256=sha256,
        record_number=1,
        actor="test",
        purpose="a long field",
        at=session.run.now(),
    )
    assert len(fields["Äidinkieli"]) == 200_000


class NeverReads(DeliveryVault):
    """A vault of which nothing can be read."""

    def __init__(self) -> None:
        pass

    def read(self, sha256: str) -> bytes:
        raise VaultError(f"{sha256} is not read")


def test_the_look_is_logged_before_anything_is_read(session: Session) -> None:
    with pytest.raises(VaultError, match="is not read"):
        shown(replace(session, blobs=NeverReads()), RESIDENTS, 7, purpose="asking the source")
    logged = session.lake.rows(
        "select actor, action, delivery, record_number from vault.access_log where purpose = ?",
        ["asking the source"],
    )
    assert logged == [("test", "quarantine.show", sha256_of(session, "residents"), 7)]


def test_the_command_shows_the_record_and_logs_who_looked_and_why(settings: Settings) -> None:
    good = [encounter_line(n) for n in range(1, 6)]
    data = lines([ENCOUNTER_HEADER, *good, encounter_line(6, contact="R99")], "\n", "utf-8-sig")
    land(settings, ENCOUNTERS, "encounters_201705.csv", data)
    with pipeline.open_session(settings) as opened:
        pipeline.ingest(opened, report=silent)
    asked = ("quarantine", "show", ENCOUNTERS, "201705", "6", "--purpose", "mend at source")
    status, output, errors = command(settings, *asked)
    assert (status, errors) == (0, "")
    assert "Yhteystapa: R99" in output.splitlines()
    with pipeline.open_session(settings) as opened:
        logged = opened.lake.rows("select purpose, action, record_number from vault.access_log")
    assert logged == [("mend at source", "quarantine.show", 6)]
