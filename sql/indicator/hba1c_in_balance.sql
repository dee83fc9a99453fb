-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
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
        morbidity_group_code,
        test_code,
        below_value,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by morbidity_group_code, test_code order by valid_from_date
        ) as next_from_date
    from rulebook.treatment_goal
    where indicator_id = 'hba1c_in_balance'
),

-- Of several diagnoses with goals of their own the strictest holds.
diagnosed as (
    select
        period.period_start_date,
        morbidity.person_id,
        goal.test_code,
        min(goal.below_value) as below_value
    from core.indicator_period as period
    inner join goal
        on
            period.period_start_date >= goal.valid_from_date
            and period.period_start_date < goal.next_from_date
    inner join core.morbidity as morbidity
        on
            goal.morbidity_group_code = morbidity.morbidity_group_code
            and period.period_end_date >= morbidity.diagnosis_quarter
            and morbidity.diagnosis_quarter > period.period_end_date - interval 24 month
    group by period.period_start_date, morbidity.person_id, goal.test_code
),

placed as (
    select
        measurement.measurement_id,
        measurement.person_id,
        measurement.test_code,
        measurement.measured_at,
        measurement.measured_date,
        measurement.measurement_month,
        measurement.value,
        site.provider_id
    from core.measurement as measurement
    left join core.site as site
        on
            measurement.site_id = site.site_id
            and measurement.measured_date >= site.valid_from_date
            and (site.valid_to_date is null or measurement.measured_date < site.valid_to_date)
    where
        measurement.test_code in (select goal.test_code from goal)
        and measurement.value_state = 'harmonised'
        and measurement.status_code in ('final', 'corrected')
),

-- Of results of one instant the one of the greatest number.
newest as (
    select
        diagnosed.period_start_date,
        placed.person_id,
        placed.provider_id,
        placed.measured_at,
        placed.measurement_id,
        placed.value < diagnosed.below_value as is_in_balance
    from diagnosed
    inner join core.indicator_period as period
        on diagnosed.period_start_date = period.period_start_date
    inner join placed
        on
            diagnosed.person_id = placed.person_id
            and diagnosed.test_code = placed.test_code
            and period.period_end_date >= placed.measurement_month
            and placed.measurement_month > period.period_end_date - interval 12 month
    qualify row_number() over (
        partition by diagnosed.period_start_date, placed.person_id, placed.test_code
        order by placed.measured_at desc, placed.measurement_id desc
    ) = 1
),

client as (
    select
        period_start_date,
        person_id,
        arg_max_null(provider_id, (measured_at, measurement_id)) as provider_id,
        bool_and(is_in_balance) as is_in_balance
    from newest
    group by period_start_date, person_id
),

final as (
    select
        provider_id,
        period_start_date,
        count(case when is_in_balance then 1 end) as numerator,
        count(*) as denominator
    from client
    -- A protected person's site is not known: they belong to no provider's figures.
    where provider_id is not null
    group by provider_id, period_start_date
)

select
    provider_id,
    period_start_date,
    numerator,
    denominator
from final
