-- What do the daily totals say about these days, by at most one dimension beside the date?
select
    {keys}
    {sums}
from totals
where (filename, site) in (from chosen_totals)
    and scope = '{scope}'
    and dimension = '{dimension}'
    and {filters}
group by all
