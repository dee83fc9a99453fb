"""A contract that is not understood is refused, with file, place and remedy.

Here: one sound sample, and each way to break it. Not here: the contracts of the repository
(`test_contracts_catalogue`).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.contracts.lint import main, problems
from dagster_project.contracts.loader import load_catalogue, load_contract
from dagster_project.errors import ContractError

SAMPLE = r"""
apiVersion: v3.1.0
kind: DataContract
id: clinic/visits
name: Visits
version: 1.0.0
status: active
description: {purpose: What happened.}
schema:
  - name: visits
    id: visits
    dataGranularityDescription: One row per visit.
    properties:
      - {name: visit_id, id: visit_id, physicalName: Tunniste, businessName: Tunniste,
         logicalType: integer, physicalType: BIGINT, required: true, primaryKey: true,
         primaryKeyPosition: 1, classification: internal, description: The visit.}
      - name: person_id
        physicalName: Henkilötunnus
        businessName: Henkilötunnus
        logicalType: integer
        physicalType: BIGINT
        required: true
        classification: restricted
        description: The client.
        customProperties: [{property: identity, value: true}]
      - name: kind_code
        physicalName: Laji
        businessName: Laji
        logicalType: string
        physicalType: VARCHAR
        classification: confidential
        description: Kind of visit.
        logicalTypeOptions: {pattern: '[A-Z]', minLength: 1, maxLength: 1}
        quality:
          - type: library
            metric: invalidValues
            arguments: {validValues: [A, B]}
            mustBe: 0
            severity: warning
            dimension: conformity
            description: A or B.
        customProperties:
          - property: codes
            value: {A: first, B: second}
      - name: started_at
        physicalName: Alkoi
        businessName: Alkoi
        logicalType: timestamp
        physicalType: TIMESTAMP
        required: true
        classification: confidential
        description: When it began.
        logicalTypeOptions: {minimum: '2000-01-01 00:00:00'}
      - name: ended_at
        physicalName: Päättyi
        businessName: Päättyi
        logicalType: timestamp
        physicalType: TIMESTAMP
        classification: confidential
        description: When it ended.
        quality:
          - id: not_before_start
            type: custom
            engine: tietoallas
            implementation: ended_at >= started_at
            severity: error
            dimension: consistency
            description: It ends after it begins.
      - name: referred_visit_id
        physicalName: Lähete
        businessName: Lähete
        logicalType: integer
        physicalType: BIGINT
        classification: internal
        description: The visit it follows from.
        relationships: [{to: 'v1.odcs.yaml#/schema/visits/properties/visit_id'}]
    quality:
      - id: minimum_rows
        metric: rowCount
        mustBeGreaterOrEqualTo: 1
        severity: error
        dimension: completeness
        description: Not empty.
      - id: quarantined_share
        type: custom
        engine: tietoallas
        implementation: {metric: quarantinedShare, mustBeLessOrEqualTo: 20}
        severity: error
        dimension: conformity
        description: Few broken rows.
slaProperties:
  - {property: freshness, value: 10, unit: d}
  - {property: retention, value: 12, unit: y}
customProperties:
  - {property: controller, value: The clinic}
  - {property: register, value: health}
  - property: dialect
    value: {format: csv, encoding: utf-8}
  - property: delivery
    value:
      mode: increment
      filePattern: 'visits_(?P<sequence>\d{6})\.csv'
      sequenceStep: month
      updatedAtColumn: started_at
