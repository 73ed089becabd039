"""No request for authorization leads anywhere but to the registered address, letter by letter.

Of JupyterHub's own OAuth and of OpenID Connect, as a link and as the form of the hub's question,
for somebody who is logged in and for nobody. What is sent is as it is written here: no library
tidies it up on the way.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.oidc_hub import (
    ASKS,
    GRAFANA,
    PLAIN,
    Application,
    Person,
    answer_of,
    logged_in,
)
from tests.previews import RunningHub

WAYS = {"oauth": f"{PLAIN}authorize", "openid": "oidc/authorize"}
APPLICATIONS = (GRAFANA, ASKS)
"""One's address has a query, the other's none."""

PIECES = ["http:", "https:", "//", "/", "\\", "%2f", "%5c", "..", ".", "%2e%2e", "/./", "@", "#"]
PIECES += ["?", ";", ":", ":9", ":443", ":0", "*", "[", "]", "&", "=", "+", "%", "%00", "%0d%0a"]
PIECES += ["\t", "\r\n", " ", "\0", "user:pass@", "evil.example", "@evil.example", ".evil.example"]
PIECES += ["127.0.0.1", "localhost", "0x7f.1", "[::1]", "&redirect_uri=", "javascript:", "data:,"]
PIECES += [
    "\u3002",
    "\uff0f",
    "\u2100",
    "\u200b",
    "\u0131",
    "\uff11",
    "\u202e",
    "login/",
    "callback",
]
NAMES = ["redirect_uri", "redirect%5Furi", "Redirect_Uri", "redirect_uri[]", "+redirect_uri"]


@pytest.fixture(scope="module")
def person(hub: RunningHub) -> Iterator[Person]:
    """Somebody who is logged in and may use both applications."""
    with logged_in(hub) as found:
        # JupyterHub asks until a token has come of it.
        assert ASKS.redeem(hub, answer_of(found.agree_to(hub, ASKS))["code"]).is_success
        yield found


@dataclass(frozen=True)
class Asked:
    """A request for authorization.

    Attributes:
        application: whose.
        pairs: names and values of redirect addresses in its query, as they are written there.
        others: what else is in it.
    """

    application: Application
    pairs: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]

    @property
    def addresses(self) -> list[str]:
        return [f"{name}={value}" for name, value in self.pairs]

    @property
    def query(self) -> str:
        asked = {"client_id": self.application.client_id, "response_type": "code", "state": "s"}
        return "&".join([urlencode(asked), *self.addresses, urlencode(self.others)]).rstrip("&")

    def is_exact(self) -> bool:
        """Whether it names the registered address, once, or leaves it out."""
        named = [value for name, value in parse_qsl(self.query, True) if name == "redirect_uri"]
        return named in ([self.application.callback], [])


def changed(address: str) -> st.SearchStrategy[str]:
    """Addresses that are nearly another one."""
    places = st.integers(0, len(address))
    pieces = st.one_of(st.sampled_from(PIECES), st.text(max_size=3))

    def edited(edits: list[tuple[int, int, str]]) -> str:
        text = address
        for place, gone, piece in edits:
            text = text[:place] + piece + text[place + gone :]
        return text

    edits = st.lists(st.tuples(places, st.integers(0, 8), pieces), min_size=1, max_size=3)
    return edits.map(edited)


def spelled_otherwise(address: str) -> st.SearchStrategy[str]:
    """The same address to many a reader: in capitals, or with letters as percent escapes."""
    ways = st.lists(st.sampled_from("=^%"), min_size=len(address), max_size=len(address))
    spell = {"=": str, "^": str.swapcase, "%": lambda sign: f"%{ord(sign):02x}"}
    return ways.map(
        lambda chosen: "".join(spell[way](sign) for way, sign in zip(chosen, address, strict=True))
    )


def written(value: str) -> st.SearchStrategy[str]:
    """A value as it can stand in a query: escaped once, twice, as little as possible, or wholly."""
    wholly = "".join(f"%{byte:02X}" for byte in value.encode("utf-8", "replace"))
    raw = quote(value, safe=string.printable.strip().replace("&", "").replace("#", ""))
    once = quote(value, safe="", errors="replace")
    return st.sampled_from([once, quote(once), raw, wholly])


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    application = draw(st.sampled_from(APPLICATIONS))
    right = application.callback
    values = st.one_of(
        changed(right), spelled_otherwise(right), st.just(right), st.text(max_size=30)
    )
    pairs = draw(
        st.lists(st.tuples(st.sampled_from(NAMES), values.flatmap(written)), min_size=1, max_size=3)
    )
    others = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["prompt", "response_mode", "scope", "state", "client_id"]),
                st.sampled_from(["none", "login", "fragment", "openid", "x", *PIECES]),
            ),
            max_size=2,
        )
    )
    return Asked(application, tuple(pairs), tuple(others))


IN_FRAGMENT = Asked(
    GRAFANA, (("redirect_uri", quote(GRAFANA.callback)),), (("response_mode", "fragment"),)
)
UNREADABLE = Asked(GRAFANA, (("redirect_uri[]", "x"),), ())
"""oauthlib takes no brackets."""


def one(value: str, application: Application = GRAFANA) -> Asked:
    return Asked(application, (("redirect_uri", quote(value, safe="")),), ())


def sent(
    client: httpx.Client, hub: RunningHub, way: str, query: str, form: str | None = None
) -> httpx.Response:
    """Send a query as it is written, or that and a form."""
    page = f"{hub.url}hub/{WAYS[way]}"
    as_it_is = {"target": f"{urlsplit(page).path}?{query}".encode("ascii", "replace")}
    if form is None:
        return client.get(page, extensions=as_it_is)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return client.post(page, content=form, headers=kind, extensions=as_it_is)


def check(reply: httpx.Response, asked: Asked) -> None:
    """It leads nowhere, or to the registered address and there with an answer alone."""
    assert reply.status_code < 500
    if "location" in reply.headers:
        assert asked.is_exact()
        assert is_answer(reply.headers["location"], asked.application)


def is_answer(address: str, application: Application) -> bool:
    """Whether an address is an application's, with the hub's answer behind it."""
    right = application.callback
    answer = address.removeprefix(right + ("&" if "?" in right else "?"))
    names = {name for name, _ in parse_qsl(answer, strict_parsing=True)}
    told = names <= {"code", "state", "error", "error_description"}
    return answer != address and told and "#" not in answer


way = pytest.mark.parametrize("way", WAYS)


@way
@settings(max_examples=200)
@given(asked=asked())
@example(one("http://127.0.0.1:9@evil.example/login/callback"))
@example(one("http://127.0.0.1:9/login/../login/callback"))
@example(one("http://127.0.0.1:9/login%2fcallback"))
@example(one("http://127.0.0.1:9/login/callback#fragment"))
@example(one("HTTP://127.0.0.1:9/login/callback"))
@example(one("http://127.0.0.1.:9/login/callback"))
@example(one("http://127.0.0.1:09/login/callback"))
@example(one("http://\uff11\uff12\uff17.0.0.1:9/login/callback"))
@example(one("https://asks.example.org:443/callback?from=hub", ASKS))
@example(one("https://asks.example.org/callback?from=hub&from=evil", ASKS))
@example(one("//evil.example/"))
@example(one("/hub/logout"))
@example(IN_FRAGMENT)
@example(UNREADABLE)
def test_a_link_leads_to_the_registered_address_alone(
    hub: RunningHub, person: Person, way: str, asked: Asked
) -> None:
    check(sent(person, hub, way, asked.query), asked)


NO_ADDRESS = Asked(GRAFANA, (), ())


@way
@settings(max_examples=100)
@given(asked=asked(), in_form=st.one_of(st.just(NO_ADDRESS), asked()))
@example(one(GRAFANA.callback.upper()), NO_ADDRESS)
@example(NO_ADDRESS, one(GRAFANA.callback.upper()))
@example(NO_ADDRESS, one("https://evil.example/"))
@example(one(GRAFANA.callback), one("https://evil.example/"))
def test_the_form_of_the_question_does_so_too(
    hub: RunningHub, person: Person, way: str, asked: Asked, in_form: Asked
) -> None:
    reply = sent(person, hub, way, asked.query, agreed(person, in_form))
    assert reply.status_code < 500
    if "location" in reply.headers:
        assert is_answer(reply.headers["location"], asked.application)


def agreed(person: Person, in_form: Asked) -> str:
    """Return the form of somebody's yes, with redirect addresses that do not belong there."""
    xsrf = person.cookies.get("_xsrf", path="/hub/") or ""
    fields = {"_xsrf": xsrf, "scopes": "read:users:name!user"}
    return "&".join([urlencode(fields), *in_form.addresses])


@way
@settings(max_examples=100)
@given(asked=asked())
def test_who_is_not_logged_in_is_led_to_the_hub_or_its_provider(
    hub: RunningHub, way: str, asked: Asked
) -> None:
    with httpx.Client(trust_env=False) as nobody:
        reply = sent(nobody, hub, way, asked.query)
    assert reply.status_code < 500
    if urlsplit(reply.headers.get("location", "/hub/")).netloc or "location" not in reply.headers:
        check(reply, asked)
    else:
        assert reply.headers["location"].startswith("/hub/")


@way
def test_the_registered_address_is_taken(hub: RunningHub, person: Person, way: str) -> None:
    """Or else all of the above would hold of a hub that lets nobody in."""
    for application in APPLICATIONS:
        for written_as in (
            quote(application.callback, safe=""),
            quote(application.callback, "/:?="),
        ):
            asked = Asked(application, (("redirect_uri", written_as),), ())
            for form in (None, agreed(person, NO_ADDRESS)):
                reply = sent(person, hub, way, asked.query, form)
                assert "code" in dict(parse_qsl(urlsplit(reply.headers["location"]).query))
                check(reply, asked)
