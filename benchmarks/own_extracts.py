"""A gigabyte of a stranger's CSV: how long a contract takes to propose, and the file to try.

Here: a made-up file, each command in a process of its own. Not here: figures (`README.md`).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from dagster_project.sql_text import literal
from dagster_project.vault.identity_codes import check_character

GIB = 1024**3
_BYTES_A_ROW = 118
_PERSONS = 200_000
_ANSWERS = {
    "zone of": "Europe/Helsinki",
    "days after": "10",
    "years that": "12",
    "health, social": "health",
}


def measure(work: Path, *, gib: float = 1.0) -> list[tuple[str, str]]:
    """Wall time and peak memory of `contracts scaffold` and `contracts try` on one file."""
    file = work / "kaynnit_201705.csv"
    rows = int(gib * GIB / _BYTES_A_ROW)
    _write(file, rows)
    size = file.stat().st_size / GIB
    contracts = work / "own_contracts"
    own = ["--source", "bench", "--table", "kaynnit"]
    proposed = _timed("scaffold", str(file), *own, "--output", str(contracts), due=0)
    contract = contracts / "bench" / "kaynnit" / "v1.odcs.yaml"
    contract.write_text(_answered(contract.read_text(encoding="utf-8")), encoding="utf-8")
    tried = _timed("try", str(file), "--contract", str(contract), due=0)
    file.unlink()
    contract.unlink()
    what = f"{size:.2f} GiB CSV, {rows / 1e6:.1f} M rows, 11 columns"
    return [(f"contracts scaffold, {what}", proposed), (f"contracts try, {what}", tried)]


def _write(file: Path, rows: int) -> None:
    codes = [_code(number) for number in range(_PERSONS)]
    with duckdb.connect() as connection:
        connection.execute(
            "create table person as select unnest(cast(? as varchar[])) as code,"
            f" unnest(range({_PERSONS})) as number",
            [codes],
        )
        connection.execute(
            f"copy (select range as Tapahtumatunniste, person.code as Henkilötunnus,"
            f" 'T' || lpad(cast(range % 412 as varchar), 4, '0') as Toimipiste,"
            f" strftime(date '2017-05-01' + cast(range % 30 as integer), '%d.%m.%Y')"
            f" as Käyntipäivä,"
            f" strftime(timestamp '2017-05-01' + to_seconds(range % 2500000), '%Y-%m-%d %H:%M:%S')"
            f" as Päivitetty, chr(65 + cast(range % 7 as integer)) || '1' as Luokka,"
            f" lpad(cast(range % 99999 as varchar), 5, '0') as Tilikoodi,"
            f" replace(cast(cast(range % 100000 as decimal(18,2)) / 100 as varchar), '.', ',')"
            f" as Summa, range % 90 as Kesto,"
            f" case when range % 11 = 0 then 'K' else 'E' end as Kiire,"
            f" 'vapaa teksti numero ' || range as Huomautus"
            f" from range({rows}) join person on person.number = range % {_PERSONS})"
            f" to {literal(str(file))} (delimiter ';', header)"
        )


def _code(number: int) -> str:
    """An artificial identity code of nobody."""
    day, rest = number % 28 + 1, number // 28
    digits = f"{day:02d}{rest % 12 + 1:02d}{rest // 12 % 100:02d}{900 + rest // 1200 % 100}"
    return f"{digits[:6]}-{digits[6:]}{check_character(digits)}"


def _answered(text: str) -> str:
    def answer(match: re.Match[str]) -> str:
        return next((a for words, a in _ANSWERS.items() if words in match[0]), "somebody")

    return re.sub(r"'TODO: [^\n]*'", answer, text)


def _timed(*arguments: str, due: int) -> str:
    command = [sys.executable, "-m", "dagster_project.cli", "contracts", *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == due, f"{arguments[0]} ended with {process.returncode}"
    cpu = usage.ru_utime + usage.ru_stime
    return (
        f"{seconds:.1f} s ({cpu:.1f} s of processors), {usage.ru_maxrss / 1024**2:.1f} GB resident"
    )
