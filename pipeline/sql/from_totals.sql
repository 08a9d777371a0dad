-- What do the daily totals say about these days, by at most one dimension beside the date?
with spoken as (
    select *, {named_value}
    from totals
    where scope = '{scope}'
        and dimension = '{dimension}'
)
select
    {keys}
    {sums}
from spoken
where {filters}
group by all
