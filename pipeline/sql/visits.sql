-- What is there to say about each visit: how it began and ended, how long it was, did it bounce?
-- How the visitor came is taken from its first view; a visit without a view has its first step's.
with runs as (
    select
        visit,
        min(step) filter (is_view = 1) as first_view,
        max(step) filter (is_view = 1) as last_view,
        min(step) as first_step,
        sum(is_view)::integer as views,
        sum(is_content_view)::integer as content_views,
        sum(is_event)::integer as events,
        sum(is_signed_in_view)::integer as signed_in_views,
        (max(time_ms) // 1000 - min(time_ms) // 1000)::integer as duration_s
    from steps
    group by visit
)
select
    runs.*,
    (views + content_views = 1 and events = 0)::integer as bounce,
    opening.site,
    opening.date,
    opening.person,
    opening.hour,
    case when first_view is not null then opening.page end as entry,
    closing.page as exit,
    opening.referrer,
    opening.source,
    opening.channel,
    opening.utm_source,
    opening.utm_medium,
    opening.utm_campaign,
    opening.country,
    opening.device,
    opening.browser,
    opening.os{more}
from runs
join steps as opening on opening.step = coalesce(first_view, first_step)
left join steps as closing on closing.step = last_view
