-- Which values of a column do the raw events have that still live, and how many records each?
select "{column}"::varchar as value, count(*) as records
from events
group by all
