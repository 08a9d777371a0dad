-- Which records are views, content views and custom events of people, and what tells of a view: a
-- log (0), a pixel (1), or a script or server that sent it (2)? This rule stands only here. Of sites
-- in the variable only_script, logs tell of no views; of those in only_log, nothing else does.
with people as (
    select
        *,
        content_type is not null and content_id is not null as has_content,
        "class" = 'page' and not has_content and case
            when coalesce(origin, 'log') = 'log'
                then not coalesce(list_contains(getvariable('only_script'), site), false)
            else not coalesce(list_contains(getvariable('only_log'), site), false)
        end as has_view
    from events
    where bot_category is null
)
select
    * exclude (has_content, has_view),
    has_view::integer as is_view,
    ("class" <> 'event' and has_content)::integer as is_content_view,
    ("class" = 'event')::integer as is_event,
    case
        when not has_view then 0
        when origin in ('script', 'api') then 2
        when origin = 'pixel' then 1
        else 0
    end::tinyint as evidence
from people
where has_view or has_content or "class" = 'event'
