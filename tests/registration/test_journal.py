"""A journal that nobody here wrote is refused, in one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedhub.registration import journal
from fedhub.registration.journal import Journal
from fedhub.registration.tag import Tag
from tests.registration.office import Office

TAG = str(Tag.new("ops", "campus", "cilogon"))
PAIR = {"client_id": "a", "client_secret": "b"}
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("2026-01-01T00:00:00"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@pytest.mark.parametrize(
    "entry",
    [
        {"deleting": "cilogon:/client_id/1"},
        {"deleting": [None]},
        {"attempts": [{"tag": TAG, "begun": "2026-01-01T00:00:00"}]},
        {"attempts": [{"tag": "no tag", "begun": "2026-01-01T00:00:00+00:00"}]},
        {"rotation": {"old": PAIR, "new": PAIR, "verified": "2026-01-01"}},
        {"rotation": {"old": PAIR, "new": PAIR | {"client_id": 5}, "verified": None}},
        {"rotation": {"old": PAIR, "new": PAIR | {"client_secret": None}, "verified": None}},
        {"rotation": []} | {"attempts": {}},
        None,
        [],
    ],
)
def test_what_it_can_not_say(office: Office, entry: Any) -> None:
    office.hub()
    office.encrypt("enc-other.secret.values.yaml", json.dumps({"cilogon": entry}))
    (office.values / "enc-other.secret.values.yaml").rename(office.journal())
    for command in ("create", "show"):
        said = office.run(command, "campus")
        assert said.code == 1
        assert "is not a journal that `fedhub register` wrote" in said.err
    assert office.registered() == {}


@given(entry=st.fixed_dictionaries({}, optional=dict.fromkeys(("deleting", "attempts"), ODD)))
def test_anything_else(entry: dict[str, Any]) -> None:
    try:
        read = journal._from_data(entry)
    except (AttributeError, KeyError, TypeError, ValueError):
        return
    assert all(isinstance(one, str) for one in read.deleting)


def test_a_folder_in_its_place(office: Office) -> None:
    office.hub()
    office.journal().mkdir()
    said = office.run("create", "campus")
    assert said.code == 1
    assert "is not a journal" in said.err


def test_one_that_goes_while_it_is_looked_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`show` and `list` read while another command is at work."""
    monkeypatch.setattr(Path, "exists", lambda _: True)
    assert Journal("campus", office.values).providers() == []
