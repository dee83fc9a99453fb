"""Bytes become UTF-8 text in the encoding that the contract states, or are refused with their line.

Here: `utf8_text` over made-up bytes. Not here: whole deliveries (`tests/bad_input`).
"""

from __future__ import annotations

import codecs
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.sources import text
from dagster_project.sources.text import MAX_LINE_BYTES, first_lines, utf8_text
from tests.support.raw_files import RESIDENTS

BOM = codecs.BOM_UTF8
LATIN = "".join(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100))))


def contract(encoding: str, *, form: FileFormat = FileFormat.CSV, ends: bool = True) -> Contract:
    """A contract in so far as text goes."""
    given = RESIDENTS.contract
    return replace(
        given,
        dialect=replace(given.dialect, encoding=encoding, format=form),
        delivery=replace(given.delivery, final_newline=ends),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("text")


def read(data: bytes, given: Contract, folder: Path) -> bytes:
    path = folder / "delivery"
    path.write_bytes(data)
    with utf8_text(path, given, temp=folder) as readable:
        return readable.read_bytes()


def refusal(data: bytes, given: Contract, folder: Path) -> tuple[str, int | None]:
    with pytest.raises(DeliveryRefused) as refused:
        read(data, given, folder)
    return refused.value.rule_id, refused.value.line


@given(lines=st.lists(st.text(LATIN), min_size=1))
def test_latin_1_comes_out_as_the_same_text_in_utf_8(folder: Path, lines: list[str]) -> None:
    said = "ÄÖ\n" + "\n".join(lines) + "\n"  # two letters that UTF-8 would not write so
    assert read(said.encode("iso-8859-1"), contract("iso-8859-1"), folder) == said.encode()


def test_windows_1252_has_letters_where_latin_1_has_none(folder: Path) -> None:
    said = "Ä 5 € – Šakki\n"
    data = said.encode("windows-1252")
    assert read(data, contract("windows-1252"), folder) == said.encode()
    assert refusal(b"a\n" + data, contract("iso-8859-1"), folder) == ("file.encoding", 2)


@pytest.mark.parametrize("byte", [b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"])
def test_windows_1252_has_five_bytes_that_are_no_letter(folder: Path, byte: bytes) -> None:
    assert refusal(b"a\nb" + byte + b"\n", contract("windows-1252"), folder) == ("file.encoding", 2)


@pytest.mark.parametrize("before", [b"", b"a\n", b"a" * 900_000 + b"\n" + b"b" * 300_000])
@pytest.mark.parametrize(("encoding", "byte"), [("windows-1252", b"\x81"), ("iso-8859-1", b"\x80")])
def test_a_byte_that_is_no_letter_is_told_by_its_place_in_the_line(
    folder: Path, encoding: str, byte: bytes, before: bytes
) -> None:
    """Also where the line began in an earlier chunk."""
    path = folder / "delivery"
    path.write_bytes(before + b"cd" + byte + b"\n")
    stated = contract(encoding)
    with pytest.raises(DeliveryRefused) as refused, utf8_text(path, stated, temp=folder):
        pass
    line_start = before.rpartition(b"\n")[2]
    assert refused.value.column == str(len(line_start) + 3)


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", b""), ("utf-8-sig", BOM)])
def test_utf_8_is_read_as_it_is(folder: Path, encoding: str, mark: bytes) -> None:
    data = mark + "Ä € 😀\r\n".encode()
    assert read(data, contract(encoding), folder) == data


@pytest.mark.parametrize(
    ("encoding", "data", "line"),
    [
        ("utf-8", BOM + b"a\n", 1),
        ("utf-8-sig", b"a\n", 1),
        ("iso-8859-1", BOM + b"a\n", 1),
        ("windows-1252", BOM + b"a\n", 1),
        ("utf-8", "a\n".encode("utf-16"), 1),
        ("iso-8859-1", "a\n".encode("utf-16"), 1),
        ("iso-8859-1", "a\nb\nÄiti\n".encode(), 3),
        ("windows-1252", "a\nÄiti\n".encode(), 2),
    ],
)
def test_another_encoding_is_refused(folder: Path, encoding: str, data: bytes, line: int) -> None:
    assert refusal(data, contract(encoding), folder) == ("file.encoding", line)


def test_latin_1_that_could_be_utf_8_in_part_is_latin_1(folder: Path) -> None:
    said = "Ã¤\nÄ\n"
    assert read(said.encode("iso-8859-1"), contract("iso-8859-1"), folder) == said.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_a_nul_byte_is_refused_with_its_line(folder: Path, encoding: str) -> None:
    assert refusal(b"a\nb\nc\0\n", contract(encoding), folder) == ("file.nul", 3)


def test_an_empty_file_is_refused_where_a_header_is_due(folder: Path) -> None:
    assert refusal(b"", contract("iso-8859-1"), folder) == ("file.empty", 1)
    assert read(b"", contract("utf-8", form=FileFormat.NDJSON), folder) == b""


def test_a_last_line_without_end_is_refused_unless_the_contract_allows_it(folder: Path) -> None:
    assert refusal(b"a\nb", contract("utf-8"), folder) == ("file.truncated", 2)
    assert read(b"a\nb", contract("utf-8", ends=False), folder) == b"a\nb"


@pytest.mark.parametrize("chunk", [7, 1000, MAX_LINE_BYTES - 1, MAX_LINE_BYTES, 3 * MAX_LINE_BYTES])
@pytest.mark.parametrize("before", [b"", b"a\n", b"a\n" * 5])
def test_a_line_may_be_so_long_and_no_longer_however_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, before: bytes
) -> None:
    monkeypatch.setattr(text, "MAX_LINE_BYTES", 2000)
    monkeypatch.setattr(text, "_CHUNK", chunk)
    longest = before + b"x" * 1999 + b"\n"
    given = contract("utf-8", ends=False)

    assert read(longest + b"b\n", given, folder) == longest + b"b\n"
    place = before.count(b"\n") + 1
    assert refusal(before + b"x" * 2000 + b"\nb\n", given, folder) == ("file.line_size", place)


@given(lines=st.lists(st.integers(0, 40), max_size=30), chunk=st.integers(1, 60))
def test_the_longest_line_alone_decides(folder: Path, lines: list[int], chunk: int) -> None:
    data = b"".join(b"x" * length + b"\n" for length in lines)
    given = contract("utf-8", form=FileFormat.NDJSON)
    too_long = [n for n, length in enumerate(lines, start=1) if length + 1 > 20]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "MAX_LINE_BYTES", 20)
        patch.setattr(text, "_CHUNK", chunk)
        if too_long:
            assert refusal(data, given, folder) == ("file.line_size", too_long[0])
        else:
            assert read(data, given, folder) == data


def test_first_lines_come_without_mark_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(BOM + "ä\r\nb\nc\n".encode())
    assert first_lines(path, 2) == ["ä", "b"]
    assert first_lines(path, 5) == ["ä", "b", "c", "", ""]


def test_a_header_that_is_no_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(b"a\nb\n\xe4\n")
    with pytest.raises(DeliveryRefused) as refused:
        first_lines(path, 3)
    assert (refused.value.rule_id, refused.value.line) == ("file.encoding", 3)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(DeliveryRefused, match=r"rule file\.unreadable"),
        utf8_text(tmp_path / "gone", contract("utf-8"), temp=tmp_path),
    ):
        pass


def test_without_memory_files_the_text_lies_in_the_temp_folder_and_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on systems other than Linux."""
    monkeypatch.delattr("os.memfd_create")
    temp = tmp_path / "temp"
    temp.mkdir()
    path = tmp_path / "delivery"
    path.write_bytes(b"\xc4iti\n")

    with utf8_text(path, contract("iso-8859-1"), temp=temp) as readable:
        assert readable.parent == temp
        assert readable.read_bytes() == "Äiti\n".encode()

    assert list(temp.iterdir()) == []
