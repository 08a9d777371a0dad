-- Which rows of the answer were asked for, in which order?
select *
from {answered}
{order}
{limit}
{offset}
