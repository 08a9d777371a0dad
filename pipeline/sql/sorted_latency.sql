-- Which rows have the response times, in the order of their file? Texts are numbers.
select
    timed.site,
    date,
    scope,
    timed.page,
    bucket,
    sum(n)::bigint as n
from timed
join site_ranks on site_ranks.code = timed.site
left join page_ranks on page_ranks.code = timed.page
group by timed.site, date, scope, timed.page, bucket, site_ranks.rank, page_ranks.rank
order by scope, date, site_ranks.rank, page_ranks.rank, bucket
