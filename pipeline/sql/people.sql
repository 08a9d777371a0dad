-- How many views, visitors and visits have these values? First what each visit adds to a value,
-- then each visitor, then the value itself: so nothing needs to be counted as distinct.
with touched as (
    {touched}
),
people as (
    select
        {keys}
        visits.person,
        sum(touched.views) as views,
        sum(touched.content_views) as content_views,
        sum(touched.events) as events,
        sum(touched.signed_in_views) as signed_in_views,
        count(*) as visits,
        sum(visits.bounce) as bounces,
        sum(visits.duration_s) as duration_s
    from touched
    join visits using (visit)
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
    sum(signed_in_views) as signed_in_views,
    count(*) filter (signed_in_views > 0) as signed_in_visitors
from people
group by all