"""

# Places in the sample.
TABLE: tuple[str | int, ...] = ("schema", 0)
VISIT_ID, PERSON_ID, KIND, STARTED, ENDED, REFERRED = ((*TABLE, "properties", i) for i in range(6))
VALID_VALUES = (*KIND, "quality", 0)
SQL_RULE = (*ENDED, "quality", 0)
ROW_COUNT = (*TABLE, "quality", 0)
SHARE = (*TABLE, "quality", 1)
CUSTOM = ("customProperties",)
DIALECT, DELIVERY = (("customProperties", i, "value") for i in (2, 3))
GONE = object()

Change = tuple[tuple[str | int, ...], object]


def changed(document: dict[str, Any], *changes: Change) -> dict[str, Any]:
    """Copy of a document with values set, or taken away where the value is `GONE`."""
    result = copy.deepcopy(document)
    for (*path, last), value in changes:
        target: Any = result
        for key in path:
            target = target[key]
        if value is GONE:
            del target[last]
        elif isinstance(target, list) and last == len(target):
            target.append(value)
        else:
            target[last] = value
    return result


def sample() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(SAMPLE)
    return document


def write(root: Path, document: dict[str, Any], *, name: str = "clinic/visits/v1") -> Path:
    path = root / f"{name}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def test_the_sample_is_sound(tmp_path: Path) -> None:
    path = write(tmp_path, sample())
    assert load_contract(path).key == "clinic/visits"
    assert load_catalogue(tmp_path).tables() == ("clinic/visits",)
    assert list(problems(tmp_path)) == []


@pytest.mark.parametrize(
    "given",
    [
        {"format": "xlsx", "sheet": "Tiedot", "headerLine": 4, "headerRows": 2},
        {"format": "xlsx", "sheet": "Tiedot", "dateFormat": "%Y-%m-%d", "decimalSeparator": "."},
        {"format": "parquet", "timeZone": "UTC"},
        {"format": "json", "encoding": "utf-8", "records": "/data"},
        {"format": "json", "records": "", "versionPointer": "/meta/v", "version": "v11"},
    ],
    ids=str,
)
def test_the_sample_may_come_in_other_formats(tmp_path: Path, given: dict[str, Any]) -> None:
    dialect = load_contract(write(tmp_path, changed(sample(), (DIALECT, given)))).dialect
    assert (dialect.format, dialect.encoding) == (given["format"], "utf-8")
    assert (dialect.true_values, dialect.false_values) == (("true",), ("false",))


COLUMN = {
    "name": "extra",
    "physicalName": "Lisä",
    "businessName": "Lisä",
    "logicalType": "string",
    "physicalType": "VARCHAR",
    "classification": "internal",
    "description": "More.",
}
END = (*TABLE, "properties", 6)
KIND_CUSTOM = (*KIND, "customProperties")


def coded(**changes: object) -> dict[str, object]:
    """A column's code list, in the form of a contract."""
    stated: dict[str, object] = {"list": "clinic/visits", "asOf": "started_at"}
    return {"property": "codeList", "value": stated | changes}


