"""Commands that help to count views in the pages themselves."""

from __future__ import annotations

import click

from commands.base import Place, name, plain


@plain
@click.option("--site", type=name, required=True, help="Name of the site.")
@click.option("--integrity", is_flag=True, help="Let browsers refuse any other script.")
def snippet(place: Place, /, site: str, integrity: bool) -> None:
    """Print what to paste into the pages of a site, so that their views are counted."""
    from webapp.snippet import snippet as written

    click.echo(written(site, place.config().web.address, integrity), nl=False)


COMMANDS = (snippet,)
