-- How many views and visitors have these values, where no visit need be known?
with people as (
    select
        {keys}
        site,
        date,
        visitor,
        sum(is_view)::bigint as views,
        sum(is_content_view)::bigint as content_views,
        sum(is_event)::bigint as events,
        count(*) filter (signed_in and is_view = 1) as signed_in_views
    from views
    where {filters}
    group by all
)
select
    {outer_keys}
    sum(views) as views,
    sum(content_views) as content_views,
    count(*) filter (views + content_views > 0) as visitors,
    sum(events) as events,
    sum(signed_in_views) as signed_in_views,
    count(*) filter (signed_in_views > 0) as signed_in_visitors
from people
group by all
