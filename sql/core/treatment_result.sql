-- grain: One row per indicator of the workbook, provider and period with results of its test.
-- key: [indicator_id, provider_id, period_start_date]
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
--     and measurement.measurement_month >= period.period_start_date
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        counted_as.indicator_id,
        site.provider_id,
        period.period_start_date,
        count(case when measurement.value < counted_as.below_value then 1 end) as below_count,
        count(*) as result_count
    from core.measurement as measurement
    inner join rulebook.scorecard_result as counted_as
        on measurement.test_code = counted_as.test_code
    inner join core.indicator_period as period
        on
            measurement.measured_date >= period.period_start_date
            and measurement.measured_date <= period.period_end_date
    -- A protected person's site is not known: they belong to no provider's figures.
    inner join core.site as site
        on
            measurement.site_id = site.site_id
            and measurement.measured_date >= site.valid_from_date
            and (site.valid_to_date is null or measurement.measured_date < site.valid_to_date)
    where
        measurement.value_state = 'harmonised'
        and measurement.status_code in ('final', 'corrected')
    group by counted_as.indicator_id, site.provider_id, period.period_start_date
)

select
    indicator_id,
    provider_id,
    period_start_date,
    below_count,
    result_count
from final
