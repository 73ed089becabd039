"""Which list answers, and that nothing but a good one takes the place of a kept one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fedhub.errors import FedhubError, UsageError
from fedhub.idp.server import IdentityProvider
from fedhub.idplist import source
from fedhub.idplist.source import cache_file, from_file, institutions
from tests.providers import furnish
from tests.unit.idplist.conftest import INDIANA, LISTED, Cilogon

DAY = 24 * 3600


def age(cilogon: Cilogon, seconds: float) -> None:
    """Make the kept list older, or younger."""
    path = cache_file(f"{cilogon.host}/idplist/")
    kept = json.loads(path.read_text())
    kept["fetched"] -= seconds
    path.write_text(json.dumps(kept))


def test_the_embedded_cilogon_answers() -> None:
    with IdentityProvider() as provider:
        furnish(provider)
        answer = institutions(provider.url)
    assert answer.source == "live"
    assert "Example University" in [one.name for one in answer.entries]
    assert all(one.rands for one in answer.entries)


def test_a_list_is_asked_for_once_a_day(cilogon: Cilogon) -> None:
    first = institutions(cilogon.host)
    age(cilogon, DAY - 60)
    second = institutions(cilogon.host)
    assert (first.source, second.source, cilogon.asked) == ("live", "cache", 1)
    assert second.entries == first.entries
    assert (second.age or 0) // 3600 == 23
    age(cilogon, 120)
    assert institutions(cilogon.host).source == "live"
    assert institutions(cilogon.host).age == pytest.approx(0, abs=3600)


def test_one_who_wants_a_fresh_list_gets_it(cilogon: Cilogon) -> None:
    institutions(cilogon.host)
    cilogon.lists([INDIANA])
    assert len(institutions(cilogon.host, refresh=True).entries) == 1
    assert len(institutions(cilogon.host).entries) == 1


def test_one_who_is_offline_never_asks(cilogon: Cilogon) -> None:
    answer = institutions(cilogon.host, offline=True)
    assert (answer.source, cilogon.asked) == ("bundled", 0)
    institutions(cilogon.host)
    age(cilogon, 30 * DAY)
    answer = institutions(cilogon.host, offline=True)
    assert (answer.source, cilogon.asked, answer.note) == ("cache", 1, "")


@pytest.mark.parametrize(
    ("status", "content", "why"),
    [
        (500, b"", "HTTP 500"),
        (302, b"", "HTTP 302"),
        (200, b"[]", "empty"),
        (200, b"<html>maintenance</html>", "not JSON"),
        (200, json.dumps([*LISTED, "x"]).encode(), "no EntityID"),
        (200, json.dumps(LISTED).encode()[:-9], "not JSON"),
        (200, json.dumps(LISTED * 50).encode(), "more than 0 MiB"),
    ],
)
def test_the_kept_list_outlives_a_bad_answer(
    cilogon: Cilogon, status: int, content: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = institutions(cilogon.host).entries
    age(cilogon, 3 * DAY)
    before = cache_file(f"{cilogon.host}/idplist/").read_bytes()
    cilogon.status, cilogon.content = status, content
    monkeypatch.setattr(source, "MAX_BYTES", 10_000)
    answer = institutions(cilogon.host)
    assert (answer.source, answer.entries) == ("cache", good)
    assert why in answer.note
    assert (answer.age or 0) >= 3 * DAY
    assert cache_file(f"{cilogon.host}/idplist/").read_bytes() == before


def test_without_network_and_cache_the_bundled_list_answers() -> None:
    answer = institutions("http://127.0.0.1:1")
    assert answer.source == "bundled"
    assert "does not answer (ConnectError)" in answer.note
    assert {"Google", "GitHub", "ORCID", "Microsoft"} <= {one.name for one in answer.entries}


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"format":1,"address":"ADDRESS","fetched":0,"entries":[]}',
        b'{"format":1,"address":"ADDRESS","fetched":0,"entries":[[1,2,3,4,5,6]]}',
        b'{"format":1,"address":"ADDRESS","fetched":0,"entries":[["a",2,"c",true,false,"d"]]}',
        b'{"format":1,"address":"ADDRESS","fetched":"x","entries":[["a","b","c",true,false,"d"]]}',
        b'{"format":2,"address":"ADDRESS","fetched":0,"entries":[["a","b","c",true,false,"d"]]}',
        b'{"format":1,"address":"other","fetched":0,"entries":[["a","b","c",true,false,"d"]]}',
    ],
)
def test_a_kept_list_that_makes_no_sense_is_none(cilogon: Cilogon, damage: bytes) -> None:
    path = cache_file(f"{cilogon.host}/idplist/")
    path.parent.mkdir()
    path.write_bytes(damage.replace(b"ADDRESS", f"{cilogon.host}/idplist/".encode()))
    assert institutions(cilogon.host, offline=True).source == "bundled"
    assert institutions(cilogon.host).source == "live"


def test_a_list_from_the_future_is_asked_for_anew(cilogon: Cilogon) -> None:
    institutions(cilogon.host)
    age(cilogon, -DAY)
    assert institutions(cilogon.host).source == "live"


def test_a_folder_that_can_not_be_written_keeps_nobody_from_an_answer(
    cilogon: Cilogon, cache: Path
) -> None:
    cache.write_text("a file in its place")
    answer = institutions(cilogon.host)
    assert (answer.source, len(answer.entries)) == ("live", 3)
    assert "can't be kept" in answer.note


def test_nothing_but_the_list_is_left_in_the_folder(cilogon: Cilogon, cache: Path) -> None:
    institutions(cilogon.host)
    assert [one.name for one in cache.iterdir()] == [cache_file(f"{cilogon.host}/idplist/").name]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("http://cilogon.org", "is not HTTPS"),
        ("cilogon.org/x", "is no host"),
        ("https://me:pw@cilogon.org", "is no host"),
        ("https://[", "is no host"),
        ("https://x:y", "is no host"),
        ("ftp://cilogon.org", "is no host"),
        ("", "is no host"),
    ],
)
def test_a_list_comes_by_https_or_from_this_machine(host: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        institutions(host, offline=True)


def test_lists_of_two_hosts_are_kept_apart() -> None:
    hosts = ["cilogon.org", "test.cilogon.org", "cilogon.org:8443"]
    assert len({cache_file(f"https://{host}/idplist/") for host in hosts}) == 3


def test_the_cache_is_in_the_home_folder_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        kept = cache_file("https://cilogon.org/idplist/")
        assert kept == Path("/home/ada/.cache/fedhub/cilogon.org-idplist.json")


def test_a_list_that_somebody_saved(tmp_path: Path) -> None:
    path = tmp_path / "idplist.json"
    path.write_text(json.dumps(LISTED))
    assert len(from_file(path).entries) == 3
    path.write_text("[]")
    with pytest.raises(FedhubError, match="no list of institutions") as caught:
        from_file(path)
    assert str(caught.value).startswith(f"{path}:1:1: ")
    with pytest.raises(UsageError):
        from_file(tmp_path / "none.json")
