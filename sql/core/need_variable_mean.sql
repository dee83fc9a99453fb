-- grain: One row per year, area and variable of the national need model that has a coefficient.
-- key: [model_year, area_name, variable_number]
-- may_be_empty: the published model may not have been delivered
with
-- A year published anew counts in its newest release of which both tables are here.
release as (
    select
        need_model.delivery_sequence // 100 as model_year,
        max(need_model.delivery_sequence) as delivery_sequence
    from effective.need_model as need_model
    inner join effective.need_areas as need_areas
        on need_model.delivery_sequence = need_areas.delivery_sequence
    group by need_model.delivery_sequence // 100
),

-- The published table has a column per area; here each area has a row.
by_area as (
    select
        cast(release.model_year as integer) as model_year,
        cast(release.delivery_sequence % 100 as integer) as model_release,
        need_areas.area_name,
        need_model.variable_number,
        need_model.variable_name,
        need_model.beta_health,
        need_model.beta_social,
        need_model.beta_elderly,
        case need_areas.area_name
            when 'Itä-Uudenmaan hyvinvointialue' then need_model.mean_ita_uusimaa
            when 'Keski-Uudenmaan hyvinvointialue' then need_model.mean_keski_uusimaa
            when 'Länsi-Uudenmaan hyvinvointialue' then need_model.mean_lansi_uusimaa
            when 'Vantaan ja Keravan hyvinvointialue' then need_model.mean_vantaa_kerava
            when 'Varsinais-Suomen hyvinvointialue' then need_model.mean_varsinais_suomi
            when 'Satakunnan hyvinvointialue' then need_model.mean_satakunta
            when 'Kanta-Hämeen hyvinvointialue' then need_model.mean_kanta_hame
            when 'Pirkanmaan hyvinvointialue' then need_model.mean_pirkanmaa
            when 'Päijät-Hämeen hyvinvointialue' then need_model.mean_paijat_hame
            when 'Kymenlaakson hyvinvointialue' then need_model.mean_kymenlaakso
            when 'Etelä-Karjalan hyvinvointialue' then need_model.mean_etela_karjala
            when 'Etelä-Savon hyvinvointialue' then need_model.mean_etela_savo
            when 'Pohjois-Savon hyvinvointialue' then need_model.mean_pohjois_savo
            when 'Pohjois-Karjalan hyvinvointialue' then need_model.mean_pohjois_karjala
            when 'Keski-Suomen hyvinvointialue' then need_model.mean_keski_suomi
            when 'Etelä-Pohjanmaan hyvinvointialue' then need_model.mean_etela_pohjanmaa
            when 'Pohjanmaan hyvinvointialue' then need_model.mean_pohjanmaa
            when 'Keski-Pohjanmaan hyvinvointialue' then need_model.mean_keski_pohjanmaa
            when 'Pohjois-Pohjanmaan hyvinvointialue' then need_model.mean_pohjois_pohjanmaa
            when 'Kainuun hyvinvointialue' then need_model.mean_kainuu
            when 'Lapin hyvinvointialue' then need_model.mean_lappi
            when 'Helsingin kaupunki' then need_model.mean_helsinki
            when 'Koko maa' then need_model.mean_whole_country
        end as variable_mean
    from release
    inner join effective.need_model as need_model
        on release.delivery_sequence = need_model.delivery_sequence
    inner join effective.need_areas as need_areas
        on release.delivery_sequence = need_areas.delivery_sequence
)

select
    model_year,
    model_release,
    area_name,
    variable_number,
    variable_name,
    beta_health,
    beta_social,
    beta_elderly,
    variable_mean
from by_area
