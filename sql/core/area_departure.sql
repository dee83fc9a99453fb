-- grain: One row per person and day from which the person lives in the area no more.
-- key: [person_id, left_date]
-- may_be_empty: nobody may have left
with
-- A protected person lives in the area and nowhere narrower.
stay as (
    select
        residence.person_id,
        residence.valid_from_date,
        residence.valid_to_date
    from core.residence as residence
    left join core.municipality as municipality
        on residence.municipality_code = municipality.municipality_code
    where
        residence.known_to_seq is null
        and (residence.municipality_code is null or municipality.is_trial_area)
),

-- The end of a stay that no other follows at once.
final as (
    select distinct
        stay.person_id,
        stay.valid_to_date as left_date
    from stay
    anti join stay as following
        on
            stay.person_id = following.person_id
            and stay.valid_to_date = following.valid_from_date
    where stay.valid_to_date is not null
)

select
    person_id,
    left_date
from final
