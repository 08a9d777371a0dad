-- Which rows have the totals, in the order of their file? Texts are still numbers, in their order.
with summed as (
    select
        total,
        site,
        date,
        scope_value,
        value,
        {sums}
    from counted
    group by all
)
select
    total,
    sites.rank as site,
    date,
    scopes.rank as scope_value,
    texts.rank as value,
    {measures}
from summed
join names as sites on sites.key = summed.site
left join names as scopes on scopes.key = summed.scope_value
left join names as texts on texts.key = summed.value
order by total, date, sites.rank, scopes.rank, texts.rank
