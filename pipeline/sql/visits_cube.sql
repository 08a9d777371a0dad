-- How many visits began in this hour, came and went like this, and by whose kind of browser?
with numbered as (
    select
        *,
        min(case when views + content_views > 0 then visit end) over (
            partition by person
        ) as first_visit,
        min(case when views + content_views > 0 then visit end) over (
            partition by person, source
        ) as first_visit_by_source
    from visits
)
select
    site,
    date,
    hour,
    entry,
    exit,
    source,
    channel,
    referrer,
    utm_source,
    utm_medium,
    utm_campaign,
    country,
    device,
    browser,
    os,
    signed_in_views > 0 as signed_in,
    count(*) as visits,
    count(*) filter (visit = first_visit) as visitors_first,
    count(*) filter (visit = first_visit_by_source) as visitors_first_by_source,
    sum(views) as views,
    sum(content_views) as content_views,
    sum(events) as events,
    sum(bounce) as bounces,
    sum(duration_s) as duration_s
from numbered
group by all
