"""Deliveries of an old contract land in the shape of the newest.

Here: encounters v1, sent before April 2017. Not here: contracts that are wrong (`tests/unit`).
"""

from __future__ import annotations

from datetime import datetime

from tests.support.deliveries import (
    ENCOUNTERS,
    RESIDENTS,
    encounter,
    reference_lists,
    resident,
    sent,
)
from tests.support.homes import rows, take_in
from tests.support.identity import born, code
from tests.support.lakes import bring, quick_lake


def test_an_encounter_of_v1_lands_without_languages_and_one_of_v2_with_them() -> None:
    spoken = {"contact_language_code": "sv", "service_language_code": "fi"}
    with quick_lake() as session:
        bring(
            session,
            *reference_lists(),
            sent(RESIDENTS, 201703, resident(code(0), born(0))),
            sent(ENCOUNTERS, 201703, encounter(1, code(0), datetime(2017, 3, 6, 9, 30), **spoken)),
            sent(ENCOUNTERS, 201704, encounter(2, code(0), datetime(2017, 4, 6, 9, 30), **spoken)),
        )
        found = rows(
            session.lake,
            "core.encounter",
            "encounter_id, started_at, duration_minutes, contact_language_code,"
            " service_language_code",
        )
        versions = rows(
            session.lake,
            "ops.delivery where table_name = 'encounters'",
            "delivery_sequence, contract_version",
        )
    assert [(r[0], *r[3:]) for r in found] == [(1, None, None), (2, "sv", "fi")]
    assert [r[1] for r in found] == [datetime(2017, 3, 6, 7, 30), datetime(2017, 4, 6, 6, 30)]
    assert [str(r[2]) for r in found] == ["12.5", "12.5"]
    assert versions == [(201703, "1.0.0"), (201704, "2.0.0")]


def test_a_correction_in_v2_replaces_a_row_of_v1() -> None:
    with quick_lake() as session:
        bring(
            session,
            *reference_lists(),
            sent(RESIDENTS, 201703, resident(code(0), born(0))),
            sent(ENCOUNTERS, 201703, encounter(1, code(0), datetime(2017, 3, 6, 9))),
        )
        later = encounter(
            1,
            code(0),
            datetime(2017, 3, 6, 9),
            contact_language_code="sv",
            updated_at=datetime(2017, 4, 2),
        )
        bring(session, sent(ENCOUNTERS, 201704, later))
        found = rows(session.lake, "core.encounter", "encounter_id, contact_language_code")
    assert found == [(1, "sv")]


def test_a_header_of_another_version_than_the_sequences_is_refused() -> None:
    old = sent(ENCOUNTERS, 201703, encounter(1, code(0), datetime(2017, 3, 6, 9)))
    with quick_lake() as session:
        landing = session.lake.settings.landing
        assert not take_in(session, old).refusals
        (folder,) = landing.glob("apotti/encounters")
        v1_header = (
            "Asiointitunniste;Henkilötunnus;Toimipiste;Alkoi;Päättyi;Palvelumuoto;Yhteystapa;"
            "Ammattiryhmä;Kiireellisyys;Kesto;Päivitetty\n"
        )
        (folder / "encounters_201704.csv").write_bytes(
            v1_header.encode("utf-8-sig") + b"1;;;;;;;;;;\n"
        )
        (refusal,) = take_in(session).refusals
    assert "file.header" in refusal.message
    assert "Asiointikieli" in refusal.message
