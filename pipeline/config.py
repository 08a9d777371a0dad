"""The configuration: what `config.toml` may say, as frozen models.

The models below are the only list of settings; the reference in docs/ is made from them and a
test holds the shipped config.toml against them. Reading the file and explaining what is wrong
with it is in config_file.py. Nothing here reads the environment.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo


def _beside_config(path: Path, info: ValidationInfo) -> Path:
    """A relative path counts from the folder of config.toml."""
    return Path((info.context or {}).get("base", "."), path.expanduser())


def _pattern_beside_config(pattern: str, info: ValidationInfo) -> str:
    return pattern if pattern == "-" else str(_beside_config(Path(pattern), info))


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is named {name!r}") from error
    return name


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text, strict=False))


#: Words for networks: private use (RFC 1918, RFC 4193) and that of carriers (RFC 6598), loopback
#: (RFC 1122, RFC 4291) and link-local (RFC 3927, RFC 4291).
NETWORKS = {
    "private": (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "100.64.0.0/10"),
        *("127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10"),
    )
}


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Networks as they are, words as the networks that they stand for."""
    return tuple(n for text in texts for n in NETWORKS.get(text) or (_network(text),))


def _host(name: str) -> str:
    if not re.fullmatch(r"[^\s/:]+", name):
        raise ValueError(f"{name!r} is not a host name without scheme and port")
    return name.lower()


def _url(text: str) -> str:
    if not re.fullmatch(r"(https?://[^\s/?#]+(/[^\s?#]*)?)?", text):
        raise ValueError(f"{text!r} is not a web address such as https://stats.example.org/")
    return text and text.removesuffix("/") + "/"


def site_name(name: str) -> str:
    """A name is used in folder names, URLs and on the command line, so it is kept plain."""
    if not re.fullmatch(r"\w[\w.:-]{0,99}", name):
        raise ValueError(f"{name!r} is not a site name: use letters, digits and . : - _")
    return name


NEVER = "never"


def _when(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,3}[mh]|([01]\d|2[0-3]):[0-5]\d|never", text):
        raise ValueError(f"{text!r} is not a time: write 5m, 2h, 03:30 or never")
    return text


FilePath = Annotated[Path, AfterValidator(_beside_config)]
FilePattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern_beside_config)]
Zone = Annotated[str, AfterValidator(_zone)]
Network = Annotated[str, AfterValidator(_network)]
Url = Annotated[str, AfterValidator(_url)]
Networks = Annotated[tuple[str, ...], AfterValidator(_networks)]
UrlPath = Annotated[str, Field(pattern=r"^/[^?#\s]*$")]
Host = Annotated[str, AfterValidator(_host)]
SiteName = Annotated[str, AfterValidator(site_name)]
When = Annotated[str, AfterValidator(_when)]
ContentType = Annotated[str, Field(pattern=r"^\w[\w.-]{0,63}$")]


def _table(description: str) -> Any:
    """A table that may be left out. Its default is validated as if it stood in the file, so that
    relative paths among its defaults find their folder."""
    return Field(default={}, description=description)


