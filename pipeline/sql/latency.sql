-- How many records took how long? Buckets are equal steps of the logarithm.
with timed as (
    select
        site,
        date,
        page,
        "class",
        floor({buckets_per_octave} * log2(greatest(duration_ms::double, 0.001)))::integer as bucket
    from events
    where isfinite(duration_ms)
)
select site, date, 'site' as scope, null as page, bucket, count(*) as n
from timed
group by all
union all
select site, date, 'page' as scope, page, bucket, count(*) as n
from timed
where "class" = 'page'
group by all
