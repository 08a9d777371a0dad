-- Which records are views, content views and custom events of people, and what tells of a view: a
-- log (0), a pixel (1), or a script or server that sent it (2)? This rule stands only here.
with people as (
    select *, content_type is not null and content_id is not null as has_content
    from events
    where bot_category is null
)
select
    * exclude (has_content),
    ("class" = 'page' and not has_content)::integer as is_view,
    ("class" <> 'event' and has_content)::integer as is_content_view,
    ("class" = 'event')::integer as is_event,
    case
        when "class" <> 'page' or has_content then 0
        when origin in ('script', 'api') then 2
        when origin = 'pixel' then 1
        else 0
    end::tinyint as evidence
from people
where "class" in ('page', 'event') or has_content
