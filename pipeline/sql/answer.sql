-- What is the answer, once the days have been added up? Rows of nothing but zeros are left out.
with summed as (
    select
        {keys}
        {sums}
    from partial
    group by all
),
answered as (
    select
        {typed_keys}
        {metrics}
    from summed
)
select *, count(*) over () as total_rows
from answered
where {kept}
{order}
{limit}
