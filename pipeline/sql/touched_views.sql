-- Which visits have these values in one of their views, and how many views are that?
select
    {view_keys}
    visit,
    sum(is_view) as views,
    sum(is_content_view) as content_views,
    sum(is_event) as events,
    sum(is_signed_in_view) as signed_in_views
from steps
where {view_filters}
group by all
