"""Commands about who may see and do what."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from dataclasses import asdict

import click

from commands.base import Place, command, name
from pipeline import terminal

_every_site = click.option(
    "--site", default="*", show_default=True, help="Name of a site, or * for all."
)
_password = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@click.group()
def user() -> None:
    """Users, and the sites they may see or manage."""


@user.command("add")
@click.argument("name")
@_every_site
@click.option("--role", default="viewer", show_default=True, help="admin or viewer.")
@_password
@click.option("--link", is_flag=True, help="Print a link by which the user sets a password.")
@click.pass_obj
def add_user(
    place: Place, /, name: str, site: str, role: str, password_stdin: bool, link: bool
) -> None:
    """Add a user. An admin of * changes everything, an admin of a site what is set for it."""
    from pipeline.access import users

    password = None if link else _ask(password_stdin)
    users.add(place.catalog(), name, password, site, role)
    if link:
        _print_link(place, name)


def list_users(place: Place, /, as_json: bool) -> None:
    """List users and their roles."""
    from pipeline.access import users

    rows = [
        {
            "name": one.name,
            "created": one.created,
            "password": one.has_password,
            "roles": dict(one.grants) if as_json else _roles(one.grants),
        }
        for one in users.listed(place.catalog())
    ]
    terminal.show_rows(rows, "users", as_json)


@user.command("passwd")
@click.argument("name")
@_password
@click.pass_obj
def change_password(place: Place, /, name: str, password_stdin: bool) -> None:
    """Set a user's password, which ends the user's sessions."""
    from pipeline.access import users

    users.set_password(place.catalog(), name, _ask(password_stdin))


@user.command("link")
@click.argument("name")
@click.pass_obj
def link_user(place: Place, /, name: str) -> None:
    """Print a link that works once, for a day: by it a user sets a password."""
    _print_link(place, name)


@user.command("remove")
@click.argument("name")
@click.pass_obj
def remove_user(place: Place, /, name: str) -> None:
    """Remove a user, which ends the user's sessions."""
    from pipeline.access import users

    users.remove(place.catalog(), name)


@user.command("grant")
@click.argument("name")
@_every_site
@click.option("--role", required=True, help="admin, viewer, or none to take it away.")
@click.pass_obj
def grant(place: Place, /, name: str, site: str, role: str) -> None:
    """Give a user a role at a site."""
    from pipeline.access import users

    users.grant(place.catalog(), name, site, role)


@click.group()
def key() -> None:
    """Keys of programs, and tokens for the owner of one item."""


@key.command("add")
@click.argument("name")
@click.option("--site", "sites", multiple=True, required=True, help="A site, or *; repeatable.")
@click.option("--write", is_flag=True, help="For sending events; without it: for asking.")
@click.pass_obj
def add_key(place: Place, /, name: str, sites: tuple[str, ...], write: bool) -> None:
    """Make a key and print it, this once."""
    from pipeline.access import keys

    click.echo(keys.add(place.catalog(), name, "write" if write else "read", sites))


def list_keys(place: Place, /, as_json: bool) -> None:
    """List keys and when they were last used."""
    from pipeline.access import keys

    found = [asdict(one) for one in keys.listed(place.catalog())]
    rows = [row | {"sites": row["sites"] if as_json else " ".join(row["sites"])} for row in found]
    terminal.show_rows(rows, "keys", as_json)


@key.command("revoke")
@click.argument("name")
@click.pass_obj
def revoke_key(place: Place, /, name: str) -> None:
    """Make a key open nothing any more."""
    from pipeline.access import keys

    keys.revoke(place.catalog(), name)


@key.command("owner")
@click.option("--site", type=name, required=True, help="Name of the site.")
@click.option("--type", "kind", required=True, help="Type of the content item.")
@click.option("--id", "number", required=True, help="Id of the content item.")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Life.")
@click.pass_obj
def owner_token(place: Place, /, site: str, kind: str, number: str, days: int) -> None:
    """Print a token that reads the statistics of one content item."""
    from pipeline.access import owners

    item, life = owners.Item(site, kind, number), dt.timedelta(days=days)
    click.echo(owners.token(place.config().store.data, item, life))


@click.group()
def share() -> None:
    """Links that let others read one site."""


@share.command("add")
@click.option("--site", type=name, required=True, help="Name of the site.")
@click.option("--days", type=click.IntRange(1, 36_500), metavar="N", help="Days that it holds.")
@click.option("--filter", "filters", multiple=True, help="Show only this, as in a query.")
@click.option("--password", is_flag=True, help="Ask for a password that the link shall have.")
@_password
@click.pass_obj
def add_share(
    place: Place,
    /,
    site: str,
    days: int | None,
    filters: tuple[str, ...],
    password: bool,
    password_stdin: bool,
) -> None:
    """Make a link and print it, this once."""
    from pipeline.access import links
    from pipeline.access.narrow import as_filter
    from pipeline.errors import AccessError
    from pipeline.fields import near

    known = place.catalog().site_names(one.name for one in place.config().sites)
    if site not in known:
        raise AccessError(f"There is no site {site!r}.", near(site, known))
    word = _ask(password_stdin) if password or password_stdin else None
    life = None if days is None else dt.timedelta(days=days)
    secret = links.share(place.catalog(), site, word, life, as_filter(filters))
    click.echo(f"{place.config().web.address}share/{secret}")


def list_shares(place: Place, /, as_json: bool) -> None:
    """List links and what they show."""
    from pipeline.access import links

    terminal.show_rows(map(asdict, links.shares(place.catalog())), "links", as_json)


@share.command("revoke")
@click.argument("number", type=int)
@click.pass_obj
def revoke_share(place: Place, /, number: int) -> None:
    """Make a link open nothing any more. NUMBER is its id in the list."""
    from pipeline.access import links

    links.unshare(place.catalog(), number)


def _ask(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    word: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return word


def _print_link(place: Place, name: str) -> None:
    from pipeline.access import links

    secret = links.invite(place.catalog(), name)
    click.echo(f"{place.config().web.address}setup/{secret}")


def _roles(grants: Mapping[str, str]) -> str:
    return ", ".join(f"{role} of {site}" for site, role in grants.items())


for group, listing in ((user, list_users), (key, list_keys), (share, list_shares)):
    group.add_command(command(listing), "list")

COMMANDS = (user, key, share)
