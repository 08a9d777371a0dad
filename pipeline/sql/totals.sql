-- What do the people on each site and day say in this total, of this value?
select
    {total}::utinyint as total,
    {site} as site,
    key1 as date,
    {scope_value} as scope_value,
    {value} as value,
    * exclude (key0, key1{others})
from (
    {people}
)
