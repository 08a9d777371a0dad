-- How many views, visitors and visits has each site and day, by this dimension?
select
    {keys}
    {measures}
from (
    {people}
)
