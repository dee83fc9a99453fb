-- grain: One row per day of choice, client group, and person who may be offered a budget then.
-- key: [selected_date, client_group_code, person_id]
-- may_be_empty: no day of choice may have come
with
covered as (
    select last_day(max(exposure_month)) as last_date
    from core.register_month
),

due as (
    select
        selection.valid_from_date as selected_date,
        selection.client_group_code,
        selection.place_count,
        cast(date_trunc('month', selection.valid_from_date) as date) as selected_month,
        cast(
            date_trunc('month', selection.valid_from_date) - to_months(selection.window_months)
            as date
        ) as window_from_month
    from rulebook.budget_selection as selection
    cross join covered
    where selection.valid_from_date <= covered.last_date
),

scale as (
    select
        due.selected_date,
        due.client_group_code,
        weight.need_scale_code,
        weight.need_weight,
        count(*) over (partition by due.selected_date, due.client_group_code) as scale_count
    from due
    inner join rulebook.budget_selection_need as weight
        on
            due.selected_date = weight.valid_from_date
            and due.client_group_code = weight.client_group_code
),

assessed as (
    select
        *,
        case when scale_code = 'TOTAL' then instrument_code else scale_code end
            as need_scale_code
    from core.need_assessment
),

scored as (
    select
        scale.selected_date,
        scale.client_group_code,
        scale.scale_count,
        scale.need_weight,
        assessed.person_id,
        assessed.score
    from scale
    inner join assessed
        on
            scale.need_scale_code = assessed.need_scale_code
            and scale.selected_date >= assessed.assessed_date
            and scale.selected_date < coalesce(assessed.valid_to_date, date '9999-12-31')
    qualify row_number() over (
        partition by
            scale.selected_date, scale.client_group_code, scale.need_scale_code,
            assessed.person_id
        order by assessed.assessed_date desc, assessed.assessment_id desc
    ) = 1
),

ranked as (
    select
        selected_date,
        client_group_code,
        person_id,
        cast(sum(need_weight * score) as integer) as need_points
    from scored
    group by selected_date, client_group_code, person_id, scale_count
    having count(*) = scale_count
),

-- Who has a budget already is offered none.
client as (
    select distinct
        due.selected_date,
        decision.person_id
    from due
    inner join core.budget_decision as decision
        on
            due.selected_date >= decision.valid_from_date
            and due.selected_date < decision.valid_to_date
    where decision.known_to_seq is null
),

free as (
    select ranked.*
    from ranked
    anti join client
        on
            ranked.selected_date = client.selected_date
            and ranked.person_id = client.person_id
),

candidate as (
    select distinct person_id
    from free
),

used as (
    select
        due.selected_date,
        due.client_group_code,
        cost.person_id,
        cast(sum(cost.cost_eur) as decimal(18, 2)) as prior_use_eur
    from core.cost as cost
    inner join due
        on cost.cost_month >= due.window_from_month and cost.cost_month < due.selected_month
    inner join candidate on cost.person_id = candidate.person_id
    where cost.cost_eur is not null
    group by due.selected_date, due.client_group_code, cost.person_id
),

final as (
    select
        free.selected_date,
        free.client_group_code,
        free.person_id,
        free.need_points,
        coalesce(used.prior_use_eur, cast(0 as decimal(18, 2))) as prior_use_eur,
        person_month.sex_code,
        age_years(person_month.birth_date, free.selected_date) as age_years,
        due.place_count
    from free
    inner join due
        on
            free.selected_date = due.selected_date
            and free.client_group_code = due.client_group_code
    -- Who does not live in the area in the month of choice is no candidate.
    inner join core.person_month as person_month
        on
            free.person_id = person_month.person_id
            and due.selected_month = person_month.exposure_month
    left join used
        on
            free.selected_date = used.selected_date
            and free.client_group_code = used.client_group_code
            and free.person_id = used.person_id
)

select
    selected_date,
    client_group_code,
    person_id,
    need_points,
    prior_use_eur,
    sex_code,
    age_years,
    place_count
from final
