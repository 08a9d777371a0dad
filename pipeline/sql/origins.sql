-- Does anything but logs tell of these records?
select distinct origin
from stored
where origin in ('pixel', 'script', 'api')
