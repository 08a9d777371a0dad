-- How many views, visitors and visits have these values? First what each visit adds to a value
-- ({counted}), then each visitor, then the value itself: so nothing is counted as distinct.
with people as (
    select
        {keys}
        visits.person,
        sum({counted}.views)::bigint as views,
        sum({counted}.content_views)::bigint as content_views,
        sum({counted}.events)::bigint as events,
        sum({counted}.signed_in_views)::bigint as signed_in_views,
        count(*) as visits,
        sum(visits.bounce)::bigint as bounces,
        sum(visits.duration_s)::bigint as duration_s,
        count(*) filter ({counted}.events > 0) as conversions
    from {source}
    where {visit_filters}
    group by all
)
select
    {outer_keys}
    sum(views) as views,
    sum(content_views) as content_views,
    count(*) filter (views + content_views > 0) as visitors,
    sum(visits) as visits,
    sum(bounces) as bounces,
    sum(duration_s) as duration_s,
    sum(events) as events,
    sum(conversions) as conversions,
    sum(signed_in_views) as signed_in_views,
    count(*) filter (signed_in_views > 0) as signed_in_visitors
from people
group by all
