-- What does a cube of these days say, where its rows can be added up to an exact answer?
select
    {keys}
    {sums}
from {cube}
where (filename, site, date) in (from chosen_{cube})
    and {filters}
group by all
