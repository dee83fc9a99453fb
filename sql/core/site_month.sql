-- grain: One row per site and month in which it was open, as it stood on the last such day of it.
-- key: [site_id, calendar_month]
with
reached as (
    select max(covers_to_date) as reached_date
    from effective.delivery
),

listed as (
    select
        site.site_id,
        site.provider_id,
        site.service_code,
        site.municipality_code,
        site.valid_from_date,
        cast(
            unnest(
                generate_series(
                    cast(date_trunc('month', site.valid_from_date) as date),
                    least(
                        coalesce(site.valid_to_date - 1, date '9999-12-31'), reached.reached_date
                    ),
                    interval 1 month
                )
            ) as date
        ) as calendar_month
    from core.site as site
    cross join reached
),

as_last as (
    select *
    from listed
    qualify row_number() over (
        partition by site_id, calendar_month order by valid_from_date desc
    ) = 1
),

-- Providers whose waiting times the organiser has found unfit, by month that it touches.
unfit as (
    select distinct
        as_last.provider_id,
        as_last.calendar_month
    from rulebook.unfit_figure as figure
    inner join as_last
        on
            figure.provider_id = as_last.provider_id
            and figure.from_date <= last_day(as_last.calendar_month)
            and figure.to_date >= as_last.calendar_month
    where figure.indicator_id = 'access_7_days'
),

final as (
    select
        as_last.site_id,
        as_last.calendar_month,
        as_last.provider_id,
        as_last.service_code,
        as_last.municipality_code,
        unfit.provider_id is not null as is_unfit
    from as_last
    left join unfit
        on
            as_last.provider_id = unfit.provider_id
            and as_last.calendar_month = unfit.calendar_month
)

select
    site_id,
    calendar_month,
    provider_id,
    service_code,
    municipality_code,
    is_unfit
from final
