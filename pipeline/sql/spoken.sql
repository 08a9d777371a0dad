-- Which rows of these files speak for their days? A file may hold days that another speaks for now.
select *
from {files}
where {chosen}
