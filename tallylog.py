"""The command line: the global options, and the commands of `commands/`."""

from __future__ import annotations

import atexit
import gc
import os
from pathlib import Path

import click

from commands import access, asking, export, formats, reading, tracking, upkeep
from commands.base import Commands, Place

# Imports make many objects and leave no garbage: looking for it less often starts a command a
# tenth sooner, and not looking at its end, when all of them go anyway, saves 0.2 s. No linear
# algebra is done here that would need threads of its own. Of Arrow's allocators, jemalloc holds on
# to least: a sixth of all memory in a long backfill.
gc.set_threshold(100_000)
atexit.register(gc.freeze)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")


@click.group(cls=Commands, context_settings={"max_content_width": 80})
@click.option("--config", type=Path, help="Configuration.  [default: config.toml, if it is here]")
@click.option("--data", type=Path, help="Store.  [default: data, beside the configuration]")
@click.option("--debug", is_flag=True, help="Show a stack trace when something goes wrong.")
@click.version_option(package_name="tallylog")
@click.pass_context
def main(ctx: click.Context, config: Path | None, data: Path | None, debug: bool) -> None:
    """Counts what visitors read on web sites, from access logs, without keeping an address."""
    ctx.obj = Place(config, data)


for group in (access, reading, asking, export, formats, tracking, upkeep):
    for command in group.COMMANDS:
        main.add_command(command)

if __name__ == "__main__":
    main()
