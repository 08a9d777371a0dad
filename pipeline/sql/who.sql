-- Whose visits may fit? Those of visitors who have a step like this on that day.
(site, date, visitor) in (
    select
        site,
        date,
        visitor
    from views
    where {condition}
)
