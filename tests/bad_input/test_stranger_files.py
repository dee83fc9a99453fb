"""Files that are no tables, or bad ones, before anything lands: clear words, no value, no trace.

Here: `contracts scaffold` and `contracts try` on hostile files. Not here: refusals in landing
(`test_refused_files`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.identity import code
from tests.support.own_extracts import answer, contracts, proposed

CODE = code(7)
NAME = "Korhonen-Lahtinen"
GOOD = "".join(f"{n};{code(n)};{n},50;{n % 28 + 1}.5.2017\n" for n in range(40))
HEADER = "Tunniste;Henkilötunnus;Summa;Pvm\n"
ROW = f"999;{CODE};{NAME};1.5.2017\n"

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "file.empty"),
    "binary": (b"\x7fELF\x02\x01\x00\x00" + CODE.encode() * 9, "file.format"),
    "utf-16": ((HEADER + GOOD + ROW).encode("utf-16"), "file.encoding"),
    "mixed encodings": (
        (HEADER + ROW).encode() + "1;x;Päivä;1.5.2017\n".encode("iso-8859-1"),
        "file.encoding",
    ),
    "one line without end": (CODE.encode() * 200_000, "file.line_size"),
    "long line further on": (
        (HEADER + GOOD).encode() + b"1;" + CODE.encode() * 200_000 + b";1;1.5.2017\n",
        "file.line_size",
    ),
    "ragged rows": ((HEADER + GOOD + f"1;{CODE};{NAME}\n" + GOOD).encode(), "file.columns"),
    "too many fields": ((HEADER + GOOD + f"1;{CODE};{NAME};;;;\n").encode(), "file.columns"),
    "duplicate headings": (("Pvm;Hetu;Hetu;X\n" + GOOD).encode(), "file.header"),
    "a heading missing": (("Pvm;Hetu;;X\n" + GOOD).encode(), "file.header"),
    "no header": ((GOOD + ROW).encode(), "file.header"),
    "heading over two lines": (
        ('Tunniste;"Henkilö\ntunnus";Summa;Pvm\n' + GOOD).encode(),
        "file.header",
    ),
    "open quote": ((HEADER + GOOD + f'1;"{CODE};{NAME};1.5.2017\n' + GOOD).encode(), "file.quote"),
    "NUL further on": ((HEADER + GOOD * 200).encode() + b"1;\0;1;1.5.2017\n", "file.nul"),
    "no JSON": (b'{"a": 1,\n' + CODE.encode(), "file.format"),
    "no workbook": (b"PK\x03\x04" + CODE.encode() * 50, "file.format"),
    "no Parquet": (b"PAR1" + CODE.encode() * 50 + b"PAR1", "file.format"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_no_table_is_refused_in_clear_words(tmp_path: Path, kind: str) -> None:
    data, rule = REFUSED[kind]
    file = tmp_path / f"{CODE}_201705.csv"
    file.write_bytes(data)
    said = contracts("scaffold", file, "--source", "made", "--table", "t", "--output", tmp_path)
    assert said.status == 2
    assert f"rule {rule}" in said.text
    assert "Traceback" not in said.text
    assert CODE not in said.text
    assert NAME not in said.text
    assert not list(tmp_path.rglob("*.yaml"))


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    said = contracts("scaffold", tmp_path / "none.csv", "--output", tmp_path)
    assert said.status == 2
    assert "cannot be read" in said.text


def test_a_header_alone_is_a_contract_of_empty_columns(tmp_path: Path) -> None:
    file = tmp_path / "t_201705.csv"
    file.write_text(HEADER, encoding="utf-8")
    said = contracts("scaffold", file, "--source", "made", "--table", "t", "--output", tmp_path)
    assert said.status == 0
    text = (tmp_path / "made" / "t" / "v1.odcs.yaml").read_text(encoding="utf-8")
    assert "Empty throughout" in text
    assert "TODO: what one row is" in text


def test_a_contract_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "things_201705.csv"
    file.write_text(HEADER + GOOD, encoding="utf-8")
    contract = proposed(file, tmp_path)
    before = contract.read_bytes()
    said = contracts(
        "scaffold", file, "--source", "made", "--table", "things", "--output", tmp_path
    )
    assert said.status == 2
    assert "not written over" in said.text
    assert contract.read_bytes() == before


@pytest.fixture
def tried(tmp_path: Path) -> tuple[Path, Path]:
    """A sound file and the contract proposed from it."""
    file = tmp_path / "things_201705.csv"
    file.write_text(HEADER + GOOD, encoding="utf-8")
    return file, proposed(file, tmp_path / "contracts")


def test_a_sound_file_ends_with_0(tried: tuple[Path, Path]) -> None:
    file, contract = tried
    said = contracts("try", file, "--contract", contract)
    assert said.status == 0
    assert "accepted     40" in said.text


def test_what_would_be_left_out_is_named_by_rule_and_line_and_ends_with_1(
    tried: tuple[Path, Path],
) -> None:
    file, contract = tried
    file.write_text(HEADER + GOOD + f"998;{CODE[:-1]}?;1,50;1.5.2017\n" + ROW, encoding="utf-8")
    said = contracts("try", file, "--contract", contract)
    assert said.status == 1
    assert "quarantined  2" in said.text
    lines = {line.split()[0]: line for line in said.text.splitlines() if "error" in line}
    assert lines["person_id.identity_code"].endswith("line 42")
    assert lines["amount_eur.type"].endswith("line 43")
    assert CODE[:-1] not in said.text
    assert NAME not in said.text


def test_a_broken_file_ends_with_2_and_names_the_line(tried: tuple[Path, Path]) -> None:
    file, contract = tried
    file.write_text(HEADER + GOOD + f"998;{CODE}\n", encoding="utf-8")
    said = contracts("try", file, "--contract", contract)
    assert said.status == 2
    assert "rule file.columns, line 42" in said.text
    assert CODE not in said.text


def test_a_name_without_sequence_is_asked_for(tried: tuple[Path, Path]) -> None:
    file, contract = tried
    other = file.rename(file.with_name("extract.csv"))
    assert contracts("try", other, "--contract", contract).status == 2
    said = contracts("try", other, "--contract", contract, "--sequence", "201705")
    assert said.status == 0
    assert "rename it" in said.text


def test_open_questions_stop_the_trial_and_are_listed_by_lint(tmp_path: Path) -> None:
    file = tmp_path / "things_201705.csv"
    file.write_text(HEADER + GOOD, encoding="utf-8")
    contracts("scaffold", file, "--source", "made", "--table", "things", "--output", tmp_path)
    contract = tmp_path / "made" / "things" / "v1.odcs.yaml"
    lint = contracts("lint", contract)
    assert lint.status == 1
    lines = contract.read_text(encoding="utf-8").splitlines()
    asked = [n for n, line in enumerate(lines, start=1) if "'TODO: " in line]
    assert len(asked) == 5
    assert all(f"v1.odcs.yaml:{number}: " in lint.text for number in asked)
    assert contracts("try", file, "--contract", contract).status == 2
    answer(contract)
    assert contracts("lint", contract).status == 0


def test_lint_names_file_and_line_of_a_misspelt_word(tried: tuple[Path, Path]) -> None:
    _, contract = tried
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("mode: increment", "mode: sometimes"), encoding="utf-8")
    line = text.splitlines().index("      mode: increment") + 1
    said = contracts("lint", contract.parents[2])
    assert said.status == 1
    assert f"v1.odcs.yaml:{line}" in said.text


def test_lint_of_our_own_contracts_is_content() -> None:
    assert contracts("lint").status == 0
