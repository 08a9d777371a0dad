"""The real logs, by site and zone, whose every number is held against the reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.stores import FORMATS, LOGS, SAMPLE

Part = tuple[Path, str]


@dataclass(frozen=True, slots=True)
class Case:
    """Logs that make one site, in the order they are read."""

    name: str
    zone: str
    parts: tuple[Part, ...]
    hosts: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()  # the days that the sample's four days become

    def paths(self, folder: Path) -> list[tuple[Path, str]]:
        """The logs, moved to other days if that is the case."""
        if not self.moved:
            return list(self.parts)
        content = self.parts[0][0].read_bytes()
        for day, target in zip(range(17, 21), self.moved, strict=True):
            content = content.replace(b"[%d/May/" % day, f"[{target}/".encode())
        path = folder / "moved.log"
        path.write_bytes(content)
        return [(path, self.parts[0][1])]


def named(format: str, *names: str) -> tuple[Part, ...]:
    return tuple((LOGS / f"{name}.log", format) for name in names)


def shared(format: str, *logs: str) -> tuple[Part, ...]:
    """Logs that the tests of another format are about, read as if they were in this one."""
    return tuple((FORMATS / f"{log}.log", format) for log in logs)


def samples(format: str) -> tuple[Part, ...]:
    """The logs that the tests of the format itself are about."""
    return tuple((path, format) for path in sorted((FORMATS / format).glob("*.log")))


SERVERS = (
    *samples("combined"),
    *named("combined", "nginx-http-xss-probing", "nginx_http-logs", "http-dos-switching-ua"),
    *named("combined", "nginx-http-generic-bf", "lnav_access_log.0", "lnav_bad_access_log.0"),
    *shared("combined", "apache_mixed/apache2-logs", "lighttpd/recorded_lighttpd_access"),
    *shared("combined", "nginx_main/zoo_utc_nginx_main_xff"),
    *samples("common"),
    *named("common", "apache-http-probing"),
    *shared("common", "combined_timed/mtail_apache_common"),
    *samples("vhost_combined"),
    *samples("nginx_json"),
    (LOGS / "elastic_nginxplus_json_logs.log.gz", "nginx_json"),
    *samples("caddy_json"),
    *samples("w3c"),
    *shared("w3c", "cloudfront_bare/aws-cloudfront-logs"),
)
#: The site whose logs are of most formats.
MEDLEY = Case("a medley of servers in Asia/Kolkata", "Asia/Kolkata", SERVERS)
SHOP = named("combined_xff", "lnav_shop_access")
SAMPLE_PART = ((SAMPLE, "combined"),)
SEMICOMPLETE = ("semicomplete.com", "www.semicomplete.com")
#: The site that has most visits.
APACHE = Case("10,000 lines of Apache in Asia/Kolkata", "Asia/Kolkata", SAMPLE_PART, SEMICOMPLETE)
#: Sites that have little of their own beside their zone, their days or their format.
OTHERS = (
    Case("10,000 lines of Apache in UTC", "UTC", SAMPLE_PART, SEMICOMPLETE),
    Case(
        "the end of summer time in Europe/Paris",
        "Europe/Paris",
        SAMPLE_PART,
        SEMICOMPLETE,
        moved=("24/Oct", "25/Oct", "26/Oct", "27/Oct"),
    ),
    Case(
        "the start of summer time in America/New_York",
        "America/New_York",
        SAMPLE_PART,
        SEMICOMPLETE,
        moved=("07/Mar", "08/Mar", "09/Mar", "10/Mar"),
    ),
    Case("a shop's log in Asia/Kolkata", "Asia/Kolkata", SHOP, ("zanbil.ir",)),
    Case("downloads in Europe/Paris", "Europe/Paris", named("combined", "telegraf_nginx_logs")),
    Case(
        "IIS in America/New_York",
        "America/New_York",
        ((FORMATS / "w3c" / "lnav_w3c_big.0.log", "w3c"),),
    ),
    Case(
        "a pixel on a CDN in Asia/Kolkata",
        "Asia/Kolkata",
        named("vhost_combined", "pixels"),
        ("www.example.org", "shop.example.org"),
    ),
)
