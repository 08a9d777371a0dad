"""`tallylog` with small pieces and many commits, so that what interrupts it falls between them.

Says "begin" once everything is imported. Run as `python -m tests.small_steps` with the arguments of
`tallylog`.
"""

from __future__ import annotations

from functools import partial

import tallylog
from pipeline import backfill
from pipeline.ingest import Ingest

PIECE_BYTES = 80_000
BATCH_ROWS = 1_000


def main() -> None:
    backfill.Ingest = partial(Ingest, batch_rows=BATCH_ROWS)  # type: ignore[misc,assignment]
    backfill.backfill = partial(backfill.backfill, piece_bytes=PIECE_BYTES)  # type: ignore[assignment]
    print("begin", flush=True)
    tallylog.main()


if __name__ == "__main__":
    main()
