-- Which rows has a cube, in the order of its file? Texts are numbers, each column its own.
select {cube}.*
from {cube}
join names as sites on sites.key = {cube}.site + {site_key}
left join names as texts on texts.key = {cube}.{leading} + {leading_key}
order by date, sites.rank, texts.rank
