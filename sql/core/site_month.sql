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

final as (
    select *
    from listed
    qualify row_number() over (
        partition by site_id, calendar_month order by valid_from_date desc
    ) = 1
)

select
    site_id,
    calendar_month,
    provider_id,
    service_code,
    municipality_code
from final
