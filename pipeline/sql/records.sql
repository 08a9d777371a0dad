-- How many records have these values, bots included, and how many bytes did they get?
select
    {record_keys}
    count(*) as hits,
    count(bot_category) as bot_hits,
    sum(bytes) as bytes,
    count(*) filter (status >= 400 or status = 0) as errors,
    count(*) filter (status = 404) as not_found,
    count(*) filter ({cache_hit}) as cache_hits,
    count(cache) as cache_known
from events
where {record_filters}
group by all
