-- Where does each indicator of a provider stand between its floor and its target?
select
    contribution.provider_id,
    contribution.service_code,
    contribution.period_start_date,
    contribution.indicator_id,
    contribution.state_code,
    contribution.floor_value,
    indicator.value,
    indicator.lower_value,
    indicator.upper_value,
    contribution.target_value,
    contribution.counted_part
from mart.incentive_contribution as contribution
left join mart.indicator_value as indicator
    on
        contribution.provider_id = indicator.provider_id
        and contribution.service_code = indicator.service_code
        and contribution.indicator_id = indicator.indicator_id
        and contribution.period_start_date = indicator.period_start_date