class Section(BaseModel):
    """A table of config.toml: fixed after reading, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Site(Section):
    name: SiteName = Field(description="The key used everywhere: in commands, URLs and answers.")
    hosts: tuple[Host, ...] = Field(
        default=(), description="Host names of the site; referrers from them are its own."
    )
    timezone: Zone = Field(
        default="UTC", description="IANA name of the zone in which the site's days begin and end."
    )
    public: bool = Field(default=False, description="Whether everybody may read its statistics.")
    views_from: Literal["auto", "script", "log"] = Field(
        default="auto",
        description="What tells of views where a site has a log and a script: `auto` counts a view"
        " once, by the rule in docs/definitions.md; or only the `log`; or only the `script`, with"
        " pixels and what servers send.",
    )
    origins: tuple[Host, ...] = Field(
        default=(),
        description="Hosts beside `hosts` whose pages may send hits to the collector; *.example.org"
        " for all below one, * for any.",
    )
    content_types: tuple[ContentType, ...] = Field(
        default=("video", "audio", "pdf", "static", "post", "blog_post"),
        description="Types of content items that the collector takes.",
    )


class Exclude(Section):
    paths: tuple[str, ...] = Field(
        default=(), description="Paths not to count; * stands for any characters."
    )
    agents: tuple[str, ...] = Field(
        default=(), description="User agents not to count; * stands for any characters."
    )
    referrers: tuple[str, ...] = Field(
        default=(), description="Hosts of referrers not to count; * stands for any characters."
    )
    addresses: tuple[Network, ...] = Field(
        default=(), description="Addresses and networks not to count, such as 192.0.2.0/24."
    )


class Source(Section):
    site: SiteName | None = Field(default=None, description="Name of the site the log is about.")
    by_host: bool = Field(
        default=False, description="Instead of `site`: the log's own host column chooses the site."
    )
    paths: tuple[FilePattern, ...] = Field(
        min_length=1, description="Files, folders or patterns with *; relative to this file."
    )
    format: str | dict[str, Any] = Field(
        default="auto",
        description="A format's name, `auto`, or a table as docs/formats-custom.md shows.",
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="Addresses and networks of proxies in front of the server, or `private`: past"
        " them the client is looked for in X-Forwarded-For.",
    )
    pixels: tuple[UrlPath, ...] = Field(
        default=("/pixel.gif", "/p.gif"),
        description="Paths that are no image but a pixel: what its query describes is counted.",
    )
    polling: bool = Field(
        default=False,
        description="Look for new lines at every commit, where the system tells of no changes.",
    )
    exclude: Exclude = _table("Rules for this source, added to those of [exclude].")


class Retention(Section):
    raw: int = Field(default=7, ge=0, description="Days to keep single events; 0 is for ever.")
    cubes: int = Field(
        default=30, ge=1, description="Days to keep statistics that any filter fits; not for ever."
    )
    totals: int = Field(default=0, ge=0, description="Days to keep daily totals; 0 is for ever.")


class Store(Section):
    data: FilePath = Field(
        default=Path("data"), description="Folder of the store; relative to this file."
    )
    retention: Retention = _table("How long things are kept, in days.")
    keep_agent: Literal["string", "hash"] = Field(
        default="string", description="What events keep of a user agent: `string` or its `hash`."
    )
    country_mmdb: FilePath | None = Field(
        default=None, description="Country database in MMDB form, used instead of the bundled one."
    )


class Ingest(Section):
    commit_seconds: float = Field(
        default=1.0, gt=0, le=60, description="Seconds between two commits of new lines."
    )
    commit_lines: int = Field(
        default=50_000, ge=1, description="So many lines are committed without waiting."
    )
    rescan_seconds: float = Field(
        default=10.0,
        gt=0,
        description="Seconds between two looks at all files; in between the system tells of"
        " changes.",
    )
    finish_seconds: float = Field(
        default=300.0,
        gt=0,
        description="A file that has been quiet for so many seconds is finished: a last line"
        " without its end is read, and a file without a name is closed.",
    )


class Jobs(Section):
    """The names are those of `jobs.JOBS`."""

    salts: When = Field(default="1h", description="Destroy salts whose time is over.")
    rollup: When = Field(
        default="5m",
        description="Build the statistics of days that changed; also after midnight of each site.",
    )
    retention: When = Field(default="03:30", description="Drop what is past its time.")
    compact: When = Field(default="10m", description="Merge small files of events.")
    vacuum: When = Field(default="1h", description="Delete files that are not needed any more.")


class Log(Section):
    format: Literal["text", "json"] = Field(
        default="text", description="How services log to stderr: `text`, or `json` a line."
    )


class Web(Section):
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(default=8710, ge=1, le=65535, description="Port the web server listens on.")
    url: Url = Field(
        default="",
        description="Address under which browsers reach the web server, such as"
        " https://stats.example.org/; without it, what `host` and `port` say.",
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="Addresses and networks of servers in front, or `private`: past them the"
        " client is looked for in X-Forwarded-For.",
    )
    queries: int = Field(
        default=4, ge=1, le=64, description="Questions answered at once; others are told to wait."
    )
    query_seconds: float = Field(
        default=30.0, gt=0, le=600, description="A question that takes longer is given up."
    )
    query_memory: str = Field(
        default="512MB",
        pattern=r"^[1-9][0-9]*(MB|GB)$",
        description="Memory that questions may use, all together.",
    )
    query_cache_seconds: float = Field(
        default=300.0,
        ge=0,
        le=300,
        description="How long an answer is kept, while the days it is about do not change.",
    )
    query_cache_mb: int = Field(
        default=64, ge=1, description="Megabytes that the answers kept may take."
    )

    @property
    def address(self) -> str:
        """Where browsers find the web server, with a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.url or f"http://{host}:{self.port}/"


class Collector(Section):
    durability: Literal["os", "fsync"] = Field(
        default="os",
        description="When a hit is answered: once the system has it (`os`: it survives the end of"
        " any process), or once the disk has it (`fsync`: it survives a power cut).",
    )
    rate: float = Field(
        default=20.0, ge=0, description="Hits a second that one address may send; 0 is no limit."
    )
    burst: int = Field(
        default=200, ge=1, description="Hits that one address may send at once, after a pause."
    )


class Config(Section):
    sites: tuple[Site, ...] = Field(
        default=(), alias="site", description="A site whose visitors are counted."
    )
    sources: tuple[Source, ...] = Field(
        default=(), alias="source", description="Logs that `tallylog backfill` reads by default."
    )
    formats: dict[str, dict[str, Any]] = Field(
        default={}, alias="format", description="Formats of your own; see the list of formats."
    )
    store: Store = _table("Where and how long things are kept.")
    exclude: Exclude = _table("Records that are never counted.")
    ingest: Ingest = _table("How `tallylog ingest` follows the sources.")
    jobs: Jobs = _table("When `tallylog ingest` does its jobs: every 5m or 2h, at 03:30, or never.")
    log: Log = _table("What services say while they run.")
    web: Web = _table("The web server.")
    collector: Collector = _table("What takes hits from pixels and scripts.")

    def site_named(self, name: str) -> Site:
        """The site of that name; one that is not configured has no hosts and zone UTC."""
        return next((site for site in self.sites if site.name == name), Site(name=name))
