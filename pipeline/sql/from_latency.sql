-- How many records took how long on these days, of the site or by page?
select
    {keys}
    bucket,
    sum(n)::bigint as n
from (
    select *, scope_value as page
    from latency
    where scope = '{scope}'
) as timed
where {filters}
group by all
