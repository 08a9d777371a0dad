-- What does a cube of these days say, where its rows can be added up to an exact answer?
select
    {keys}
    {sums}
from {cube}
where {filters}
group by all
