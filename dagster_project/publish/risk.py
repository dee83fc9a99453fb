"""What a release has of the risk models: how good those in use are, and the newest scores.

No model of `sql/` makes these tables: training and scoring do. Here: their queries and where each
goes. Not here: what they hold (`lake.risk_tables`), what of it reaches a client (the way back).
"""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.lake.risk_tables import PUBLISHED
from dagster_project.pipeline import Session
from dagster_project.publish.outputs import RISK, Publication
from dagster_project.publish.shelves import INTERNAL
from dagster_project.publish.withdrawal import GUIDANCE

_IN_USE = (
    "select arg_max(model_id, promotion_number) from risk.promotion"
    " where is_promoted group by target_code"
)
_SCORES = """
    select
        audience_person.audience_person_id as person_id, score.target_code,
        score.index_month as index_date, score.score_state_code, score.probability,
        score.low_probability, score.high_probability, score.percentile,
        reason_1.name_fi as first_reason_fi, reason_2.name_fi as second_reason_fi,
        reason_3.name_fi as third_reason_fi, reason_1.name_en as first_reason_en,
        reason_2.name_en as second_reason_en, reason_3.name_en as third_reason_en,
        score.package_count, score.model_id as model_version
    from (select * from lake.risk.score at (version => {snapshot_id})) as score
    inner join audience_person using (person_id) -- over all persons there are
    left join rulebook.risk_reason as reason_1
        on score.first_reason_code = reason_1.reason_code
    left join rulebook.risk_reason as reason_2
        on score.second_reason_code = reason_2.reason_code
    left join rulebook.risk_reason as reason_3
        on score.third_reason_code = reason_3.reason_code
    where score.index_month = (select max(index_month) from risk.score)
"""


def publications(session: Session, snapshot_id: int) -> Iterator[tuple[str, Publication]]:
    """Each table by its path within the release; none before a model was trained."""
    lake = session.lake
    if lake.count("select count(*) from risk.model"):
        for name in PUBLISHED:
            query = (
                f"select * from lake.risk.{name} at (version => {snapshot_id})"
                f" where model_id in ({_IN_USE})"
            )
            told = Publication(f"risk_{name}", query, None, (RISK,))
            yield f"{INTERNAL}/bi/{told.name}.parquet", told
    if lake.count("select count(*) from risk.score"):
        # Persons have ids that only the way back undoes.
        session.identities.pseudonyms(GUIDANCE)
        query = _SCORES.format(snapshot_id=snapshot_id)
        told = Publication("risk_scores", query, None, (RISK,))
        yield f"{GUIDANCE}/{told.name}.parquet", told
