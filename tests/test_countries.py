"""The country of an address: from the registry data, or from a user's own database."""

from __future__ import annotations

import pytest

from pipeline.enrich.countries import Countries, real_country
from tests.enrich import mmdb


@pytest.mark.parametrize(
    ("client", "country"),
    [
        ("8.8.8.8", "US"),
        ("2001:4860:4860::8888", "US"),
        ("::ffff:8.8.8.8", "US"),
        ("193.0.6.139", "NL"),
        ("10.0.0.1", None),
        ("127.0.0.1", None),
        ("::1", None),
        ("224.0.0.1", None),
        ("999.1.1.1", None),
        ("in24.inetnebr.com", None),
        ("unix:", None),
        ("-", None),
        ("", None),
        (None, None),
    ],
)
def test_the_registry_knows_the_country_of_a_public_address(client, country):
    assert Countries().lookup([client]) == [country]


def test_many_are_looked_up_in_their_order():
    assert Countries().lookup([]) == []
    assert Countries().lookup(["8.8.8.8", None, "host", "193.0.6.139"]) == ["US", None, None, "NL"]


def test_a_registry_s_code_for_no_country_in_particular_is_none():
    addresses = [f"{first}.{second}.0.1" for first in range(1, 224) for second in range(0, 256, 16)]
    codes = set(Countries().lookup(addresses))
    assert None in codes and "EU" not in codes
    assert all(len(code) == 2 and code.isupper() for code in codes - {None})


def test_a_database_of_the_user_s_takes_the_registry_s_place(tmp_path):
    path = mmdb.write(
        tmp_path / "own.mmdb",
        {
            "8.8.8.0/24": {"country": {"iso_code": "FR"}, "registered_country": {"iso_code": "US"}},
            "9.9.9.0/24": {"registered_country": {"iso_code": "de"}},
            "1.1.1.0/24": {"country_code": "AU"},
            "2.2.2.0/24": {"country": {"iso_code": "EU"}},
            "3.3.3.0/24": {"city": "Rome"},
        },
    )
    clients = ["8.8.8.8", "::ffff:8.8.8.8", "9.9.9.9", "1.1.1.1", "2.2.2.2", "3.3.3.3"]
    unknown = ["193.0.6.139", "2001:db8::1", "in24.inetnebr.com", "8.8.8", "", None]
    found = Countries(path).lookup([*clients, *unknown])
    assert found == ["FR", "FR", "DE", "AU", None, None, *[None] * len(unknown)]


def test_a_database_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Countries(tmp_path / "none.mmdb")


@pytest.mark.parametrize(
    ("code", "country"),
    [("de", "DE"), ("XK", "XK"), ("XX", None), ("T1", None), ("ZZ", None), ("EU", None)]
    + [
        ("", None),
        (None, None),
        ("DEU", None),
        ("12", None),
        ("\u00c4\u00d6", None),
        ("D\n", None),
    ],
)
def test_a_cdn_s_country_is_heard_where_it_is_one(code, country):
    assert real_country(code) == country
