-- What are the totals of each site and day in this scope, by this dimension?
select
    key0 as site,
    key1 as date,
    '{scope}' as scope,
    {scope_value}::varchar as scope_value,
    '{dimension}' as dimension,
    {value}::varchar as value,
    {measures}
from (
    {cut}
)
