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

    config = place.config()
    click.echo(written(site, config.web.address, integrity), nl=False)
    if not config.web.url:
        told = "set url in [web] to the address under which browsers reach the web server"
        click.echo(f"note: {told}", err=True)
    if site not in {known.name for known in config.sites}:
        told = f"there is no [[site]] named {site} yet; until there is, its hits are refused"
        click.echo(f"note: {told}", err=True)


COMMANDS = (snippet,)
