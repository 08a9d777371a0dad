-- How many visits were there, of which these are a share?
left join (
    select
        {keys}
        {sums}
    from {partial}
    group by all
) as base on {same}
