-- In how many milliseconds were so many percent of the records served? The middle of the bucket in
-- which the record of that rank is.
select
    {keys}
    compared,
    {percentiles}
from (
    select
        {keys}
        compared,
        (pow(2, bucket / {buckets_per_octave}) + pow(2, (bucket + 1) / {buckets_per_octave})) / 2
            as middle,
        sum(sum(n)) over (partition by {keys} compared order by bucket) as up_to,
        sum(sum(n)) over (partition by {keys} compared) as total
    from {timed}
    group by {keys} compared, bucket
)
group by all
