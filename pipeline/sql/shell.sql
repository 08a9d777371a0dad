-- What may be asked of a table? Its columns, in the rows that count, and not where they are kept.
create {kind} view {view} as
select {columns}
from {files}
where {chosen}
