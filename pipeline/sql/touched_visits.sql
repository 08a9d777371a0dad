-- Which visits are there, and how many views has each?
select visit, views, content_views, events, signed_in_views
from visits
