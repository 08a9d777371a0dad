-- Is the visitor one of those who have, on the same day, a view, content view or event like this?
coalesce({person} in (
    select {people}
    from steps
    join visits using (visit)
    where {condition}
), false)
