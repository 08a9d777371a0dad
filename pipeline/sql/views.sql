-- Which records are views, content views and custom events of people? This rule stands only here.
with people as (
    select *, content_type is not null and content_id is not null as has_content
    from events
    where bot_category is null
)
select
    * exclude (has_content),
    ("class" = 'page' and not has_content)::integer as is_view,
    ("class" <> 'event' and has_content)::integer as is_content_view,
    ("class" = 'event')::integer as is_event
from people
where "class" in ('page', 'event') or has_content
