-- Which rows have the response times, in the order of their file? Texts are numbers, in their order.
select
    sites.rank as site,
    date,
    scope,
    scopes.rank as scope_value,
    bucket,
    sum(n)::bigint as n
from timed
join names as sites on sites.key = timed.site
left join names as scopes on scopes.key = timed.scope_value
group by all
order by scope, date, sites.rank, scopes.rank, bucket
