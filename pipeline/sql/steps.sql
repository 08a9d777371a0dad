-- Which visit and which visitor of the day (numbered) does each view, content view or event belong
-- to, and which step of all is it? A visit goes on while the gaps stay under 30 minutes.
with gaps as (
    select
        rowid as seen_row,
        site,
        date,
        visitor,
        time_ms,
        log_id,
        "offset",
        lag(time_ms) over (
            partition by site, date, visitor order by time_ms, log_id, "offset"
        ) as time_before
    from seen
),
numbered as (
    select
        seen_row,
        row_number() over steps as step,
        sum((time_before is null)::integer) over steps as person,
        sum((time_before is null or time_ms - time_before >= 30 * 60 * 1000)::integer)
            over steps as visit
    from gaps
    window steps as (
        order by site, date, visitor, time_ms, log_id, "offset"
        rows between unbounded preceding and current row
    )
)
select
    seen.* exclude (visitor, log_id, "offset"),
    numbered.step::integer as step,
    numbered.visit::integer as visit,
    numbered.person::integer as person
from seen
join numbered on numbered.seen_row = seen.rowid
