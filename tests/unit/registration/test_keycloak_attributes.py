"""RFC 7591's names and Keycloak's fields, there and back, for whatever a hub may want."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fedhub.idp.keycloak_clients import representation
from fedhub.registration.keycloak.attributes import as_keycloak_has_it, differences, shown
from fedhub.registration.wanted import Wanted

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="#"), min_size=1, max_size=8)
WANTED = st.builds(
    Wanted,
    name=WORDS,
    redirect_uris=st.lists(WORDS, min_size=1, max_size=3, unique=True).map(tuple),
    scopes=st.just(("openid", "email")),
    refresh_tokens=st.booleans(),
    contact=WORDS | st.just(""),
    home_url=WORDS | st.just(""),
)
OTHERS: dict[str, Any] = {
    "webOrigins": ["https://else.example.org"],
    "serviceAccountsEnabled": True,
    "protocolMappers": [{"name": "theirs"}],
    "attributes": {"theirs": "1"},
}


def sent(client: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    return representation.changed(client, as_keycloak_has_it(attributes))


def new(wanted: Wanted) -> dict[str, Any]:
    made = representation.new(
        as_keycloak_has_it(wanted.attributes()) | OTHERS, id_="1", secret="s3cret", now=0
    )
    return sent(made, wanted.attributes())


@given(WANTED)
def test_what_was_sent_is_what_is_shown(wanted: Wanted) -> None:
    assert differences(shown(new(wanted)), wanted.attributes()) == {}


@given(WANTED, WANTED)
def test_differences_are_all_it_takes_and_leave_the_rest(before: Wanted, after: Wanted) -> None:
    client = new(before)
    found = differences(shown(client), after.attributes())
    changed = sent(client, found)
    assert differences(shown(changed), after.attributes()) == {}
    for name, value in OTHERS.items():
        if isinstance(value, dict):
            assert value.items() <= changed[name].items()
        else:
            assert changed[name] == value
    untouched = set(before.attributes()) - set(found)
    assert {n: shown(client).get(n) for n in untouched} == {
        n: shown(changed).get(n) for n in untouched
    }


@given(WANTED)
def test_none_takes_away(wanted: Wanted) -> None:
    gone = dict.fromkeys(["client_name", "client_uri", "contacts", "comment"])
    assert not gone.keys() & shown(sent(new(wanted), gone)).keys()


@given(WANTED)
def test_secrets_are_not_shown(wanted: Wanted) -> None:
    assert not {"secret", "registrationAccessToken"} & shown(new(wanted)).keys()
