"""Somebody's own extracts, from three strange files to core rows, as the README tells it.

Here: contracts and models in folders of one's own, beside the installation's. Not here: hostile
files (`tests/bad_input`), random ones (`tests/property`).
"""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.errors import BuildError
from dagster_project.settings import Settings
from dagster_project.vault.keys import create_keyring
from tests.support.homes import person, silent
from tests.support.identity import code
from tests.support.own_extracts import answer, contracts
from tests.support.search import codes_readable_in

ROWS = 60
NAME = "Aino Aaltosenniemi"

MODEL = """\
-- grain: One row per home visit.
-- key: [visit_id]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        visits.visit_id,
        visits.person_id,
        visits.visit_date,
        invoices.amount_eur,
        messages.channel as channel_code
    from current.kotikaynnit as visits
    left join current.laskut as invoices on visits.visit_id = invoices.visit_id
    left join current.viestit as messages on visits.person_id = messages.person_id
)

select
    visit_id,
    person_id,
    visit_date,
    amount_eur,
    channel_code
from final
"""


def home_visits() -> bytes:
    """ISO-8859-1, two lines of title, a row of totals, d.m.yyyy, leading zeros."""
    lines = ["Kotikäynnit;;;;;", "Ajettu 1.6.2017;;;;;", ""]
    lines += ["Käyntitunnus;Henkilötunnus;Asiakkaan nimi;Käyntipäivä;Tilikoodi;Kesto"]
    lines += [
        f"K{n:05d};{code(n)};{NAME};{n % 28 + 1}.5.2017;{n % 7:04d};{n % 5 * 15}"
        for n in range(ROWS)
    ]
    lines += ["Yhteensä;;;;;1800"]
    return "".join(f"{line}\r\n" for line in lines).encode("iso-8859-1")


def invoices() -> bytes:
    """Windows-1252, tabs, a euro sign, decimal comma, missing values spelled out."""
    lines = ["Laskutunnus\tKäyntitunnus\tSumma €\tKuvaus\tMaksettu"]
    lines += [
        f"{n + 1}\tK{n:05d}\t{n},{n % 100:02d}\t–\t{paid}"
        for n in range(ROWS)
        for paid in ["NULL" if n % 6 == 0 else f"{n % 28 + 1}.5.2017"]
    ]
    return "".join(f"{line}\n" for line in lines).encode("windows-1252")


def messages() -> bytes:
    """NDJSON with an object in each record, and moments."""
    records = [
        {
            "messageId": f"m-{n:04d}",
            "client": {"hetu": code(n), "phone": f"+358 40 {5550000 + n}"},
            "channel": "maisa" if n % 3 else "phone",
            "sentAt": f"2017-05-{n % 28 + 1:02d}T10:{n % 60:02d}:00",
            "updatedAt": f"2017-06-01T10:{n % 60:02d}:00",
        }
        for n in range(ROWS)
    ]
    return "".join(json.dumps(record) + "\n" for record in records).encode()


FILES = {
    "kotikaynnit_201705.csv": home_visits,
    "laskut_201705.txt": invoices,
    "viestit_201705.ndjson": messages,
}


@pytest.fixture
def extracts(tmp_path: Path) -> Path:
    """A folder of extracts, as somebody has it."""
    folder = tmp_path / "kotihoito"
    folder.mkdir()
    for name, write in FILES.items():
        (folder / name).write_bytes(write())
    return folder


def test_three_strange_files_become_core_rows(tmp_path: Path, extracts: Path) -> None:
    own = tmp_path / "own_contracts"
    said = [contracts("scaffold", *sorted(extracts.iterdir()), "--output", own)]
    assert said[0].status == 0
    made = {path.parent.name: path for path in own.rglob("*.yaml")}
    assert set(made) == {"kotikaynnit", "laskut", "viestit"}
    texts = {table: path.read_text(encoding="utf-8") for table, path in made.items()}
    for path in made.values():
        answer(path)
    said.append(contracts("lint", own))
    assert said[-1].status == 0, said[-1].text
    for name in FILES:
        table = name.split("_")[0]
        said.append(contracts("try", extracts / name, "--contract", made[table]))
        # The row of totals alone stays out.
        assert said[-1].status == (1 if table == "kotikaynnit" else 0), said[-1].text
    everything = "\n".join([*texts.values(), *(s.text for s in said)])
    assert not codes_readable_in(everything.encode())
    assert NAME not in everything
    assert "555000" not in everything
    check_dialects(texts)
    models = tmp_path / "own_models" / "core"
    models.mkdir(parents=True)
    (models / "home_visit.sql").write_text(MODEL, encoding="utf-8")
    check_core(tmp_path, extracts, own, models.parent)


def check_dialects(texts: dict[str, str]) -> None:
    visits, bills, sent = (texts[name] for name in ("kotikaynnit", "laskut", "viestit"))
    for line in ("encoding: iso-8859-1", "headerLine: 4", "dateFormat: '%d.%m.%Y'"):
        assert f"      {line}\n" in visits
    assert "implementation: 'visit_id <> ''Yhteensä'''" in visits
    assert "vaultOnly" in visits
    for line in ("encoding: windows-1252", "delimiter: '\\t'", "nullValues: ['', 'NULL']"):
        assert line.replace("'\\t'", '"\\t"') in bills
    assert "physicalType: DECIMAL(18,2)" in bills
    for line in ("physicalName: '/client/hetu'", "timestampFormat: '%Y-%m-%dT%H:%M:%S'"):
        assert line in sent
    assert "updatedAtColumn: updated_at" in sent


def check_core(folder: Path, extracts: Path, own: Path, models: Path) -> None:
    """Land, run and read the core rows."""
    keys = folder / "keys"
    create_keyring(keys)
    settings = Settings(
        home=folder / "home", keys=keys, contracts=own, sql=models, min_free_disk_gib=0
    )
    for name in FILES:
        target = settings.landing / "kotihoito" / name.split("_")[0]
        target.mkdir(parents=True)
        shutil.copy(extracts / name, target)
    with pipeline.open_session(settings) as session:
        ingested = pipeline.ingest(session, report=silent)
        assert not ingested.refusals
        assert session.lake.rows(
            "select table_name, accepted_count, quarantined_count from ops.delivery order by all"
        ) == [("kotikaynnit", ROWS, 1), ("laskut", ROWS, 0), ("viestit", ROWS, 0)]
        staged = session.lake.rows(
            "select account_code, kesto from staging.kotikaynnit where visit_id = 'K00008'"
        )
        assert staged == [("0001", 45)]
        assert pipeline.build(session, report=silent).build_id is not None
        (row,) = session.lake.rows(
            "select person_id, amount_eur, channel_code from core.home_visit"
            " where visit_id = 'K00011'"
        )
        assert row == (person(session, code(11)), Decimal("11.11"), "maisa")
        assert session.lake.count("select count(*) from core.home_visit") == ROWS


def test_a_model_of_ones_own_cannot_take_the_name_of_ours(tmp_path: Path) -> None:
    models = tmp_path / "core"
    models.mkdir()
    (models / "person.sql").write_text(MODEL, encoding="utf-8")
    with pytest.raises(BuildError, match=r"core\.person already"):
        pipeline.load_definition(Settings(home=tmp_path, sql=tmp_path))
