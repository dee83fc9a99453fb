-- Who consented once and does not today: what was handed out of them before is to be removed.
select
    consent.person_id,
    max(consent.valid_to_date) as dropped_date
from core.research_consent as consent
cross join research_day as day
group by consent.person_id, day.today
having max(coalesce(consent.valid_to_date, date '9999-12-31')) <= day.today
