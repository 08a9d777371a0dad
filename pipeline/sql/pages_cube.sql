-- How many views had this page and content, from whom, and how many visits and visitors were that?
-- A visit and a visitor count in the row of their first step on the page.
with first_of_visit as (
    select min(step) as step
    from steps
    group by visit, page
),
first_of_person as (
    select min(step) as step
    from steps
    where is_view + is_content_view > 0
    group by person, page
)
select
    steps.site,
    steps.date,
    steps.page,
    steps.content_type,
    steps.content_id,
    steps.view_type,
    steps.view_source,
    steps.origin,
    steps.event,
    visits.source,
    visits.channel,
    steps.country,
    steps.device,
    steps.browser,
    steps.os,
    steps.signed_in,
    sum(steps.is_view) as views,
    sum(steps.is_content_view) as content_views,
    sum(steps.is_event) as events,
    count(first_of_visit.step) as visits,
    count(first_of_person.step) as visitors_first,
    count(first_of_visit.step) filter (visits.bounce = 1) as bounces,
    coalesce(sum(visits.duration_s) filter (first_of_visit.step is not null), 0) as duration_s,
    count(*) filter (steps.step = visits.first_view) as starts,
    count(*) filter (steps.step = visits.last_view) as ends
from steps
join visits using (visit)
left join first_of_visit on first_of_visit.step = steps.step
left join first_of_person on first_of_person.step = steps.step
group by all
