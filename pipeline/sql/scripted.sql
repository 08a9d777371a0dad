-- How many visitors with these values were there on days on which a script or server told of views,
-- and of how many of them did it tell of none?
select
    {outer_keys}
    count(*) as checked_visitors,
    count(*) filter (evidence < 2) as unscripted_visitors
from (
    select
        {keys}
        person,
        max(evidence) as evidence
    from steps
    join visits using (visit, person)
    where
        is_view + is_content_view > 0
        and (steps.site, steps.date) in (select (site, date) from views where evidence = 2)
        and {filters}
    group by all
)
group by all
