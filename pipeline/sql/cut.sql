-- What are all measures by these values? People and records are counted apart and joined here.
select
    {outer_keys}
    {measures}
from (
    {parts}
)
group by all
