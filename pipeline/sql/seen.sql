-- What is needed of the views, content views and events, to make visits of them?
select
    site,
    date,
    visitor,
    epoch_ms("time") as time_ms,
    log_id,
    "offset",
    is_view,
    is_content_view,
    is_event,
    evidence,
    coalesce(signed_in and is_view = 1, false)::integer as is_signed_in_view,
    {columns}
from views
