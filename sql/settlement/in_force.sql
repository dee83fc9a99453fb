-- The version in force now in each closed month, of the scheme that paid for it then.
-- A scheme that is in the rulebook no more has none: its months stay as they were settled.
select
    closed.list_month,
    closed.rulebook_id,
    max(scheme.valid_from_date) as version_date
from settle.closed as closed
inner join rulebook.capitation_scheme as scheme
    on closed.rulebook_id = scheme.rulebook_id and closed.list_month >= scheme.valid_from_date
group by closed.list_month, closed.rulebook_id
