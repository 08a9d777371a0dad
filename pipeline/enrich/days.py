"""Whose day a record belongs to: its site, and the date and hour in the site's time zone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.enrich.columns import Codes, coded, combine, distinct, split
from pipeline.enrich.lexicon import Lexicon, Numbers
from pipeline.enrich.log import Log
from pipeline.enrich.times import local_days

_EPOCH = dt.date(1970, 1, 1)
_SHIFT = 1 << 22


@dataclass(frozen=True, slots=True)
class Days:
    """Rows by (site, date): `keys[codes[i]]`; the site is "" for rows that have none."""

    codes: Codes
    keys: list[tuple[str, dt.date]]

    @property
    def numbers(self) -> Numbers:
        """For each row the days since 1970-01-01."""
        return np.array([(date - _EPOCH).days for _, date in self.keys], np.int32)[self.codes]


def days_of(times: npt.NDArray[Any], sites: Codes, log: Log) -> tuple[Days, Codes]:
    """The days of the rows, and the hour of each; `times` are milliseconds since 1970."""
    days, hours = np.zeros(len(times), np.int32), np.zeros(len(times), np.uint8)
    zones = {site.zone for site in log.sites}
    for zone in zones:
        rows = np.array([site.zone == zone for site in log.sites])[sites]
        if len(zones) == 1:
            days, hours = local_days(times, zone)  # type: ignore[assignment]
        else:
            days[rows], hours[rows] = local_days(times[rows], zone)
    # Shifted, so that days before 1970 and the missing site -1 make no negative key.
    keys, codes = distinct(combine((sites + 1, 0), (days + _SHIFT, 2 * _SHIFT)))
    pairs = zip(*split(keys, 2 * _SHIFT), strict=True)
    names = ["", *(site.name for site in log.sites)]
    found = [(names[site], _EPOCH + dt.timedelta(days=day - _SHIFT)) for site, day in pairs]
    return Days(codes, found), hours


def sites_of(raw: pa.Table, hosts: Numbers, log: Log, lexicon: Lexicon) -> Codes:
    """The number of each row's site in `log.sites`: that which a pixel names, or the host's; -1
    where there is none."""
    if not log.by_host:
        return np.zeros(len(hosts), np.int32)
    of_host = {host: i for i, site in enumerate(log.sites) for host in (site.name, *site.hosts)}
    names = [*lexicon.names("host").values, None]
    found: Codes = np.array([of_host.get(name or "", -1) for name in names], np.int32)[hosts]
    if "site" in raw.column_names:
        told = coded(raw, "site")
        named = np.array([of_host.get(name or "", -1) for name in told.values])[told.codes]
        found = np.where(named < 0, found, named)
    return found
