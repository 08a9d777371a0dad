-- What is the answer, once the days have been added up? Rows of nothing but zeros are left out.
create temp table {answered} as
with summed as (
    select
        {keys}
        {sums}
    from {partial}
    group by all
),
worked_out as (
    select
        {typed_keys}
        {metrics}
    from summed
    {base}
)
select *
from worked_out
where {kept}
