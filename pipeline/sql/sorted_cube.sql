-- Which rows has a cube, in the order of its file? Texts are numbers.
select {cube}.*
from {cube}
join site_ranks on site_ranks.code = {cube}.site
left join {leading}_ranks as leading_ranks on leading_ranks.code = {cube}.{leading}
order by date, site_ranks.rank, leading_ranks.rank
