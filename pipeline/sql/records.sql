-- How many records have these values, bots included, and how many bytes did they get?
select
    {record_keys}
    count(*) as hits,
    count(bot_category) as bot_hits,
    sum(bytes) as bytes
from events
where {record_filters}
group by all
