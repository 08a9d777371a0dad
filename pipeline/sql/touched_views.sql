-- Which visits have these values in one of their views, and how many views are that?
select
    {view_keys}
    visit,
    sum(is_view)::bigint as views,
    sum(is_content_view)::bigint as content_views,
    sum(is_event)::bigint as events,
    sum(is_signed_in_view)::bigint as signed_in_views
from {source}
where {view_filters}
group by all
