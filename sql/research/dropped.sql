-- Who consented once and does not today: what was handed out of them before is to be removed.
select
    consent.person_id,
    max(consent.valid_to_date) as dropped_date
from core.research_consent as consent
group by consent.person_id
having max(coalesce(consent.valid_to_date, date '9999-12-31')) <= $today
