-- grain: One row per goal of treatment, provider and period.
-- key: [goal_id, provider_id, period_start_date]
-- partition: period_start_date
-- touched:
--   - select period_start_date from changed.indicator_period
--   - >-
--     select period.period_start_date
--     from core.indicator_period as period cross join changed.site
--   - >-
--     select period.period_start_date
--     from core.indicator_period as period
--     inner join changed.measurement as measurement
--     on measurement.measurement_month <= period.period_end_date
--     and measurement.measurement_month > period.period_end_date - interval 12 month
--   - >-
--     select period.period_start_date
--     from core.indicator_period as period
--     inner join changed.morbidity as morbidity
--     on morbidity.diagnosis_quarter <= period.period_end_date
--     and morbidity.diagnosis_quarter > period.period_end_date - interval 24 month
-- may_be_empty: the source may not have begun to send
with
goal as (
    select
        goal_id,
        morbidity_group_code,
        test_code,
        below_value,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by goal_id, morbidity_group_code, test_code order by valid_from_date
        ) as next_from_date,
        dense_rank() over (partition by goal_id order by test_code) as test_number
    from rulebook.treatment_goal
),

due_test as (
    select
        goal.goal_id,
        period.period_start_date,
        count(distinct goal.test_code) as test_count
    from goal
    inner join core.indicator_period as period
        on
            goal.valid_from_date <= period.period_start_date
            and goal.next_from_date > period.period_start_date
    group by goal.goal_id, period.period_start_date
),

-- A diagnosis counts until the next one of the group.
diagnosed as (
    select
        person_id,
        morbidity_group_code,
        diagnosis_quarter,
        lead(diagnosis_quarter, 1, date '9999-12-31') over (
            partition by person_id, morbidity_group_code order by diagnosis_quarter
        ) as next_quarter
    from core.morbidity
    where morbidity_group_code in (select goal.morbidity_group_code from goal)
),

-- A result counts until the next one of the test; of those of one instant the one of the greatest
-- number.
result as (
    select
        measurement.person_id,
        measurement.test_code,
        measurement.measured_date,
        measurement.measurement_month,
        measurement.value,
        site.provider_id,
        date_diff('second', timestamp '2000-01-01 00:00:00', measurement.measured_at)
            as measured_second,
        lead(measurement.measured_date, 1, date '9999-12-31') over (
            partition by measurement.person_id, measurement.test_code
            order by measurement.measured_at, measurement.measurement_id
        ) as next_date
    from core.measurement as measurement
    left join core.site as site
        on
            measurement.site_id = site.site_id
            and measurement.measured_date >= site.valid_from_date
            and measurement.measured_date < coalesce(site.valid_to_date, date '9999-12-31')
    where
        measurement.test_code in (select goal.test_code from goal)
        and measurement.value_state = 'harmonised'
        and measurement.status_code in ('final', 'corrected')
),

newest as (
    select
        period.period_start_date,
        period.period_end_date,
        result.person_id,
        result.test_code,
        result.provider_id,
        result.measured_second,
        result.value
    from result
    inner join core.indicator_period as period
        on
            result.measured_date <= period.period_end_date
            and result.next_date > period.period_end_date
            and result.measurement_month > period.period_end_date - interval 12 month
),

-- Every test of the goal is below its limit, and below each limit of several diagnoses; of whom one
-- of them is not known, neither is the balance. At the provider of the newest; of those of one
-- second of the one whose test comes last.
client as (
    select
        goal.goal_id,
        newest.period_start_date,
        newest.person_id,
        arg_max_null(
            newest.provider_id, newest.measured_second * 100 + goal.test_number
        ) as provider_id,
        bool_and(newest.value < goal.below_value) as is_in_balance
    from newest
    inner join goal
        on
            newest.test_code = goal.test_code
            and newest.period_start_date >= goal.valid_from_date
            and newest.period_start_date < goal.next_from_date
    inner join diagnosed
        on
            newest.person_id = diagnosed.person_id
            and goal.morbidity_group_code = diagnosed.morbidity_group_code
            and newest.period_end_date >= diagnosed.diagnosis_quarter
            and newest.period_end_date < diagnosed.next_quarter
            and diagnosed.diagnosis_quarter > newest.period_end_date - interval 24 month
    inner join due_test
        on
            goal.goal_id = due_test.goal_id
            and newest.period_start_date = due_test.period_start_date
    group by goal.goal_id, newest.period_start_date, newest.person_id, due_test.test_count
    having count(distinct newest.test_code) = due_test.test_count
),

final as (
    select
        goal_id,
        provider_id,
        period_start_date,
        count(case when is_in_balance then 1 end) as in_balance_count,
        count(*) as client_count
    from client
    -- A protected person's site is not known: they belong to no provider's figures.
    where provider_id is not null
    group by goal_id, provider_id, period_start_date
)

select
    goal_id,
    provider_id,
    period_start_date,
    in_balance_count,
    client_count
from final
