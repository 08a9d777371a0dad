-- Which rows have the chosen days in these files, in an order in which those of a site lie together?
select {columns}
from files
where (filename, site, date) in (from days)
order by {order}
