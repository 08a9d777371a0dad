-- How many records that fit took how long? Buckets are equal steps of the logarithm.
select
    {keys}
    floor({buckets_per_octave} * log2(greatest(duration_ms::double, 0.001)))::integer as bucket,
    count(*) as n
from events
where isfinite(duration_ms) and {filters}
group by all
