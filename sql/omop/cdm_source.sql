-- One row: what this export is, and to which day its data reach.
select
    'Tietoallas, regional data lake' as cdm_source_name,
    'tietoallas' as cdm_source_abbreviation,
    'organiser' as cdm_holder,
    concat('release ', cdm.release_id) as cdm_etl_reference,
    cdm.reached_date as source_release_date,
    cdm.reached_date as cdm_release_date,
    '5.4' as cdm_version,
    0 as cdm_version_concept_id,
    cdm.vocabulary_version
from omop.cdm as cdm