BROKEN: dict[str, tuple[list[Change], str]] = {
    # The standard's own schema
    "typo in a column": ([((*KIND, "requird"), True)], r"kind_code.*'requird' was unexpected"),
    "typo at the top": ([(("verison",), "1")], r"contract: .*'verison' was unexpected"),
    "unknown logical type": ([((*KIND, "logicalType"), "bananas")], r"kind_code.*'bananas'"),
    "unknown metric": ([((*VALID_VALUES, "metric"), "validity")], r"\[0\].metric: 'validity'"),
    "unknown ODCS dimension": ([((*SQL_RULE, "dimension"), "beauty")], r"'beauty' is not one of"),
    "no version": ([(("version",), GONE)], r"'version' is a required property"),
    "another ODCS version": ([(("apiVersion",), "v3.0.2")], r"apiVersion: .*write v3\.1\.0"),
    # Ids, names, versions
    "id is not the folder": ([(("id",), "clinic/calls")], r"id: .*write clinic/visits"),
    "table is not the folder": ([((*TABLE, "name"), "calls")], r"calls is not the folder's"),
    "major is not the file": ([(("version",), "2.0.0")], r"version 2\.0\.0 does not belong in v1"),
    "version is not semantic": ([(("version",), "1.0")], r"write a semantic version"),
    "two tables": ([(("schema", 1), {"name": "more"})], r"one table per contract"),
    "no purpose": ([(("description", "purpose"), " ")], r"description\.purpose is missing"),
    "no grain": ([((*TABLE, "dataGranularityDescription"), GONE)], r"GranularityDescription is"),
    # Columns
    "column given twice": ([(END, {**COLUMN, "name": "kind_code"})], r"kind_code is given twice"),
    "header given twice": ([(END, {**COLUMN, "physicalName": "Laji"})], r"Laji is given twice"),
    "name is not ASCII": ([((*KIND, "name"), "päivä")], r"snake_case"),
    "name of the lake's own": ([((*KIND, "name"), "record_number")], r"column that the lake adds"),
    "id is not the name": ([((*KIND, "id"), "kind")], r"id kind is not the name"),
    "no header": ([((*KIND, "physicalName"), GONE)], r"kind_code: physicalName is missing"),
    "unknown placeholder": ([((*KIND, "physicalName"), "Laji {year}")], r"other than {sequence}"),
    "no description": ([((*KIND, "description"), GONE)], r"description is missing"),
    "no Finnish name": ([((*KIND, "businessName"), GONE)], r"businessName is missing"),
    "no classification": ([((*KIND, "classification"), GONE)], r"classification is missing"),
    "unknown classification": ([((*KIND, "classification"), "secret")], r"public, internal, conf"),
    "nested type": ([(END, {**COLUMN, "logicalType": "array"})], r"array is not kept in the lake"),
    "type of another kind": ([((*KIND, "physicalType"), "DATE")], r"not one for .* use VARCHAR"),
    "HUGEINT": ([((*VISIT_ID, "physicalType"), "HUGEINT")], r"HUGEINT .*use DECIMAL\(38,0\)"),
    "UUID": ([((*KIND, "physicalType"), "UUID")], r"UUID .*use VARCHAR"),
    "FLOAT": (
        [(END, {**COLUMN, "logicalType": "number", "physicalType": "FLOAT"})],
        r"FLOAT .*use DOUBLE for measurements",
    ),
    "decimal too wide": (
        [(END, {**COLUMN, "logicalType": "number", "physicalType": "DECIMAL(39,2)"})],
        r"DECIMAL\(39,2\) is not one",
    ),
    "rule key without effect": ([((*KIND, "unique"), True)], r"unique would have no effect"),
    "option without effect": (
        [((*VISIT_ID, "logicalTypeOptions"), {"multipleOf": 2})],
        r"multipleOf would have no effect on type integer",
    ),
    # Keys
    "no primary key": (
        [((*VISIT_ID, "primaryKey"), GONE), ((*VISIT_ID, "primaryKeyPosition"), GONE)],
        r"primary key positions are \[\]",
    ),
    "key position leaves a gap": ([((*VISIT_ID, "primaryKeyPosition"), 2)], r"are \[2\]; mark"),
    "key without position": ([((*VISIT_ID, "primaryKeyPosition"), GONE)], r"without position"),
    "position without key": ([((*KIND, "primaryKeyPosition"), 2)], r"write primaryKey: true"),
    "key may be empty": ([((*VISIT_ID, "required"), False)], r"write required: true"),
    # What the platform adds
    "unknown property": ([((*CUSTOM, 4), {"property": "owner", "value": 1})], r"owner: Extra"),
    "property given twice": (
        [((*CUSTOM, 4), {"property": "register", "value": "health"})],
        r"register is given twice",
    ),
    "no controller": ([((*CUSTOM, 0), GONE)], r"controller: Field required"),
    "unknown register": ([((*CUSTOM, 1, "value"), "private")], r"register: Input should be"),
    "typo in the dialect": ([((*DIALECT, "delimeter"), ";")], r"dialect\.delimeter: Extra"),
    "unknown encoding": ([((*DIALECT, "encoding"), "latin-1")], r"dialect\.encoding: Input should"),
    "two delimiters": ([((*DIALECT, "delimiter"), ";;")], r"delimiter: String should have at most"),
    "delimiter is the decimal": (
        [((*DIALECT, "delimiter"), ","), ((*DIALECT, "decimalSeparator"), ",")],
        r"delimiter is also quote or decimal separator",
    ),
    "delimiter of NDJSON": (
        [((*DIALECT, "format"), "ndjson"), ((*DIALECT, "delimiter"), ";")],
        r"delimiter has no effect on ndjson",
    ),
    "no encoding": ([((*DIALECT, "encoding"), GONE)], r"dialect\.encoding: Field required"),
    "header rows of CSV": ([((*DIALECT, "headerRows"), 2)], r"header_rows has no effect on csv"),
    "sheet of CSV": ([((*DIALECT, "sheet"), "A")], r"sheet has no effect on csv"),
    "records of CSV": ([((*DIALECT, "records"), "/a")], r"records has no effect on csv"),
    "version of CSV": ([((*DIALECT, "version"), "1")], r"version has no effect on csv"),
    "workbook without sheet": ([(DIALECT, {"format": "xlsx"})], r"dialect\.sheet: Field required"),
    "encoding of a workbook": (
        [(DIALECT, {"format": "xlsx", "sheet": "A", "encoding": "utf-8"})],
        r"encoding has no effect on xlsx",
    ),
    "dates of a workbook": (
        [(DIALECT, {"format": "xlsx", "sheet": "A", "dateFormat": "%d.%m.%Y"})],
        r"dateFormat: xlsx has numbers and dates as such.*remove it",
    ),
    "last line end of a workbook": (
        [(DIALECT, {"format": "xlsx", "sheet": "A"}), ((*DELIVERY, "finalNewline"), False)],
        r"finalNewline has no effect on xlsx",
    ),
    "cell of a workbook that is none": (
        [
            (DIALECT, {"format": "xlsx", "sheet": "A", "headerLine": 4}),
            ((*KIND, "physicalName"), "cell:2B"),
        ],
        r"kind_code.*cell:2B is no cell above the header",
    ),
    "cell in the header": (
        [
            (DIALECT, {"format": "xlsx", "sheet": "A", "headerLine": 4}),
            ((*KIND, "physicalName"), "cell:B4"),
        ],
        r"kind_code.*cell:B4 is no cell above the header",
    ),
    "encoding of Parquet": (
        [(DIALECT, {"format": "parquet", "encoding": "utf-8"})],
        r"encoding has no effect on parquet",
    ),
    "comma of Parquet": (
        [(DIALECT, {"format": "parquet", "decimalSeparator": ","})],
        r"decimalSeparator: parquet has numbers",
    ),
    "truth of Parquet": (
        [(DIALECT, {"format": "parquet", "trueValues": ["K"]})],
        r"true_values has no effect on parquet",
    ),
    "document without records": (
        [(DIALECT, {"format": "json", "encoding": "utf-8"})],
        r"dialect\.records: Field required",
    ),
    "document in Latin-1": (
        [(DIALECT, {"format": "json", "records": "", "encoding": "iso-8859-1"})],
        r"a JSON document is no iso-8859-1; write utf-8",
    ),
    "records that are no pointer": (
        [(DIALECT, {"format": "json", "records": "items"})],
        r"dialect\.records: String should match",
    ),
    "version without pointer": (
        [(DIALECT, {"format": "json", "records": "", "version": "v11"})],
        r"version and versionPointer go together",
    ),
    "every item of what is no field": (
        [(DIALECT, {"format": "json", "records": ""}), ((*KIND, "physicalName"), "/*/code")],
        r"kind_code.*/\*/code joins the items of an array, as text",
    ),
    "every item as a number": (
        [(DIALECT, {"format": "json", "records": ""}), ((*VISIT_ID, "physicalName"), "/a/*")],
        r"visit_id.*/a/\* joins the items of an array, as text",
    ),
    "name that is no pointer": (
        [(DIALECT, {"format": "json", "records": ""}), ((*KIND, "physicalName"), "/a~b")],
        r"kind_code.*/a~b is no JSON pointer",
    ),
    "snapshots of senders": (
        [
            ((*DELIVERY, "sequenceStep"), "sender_quarter"),
            ((*DELIVERY, "filePattern"), r"v_(?P<sequence>\d{7})\.xlsx"),
            ((*DELIVERY, "mode"), "snapshot"),
        ],
        r"a sender's snapshot would end the rows of all others",
    ),
    "release without a place in the name": (
        [
            ((*DELIVERY, "sequenceStep"), "year_release"),
            ((*DELIVERY, "filePattern"), r"v_(?P<sequence>\d{4})\.csv"),
        ],
        r"filePattern .* states no release; write",
    ),
    "release of a month": (
        [((*DELIVERY, "filePattern"), r"v_(?P<sequence>\d{6})_(?P<release>[1-9][0-9]?)\.csv")],
        r"filePattern .* states one; write",
    ),
    "header line is text": (
        [((*DIALECT, "headerLine"), "3")],
        r"dialect\.headerLine: Input should",
    ),
    "typo in the delivery": ([((*DELIVERY, "filepattern"), "x")], r"delivery\.filepattern: Extra"),
    "pattern without sequence": ([((*DELIVERY, "filePattern"), "v.csv")], r"states no sequence"),
    "sequence of another step": ([((*DELIVERY, "sequenceStep"), "year")], r"of step year"),
    "pattern does not compile": (
        [((*DELIVERY, "filePattern"), r"((?P<sequence>\d{6})")],
        r"filePattern does not compile",
    ),
    "update time is no column": ([((*DELIVERY, "updatedAtColumn"), "saved_at")], r"saved_at is no"),
    "update time may be empty": ([((*DELIVERY, "updatedAtColumn"), "ended_at")], r"ended_at is no"),
    "unknown flag of a column": (
        [((*KIND, "customProperties", 1), {"property": "secret", "value": True})],
        r"kind_code.*secret: Extra.*vaultOnly",
    ),
    "flag is not true or false": (
        [((*PERSON_ID, "customProperties", 0, "value"), "yes")],
        r"identity: Input should be a valid boolean",
    ),
    "identity is text": (
        [((*PERSON_ID, "logicalType"), "string"), ((*PERSON_ID, "physicalType"), "VARCHAR")],
        r"an identity is kept as the person's number",
    ),
    "identity is not restricted": (
        [((*PERSON_ID, "classification"), "internal")],
        r"an identity is restricted",
    ),
    "place of nobody": (
        [
            ((*PERSON_ID, "customProperties"), GONE),
            ((*KIND, "customProperties", 1), {"property": "place", "value": True}),
        ],
        r"place without a person",
    ),
    "place is not confidential": (
        [
            ((*KIND, "customProperties", 1), {"property": "place", "value": True}),
            ((*KIND, "classification"), "internal"),
        ],
        r"a person's place is confidential",
    ),
    "protection order in the lake": (
        [((*KIND, "customProperties", 1), {"property": "protectionOrder", "value": True})],
        r"BOOLEAN of the vault alone",
    ),
    "key of the vault alone": (
        [((*VISIT_ID, "customProperties"), [{"property": "vaultOnly", "value": True}])],
        r"primary key that does not reach the lake",
    ),
    # Promises
    "no freshness": ([(("slaProperties", 0), GONE)], r"freshness is given 0 times"),
    "freshness in hours": ([(("slaProperties", 0, "unit"), "h")], r"whole number with unit d"),
    "half a year": ([(("slaProperties", 1, "value"), 0.5)], r"whole number with unit y"),
    "promise nobody checks": (
        [(("slaProperties", 2), {"property": "latency", "value": 1})],
        r"promise latency is checked by nothing",
    ),
    # Rules
    "metric of tables on a column": (
        [((*VALID_VALUES, "metric"), "rowCount")],
        r"rowCount is unknown on a column",
    ),
    "metric of columns on a table": (
        [((*ROW_COUNT, "metric"), "duplicateValues")],
        r"duplicateValues is unknown on a table",
    ),
    "unknown argument": (
        [((*VALID_VALUES, "arguments"), {"validValeus": ["A"]})],
        r"give validValues alone",
    ),
    "some invalid values pass": ([((*VALID_VALUES, "mustBe"), 3)], r"write mustBe: 0"),
    "code that YAML took for a number": (
        [((*VALID_VALUES, "arguments"), {"validValues": ["A", 1]})],
        r"1 is not VARCHAR; quote codes",
    ),
    "code that YAML took for false": (
        [((*VALID_VALUES, "arguments"), {"validValues": ["A", False]})],
        r"False is not VARCHAR",
    ),
    "code without meaning": (
        [((*VALID_VALUES, "arguments"), {"validValues": ["A", "C"]})],
        r"validValues and codes differ by B, C",
    ),
    "valid values twice": (
        [
            (
                (*KIND, "quality", 1),
                yaml.safe_load(SAMPLE)["schema"][0]["properties"][2]["quality"][0],
            )
        ],
        r"valid values are given twice",
    ),
    "unknown engine": ([((*SQL_RULE, "engine"), "soda")], r"engine soda is unknown"),
    "unknown rule type": (
        [
            ((*SQL_RULE, "type"), "text"),
            ((*SQL_RULE, "engine"), GONE),
            ((*SQL_RULE, "implementation"), GONE),
        ],
        r"rule type text is unknown",
    ),
    "unknown severity": ([((*SQL_RULE, "severity"), "fatal")], r"use error or warning"),
    "no severity": ([((*SQL_RULE, "severity"), GONE)], r"severity None is unknown"),
    "no dimension": ([((*SQL_RULE, "dimension"), GONE)], r"the rule has no dimension"),
    "rule without description": ([((*SQL_RULE, "description"), GONE)], r"rule has no description"),
    "rule without id": ([((*SQL_RULE, "id"), GONE)], r"rule has no id in snake_case"),
    "schedule without effect": (
        [((*SQL_RULE, "schedule"), "0 0 * * *")],
        r"schedule would have no effect",
    ),
    "rule id given twice": (
        [((*SHARE, "id"), "minimum_rows")],
        r"dataset\.minimum_rows is given twice",
    ),
    "rule id that the gate derives": (
        [((*SQL_RULE, "id"), "required")],
        r"ended_at\.required is given twice",
    ),
    "SQL that does not parse": (
        [((*SQL_RULE, "implementation"), "ended_at >=")],
        r"ended_at.*not SQL that DuckDB reads",
    ),
    "SQL over an unknown column": (
        [((*SQL_RULE, "implementation"), "ended_at >= begun_at")],
        r"column begun_at is not in the contract",
    ),
    "SQL over another table": (
        [((*SQL_RULE, "implementation"), "other.ended_at > started_at")],
        r"column other\.ended_at is not",
    ),
    "SQL with a subquery": (
        [((*SQL_RULE, "implementation"), "ended_at > (select max(started_at) from t)")],
        r"an expression sees one row",
    ),
    "SQL with an aggregate": (
        [((*SQL_RULE, "implementation"), "ended_at > max(started_at)")],
        r"an expression sees one row",
    ),
    "SQL that reads the clock": (
        [((*SQL_RULE, "implementation"), "ended_at <= current_date")],
        r"use \$delivery_date",
    ),
    "SQL with an unknown function": (
        [((*SQL_RULE, "implementation"), "is_fine(ended_at)")],
        r"function is_fine is unknown",
    ),
    "SQL with an unknown parameter": (
        [((*SQL_RULE, "implementation"), "ended_at <= $today")],
        r"parameter \$today is unknown",
    ),
    "SQL that is no condition": (
        [((*SQL_RULE, "implementation"), "started_at")],
        r"not a condition",
    ),
    "two statements": (
        [((*SQL_RULE, "implementation"), "ended_at > started_at; drop table visits")],
        r"not one SQL expression",
    ),
    "pattern does not compile in a column": (
        [((*KIND, "logicalTypeOptions", "pattern"), "[A")],
        r"pattern does not compile",
    ),
    "pattern that RE2 has not": (
        [((*KIND, "logicalTypeOptions", "pattern"), "(?!A).")],
        r"no lookaround",
    ),
    "code listed twice": (
        [((*VALID_VALUES, "arguments"), {"validValues": ["A", "B", "A"]})],
        r"a valid value is listed twice",
    ),
    "valid values are no list": (
        [((*VALID_VALUES, "arguments"), {"validValues": "AB"})],
        r"not a list of validValues",
    ),
    "date format without year": ([((*DIALECT, "dateFormat"), "%d.%m.")], r"dateFormat: .*%Y"),
    "timestamp format of a date": (
        [((*DIALECT, "timestampFormat"), "%Y-%m-%d")],
        r"timestampFormat: .*%H",
    ),
    "no time zone": ([((*DIALECT, "timeZone"), "EET+2")], r"timeZone: String should match"),
    "bounds in the wrong order": (
        [((*STARTED, "logicalTypeOptions", "maximum"), "1999-01-01 00:00:00")],
        r"from 2000-01-01 00:00:00 to 1999-01-01 00:00:00 there is nothing",
    ),
    "lengths in the wrong order": (
        [((*KIND, "logicalTypeOptions", "minLength"), 2)],
        r"from 2 to 1 there is nothing",
    ),
    "infinite bound": (
        [((*VISIT_ID, "logicalTypeOptions"), {"minimum": float("-inf")})],
        r"-inf is no finite number",
    ),
    "bound that is no timestamp": (
        [((*STARTED, "logicalTypeOptions", "minimum"), "1.1.2000")],
        r"1\.1\.2000 is no TIMESTAMP",
    ),
    "share beyond 100 percent": (
        [((*SHARE, "implementation", "mustBeLessOrEqualTo"), 120)],
        r"give 0 to 100 percent",
    ),
    "unknown rule over the delivery": (
        [((*SHARE, "implementation", "metric"), "nullShare")],
        r"write {metric: quarantinedShare",
    ),
    # References
    "reference in shorthand": (
        [((*REFERRED, "relationships", 0, "to"), "visits.visit_id")],
        r"names no column of a contract",
    ),
    "reference out of the tree": (
        [((*REFERRED, "relationships", 0, "to"), "../../../v1.odcs.yaml#/schema/a/properties/b")],
        r"leads to no contract",
    ),
    "reference to no contract": (
        [((*REFERRED, "relationships", 0, "to"), "../a/v1.odcs.yaml#/schema/a/properties/b")],
        r"there is no contract clinic/a",
    ),
    "reference to no column": (
        [((*REFERRED, "relationships", 0, "to"), "v1.odcs.yaml#/schema/visits/properties/b")],
        r"clinic/visits has no column b",
    ),
    "reference to another type": (
        [
            (
                (*REFERRED, "relationships", 0, "to"),
                "v1.odcs.yaml#/schema/visits/properties/kind_code",
            )
        ],
        r"types differ",
    ),
    # Code lists
    "code list that is none": (
        [((*KIND_CUSTOM, 1), coded(list="codes/kinds"))],
        r"codeList of kind_code: there is no contract codes/kinds",
    ),
    "code list without dates": (
        [((*KIND_CUSTOM, 1), coded())],
        r"codeList of kind_code: clinic/visits is no dated list of codes",
    ),
    "code list without its key": (
        [((*KIND_CUSTOM, 1), coded(list="kinds"))],
        r"codeList\.list: String should match",
    ),
    "code list without a day": (
        [((*KIND_CUSTOM, 1), coded(asOf=None))],
        r"codeList\.asOf: Input should be",
    ),
    "code list as of no column": (
        [((*KIND_CUSTOM, 1), coded(asOf="begun_at"))],
        r"kind_code.*codeList as of begun_at: no DATE or TIMESTAMP",
    ),
    "code list as of no date": (
        [((*KIND_CUSTOM, 1), coded(asOf="visit_id"))],
        r"codeList as of visit_id: no DATE or TIMESTAMP",
    ),
    "typo in a code list": (
        [((*KIND_CUSTOM, 1), coded(sets="kinds"))],
        r"codeList\.sets: Extra",
    ),
    "code list of a number": (
        [((*VISIT_ID, "customProperties"), [coded()])],
        r"codeList on what is no text of the lake",
    ),
    "code list of what only the vault reads": (
        [
            ((*KIND_CUSTOM, 1), coded()),
            ((*KIND_CUSTOM, 2), {"property": "vaultOnly", "value": True}),
        ],
        r"codeList on what is no text of the lake",
    ),
    # Majors
    "upcast in the newest": (
        [((*CUSTOM, 4), {"property": "upcast", "value": {"kind_code": "null"}})],
        r"upcast in the newest major",
    ),
    "upcast over an unknown column": (
        [((*CUSTOM, 4), {"property": "upcast", "value": {"kind_code": "sort_code"}})],
        r"upcast kind_code: column sort_code",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_not_understood_is_refused(
    tmp_path: Path, changes: list[Change], message: str
) -> None:
    path = write(tmp_path, changed(sample(), *changes))
    with pytest.raises(ContractError, match=message) as caught:
        load_catalogue(tmp_path)
    text = str(caught.value)
    assert text.startswith(f"{path}:"), "names the file"
    assert "; " in text, "says what to do"
    assert len(text) < 700, "stays readable"


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document below its top."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [p for key, below in items for p in [(*path, key), *places(below, (*path, key))]]


JUNK = st.one_of(
    st.just(GONE),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.sampled_from(["(", "'", "{", "a.b", "-1", "v1.odcs.yaml#", "select 1", "\\"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


@given(place=st.sampled_from(places(yaml.safe_load(SAMPLE))), junk=JUNK)
def test_whatever_is_written_anywhere_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str | int, ...], junk: object
) -> None:
    root = tmp_path_factory.mktemp("contracts")
    write(root, changed(sample(), (place, junk)))
    found = list(problems(root))
    assert all("v1.odcs.yaml" in message for message in found)


def test_the_message_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "clinic/visits/v1.odcs.yaml"
    path.parent.mkdir(parents=True)
    text = SAMPLE.replace("ended_at >= started_at", "ended_at >= begun_at")
    path.write_text(text, encoding="utf-8")
    line = 1 + text[: text.index("begun_at")].count("\n")
    with pytest.raises(
        ContractError, match=rf"^{re.escape(str(path))}:{line}: schema\.visits\.prop"
    ):
        load_contract(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id: a\nid: b\n", ":2: key id is given twice"),
        (b"schema:\n  - {name: a, name: b}\n", ":2: key name is given twice"),
        (b"id: [a\n", "write it as valid YAML"),
        (b"- id\n", "holds no mapping"),
        (b"", "holds no mapping"),
        (b"id: p\xe4iv\xe4\n", "save the file as UTF-8"),
        (b"2: a\n", "is a required property"),
        (b"? [a]\n: b\n", "found unhashable key"),
    ],
)
def test_what_is_no_yaml_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "clinic/visits/v1.odcs.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(ContractError, match=message):
        load_contract(path)


def second_major(*changes: Change) -> dict[str, Any]:
    newer = changed(sample(), (("version",), "2.0.0"), ((*DELIVERY, "sequenceFrom"), 201801))
    return changed(newer, *changes)


def with_upcast(**upcast: str) -> dict[str, Any]:
    return changed(sample(), ((*CUSTOM, 4), {"property": "upcast", "value": upcast}))


def test_two_majors_that_follow_each_other(tmp_path: Path) -> None:
    write(tmp_path, with_upcast(extra="cast(null as varchar)"))
    write(tmp_path, second_major((END, COLUMN)), name="clinic/visits/v2")
    catalogue = load_catalogue(tmp_path)
    assert [c.major for c in catalogue.majors("clinic/visits")] == [1, 2]
    assert catalogue.in_force("clinic/visits", 201712).major == 1
    assert catalogue.in_force("clinic/visits", 201801).major == 2


MAJORS: dict[str, tuple[Callable[[], dict[str, Any]], Callable[[], dict[str, Any]], str]] = {
    "a new column without upcast": (
        sample,
        lambda: second_major((END, COLUMN)),
        r"v1.*major 2 adds or changes extra",
    ),
    "a column of another type without upcast": (
        sample,
        lambda: second_major(
            ((*REFERRED, "physicalType"), "INTEGER"), ((*REFERRED, "relationships"), [])
        ),
        r"major 2 adds or changes referred_visit_id",
    ),
    "a column that became required without upcast": (
        sample,
        lambda: second_major(((*KIND, "required"), True)),
        r"major 2 adds or changes kind_code",
    ),
    "an upcast that is not needed": (
        lambda: with_upcast(kind_code="kind_code"),
        second_major,
        r"kind_code is not added or changed",
    ),
    "a newer major from the same sequence": (
        sample,
        lambda: second_major(((*DELIVERY, "sequenceFrom"), 0)),
        r"major 2 does not begin after major 1",
    ),
}


@pytest.mark.parametrize(("older", "newer", "message"), MAJORS.values(), ids=MAJORS.keys())
def test_majors_that_do_not_follow_each_other(
    tmp_path: Path,
    older: Callable[[], dict[str, Any]],
    newer: Callable[[], dict[str, Any]],
    message: str,
) -> None:
    write(tmp_path, older())
    write(tmp_path, newer(), name="clinic/visits/v2")
    with pytest.raises(ContractError, match=message):
        load_catalogue(tmp_path)


def test_a_missing_major_is_refused(tmp_path: Path) -> None:
    write(tmp_path, second_major(), name="clinic/visits/v2")
    with pytest.raises(ContractError, match=r"majors are \[2\]; keep every major from 1 on"):
        load_catalogue(tmp_path)


def test_table_names_are_unique_over_sources(tmp_path: Path) -> None:
    write(tmp_path, sample())
    write(tmp_path, changed(sample(), (("id",), "other/visits")), name="other/visits/v1")
    with pytest.raises(ContractError, match="clinic/visits has a table of this name too"):
        load_catalogue(tmp_path)


def test_a_stray_yaml_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, sample())
    (tmp_path / "clinic" / "visits" / "v01.odcs.yaml").write_text("id: a", encoding="utf-8")
    with pytest.raises(ContractError, match="no contract's file name"):
        load_catalogue(tmp_path)


def test_no_contracts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="holds no contracts"):
        load_catalogue(tmp_path)


def test_lint_reports_every_broken_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = changed(sample(), ((*KIND, "classification"), GONE))
    write(tmp_path, broken)
    write(tmp_path, broken, name="clinic/calls/v1")
    assert main([str(tmp_path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "clinic/calls/v1.odcs.yaml" in lines[0]
    assert "classification is missing" in lines[1]
