"""Source codes to OMOP concepts, by the vocabulary files of an installation that has them.

Here: `omop.mapping`, which the queries join; without files it is empty and every concept 0. Not
here: the tables (`omop`).
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.errors import SettingsError
from dagster_project.lake.connection import Lake
from dagster_project.sql_text import literal

_NO_VOCABULARY = "none installed"
_VOCABULARIES = {
    "icd10": ("ICD10fi", "ICD10"),
    "icpc2": ("ICPC",),
    "measurement": ("LABfi", "LOINC"),
    "procedure": ("THL toimenpide", "NCSP"),
    "profession": ("ISCO",),
    "unit": ("UCUM",),
    "sex": ("Gender",),
    "visit": ("Visit",),
}
"""Vocabularies in which codes of a kind are looked up, the nearest first."""
_OTHER_NAMES = {
    "sex": {"1": "M", "2": "F"},
    "visit": {
        "inpatient_stay": "IP",
        "outpatient_visit": "OP",
        "emergency_visit": "ER",
        "R10": "OP",
    },
}
"""Our codes, by kind, that the vocabulary has under another name."""


def map_codes(lake: Lake) -> str:
    """Make `omop.mapping` of the vocabulary files, if there are any; which version they are."""
    lake.execute(
        "create or replace table memory.omop.mapping (kind_code varchar, source_code varchar,"
        " source_concept_id integer, concept_id integer)"
    )
    folder = lake.settings.omop_vocabulary
    if folder is None:
        return _NO_VOCABULARY
    concepts, links = (_vocabulary_file(folder, n) for n in ("CONCEPT", "CONCEPT_RELATIONSHIP"))
    for kind, vocabularies in _VOCABULARIES.items():
        names = _OTHER_NAMES.get(kind, {})
        lake.execute(
            _MAPPING.format(concepts=concepts, links=links),
            {
                "kind": kind,
                "vocabularies": list(vocabularies),
                "ours": list(names),
                "theirs": list(names.values()),
            },
        )
    version = lake.value(
        f"select max(concept_name) from {concepts} where concept_id = '0' or concept_code = 'OMOP'"
    )
    return str(version or folder.name)[:20]


def _vocabulary_file(folder: Path, name: str) -> str:
    file = folder / f"{name}.csv"
    if not file.exists():
        raise SettingsError(f"{file} is not there; unpack the vocabulary, or unset the setting")
    return (
        f"read_csv({literal(str(file))}, delim = '\t', quote = '', header = true,"
        " all_varchar = true)"
    )


# A code without its dots, of the nearest vocabulary that has it; the standard concept that it maps
# to, or itself where it is one.
_MAPPING = """
insert into memory.omop.mapping
with
concept as (
    select
        cast(concept_id as integer) as concept_id,
        standard_concept,
        list_position($vocabularies, vocabulary_id) as vocabulary_rank,
        case
            when len($theirs) > 0 then concept_code
            when $kind = 'unit' then lower(concept_code)
            else replace(concept_code, '.', '')
        end as code
    from {concepts}
    where list_contains($vocabularies, vocabulary_id)
),

nearest as (
    select
        code,
        min_by(concept_id, vocabulary_rank) as concept_id,
        min_by(standard_concept, vocabulary_rank) as standard_concept
    from concept
    group by code
),

standard as (
    select cast(concept_id_1 as integer) as from_id, min(cast(concept_id_2 as integer)) as to_id
    from {links}
    where relationship_id = 'Maps to' and coalesce(invalid_reason, '') = ''
    group by from_id
)

select
    $kind,
    coalesce(ours.code, nearest.code),
    nearest.concept_id,
    coalesce(
        standard.to_id, case when nearest.standard_concept = 'S' then nearest.concept_id end, 0
    )
from nearest
left join standard on nearest.concept_id = standard.from_id
left join (select unnest($ours) as code, unnest($theirs) as name) as ours
    on nearest.code = ours.name
"""
