-- The version of the scheme that the rulebook now has in force in each closed month.
select
    closed.list_month,
    max(scheme.valid_from_date) as version_date
from settle.closed as closed
inner join rulebook.capitation_scheme as scheme
    on scheme.rulebook_id = $rulebook_id and closed.list_month >= scheme.valid_from_date
group by closed.list_month
