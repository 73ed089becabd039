"""No address that anybody writes into a request leads out of the hub."""

from __future__ import annotations

import json
import shutil
import subprocess
from urllib.parse import quote

import pytest
from fedhub_authenticators.inside import inside
from fedhub_authenticators.short_memory import ShortMemory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import GENERIC, Visitor, configured, one, running

ORIGIN = "https://hub.example.org"

HOSTILE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "https://hub.example.org@evil.example/",
    "https://hub.example.org.evil.example/hub/",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x00//evil.example",
    "/jupyter/hub/../../other",
    "/jupyter/hub/%2e%2e/%2e%2e/other",
    "/jupyter/hub/.%2E/..%2Fother",
    "/jupyter/%252e%252e/other",
    "/jupyter/..\\other",
    "/jupyter/..%5cother",
    "/other/hub",
    "/jupyterhub",
    "/jupyter",
    "%2f%2fevil.example",
    "/jupyter/\u2028/x",
    "/jupyter/hub/home\r\nSet-Cookie: a=b",
    "?next=//evil.example",
    "#//evil.example",
    "",
]

PLAIN = [
    "/jupyter/hub/home",
    "/jupyter/hub/spawn?profile=gpu&next=//evil.example",
    "/jupyter/user/ada@example.org/lab/tree/My%20File.ipynb?reset#cell=1",
    "/jupyter/hub/user-redirect/git-pull?repo=https%3A%2F%2Fexample.org%2Fa&branch=main",
    "/jupyter/hub/api/oauth2/authorize?client_id=service-x&state=a%3D%3D",
]

written = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [
                *("/", "\\", "..", ".", "%2e", "%2f", "%5c", "evil", "https:", "jupyter", "hub"),
                *("@", "?", "#", ";", "\t", "\n", " ", "\x00", "%", "%00", "é", ":", "//"),
            ]
        ),
        max_size=12,
    ).map("".join),
).flatmap(lambda text: st.sampled_from([text, "/jupyter/" + text]))


def resolved(addresses: list[str]) -> list[str]:
    """Where a browser goes that is redirected to these addresses: by the WHATWG's own rules."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node, whose URL class reads addresses as browsers do")
    script = (
        "const [base, all] = JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(all.map(a => new URL(a, base).href)))"
    )
    asked = json.dumps([f"{ORIGIN}/jupyter/hub/logout", addresses])
    said = subprocess.run(
        [node, "-e", script], input=asked.encode(), capture_output=True, check=True
    )
    found: list[str] = json.loads(said.stdout)
    return found


@pytest.mark.parametrize("address", HOSTILE)
def test_what_leads_elsewhere_leads_nowhere(address: str) -> None:
    assert inside(address, "/jupyter/") == ""


@pytest.mark.parametrize("address", [one for one in HOSTILE if "evil" in one])
def test_another_host_is_elsewhere_for_a_hub_at_the_root(address: str) -> None:
    assert inside(address, "/") == ""


@pytest.mark.parametrize("address", PLAIN)
def test_what_leads_inside_stays_as_it_is(address: str) -> None:
    assert inside(address, "/jupyter/") == address


def test_what_a_redirect_cannot_carry_is_encoded() -> None:
    assert inside("/hub/My File é", "/") == "/hub/My%20File%20%C3%A9"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(addresses=st.lists(written, min_size=40, max_size=80))
def test_a_browser_never_ends_up_outside(addresses: list[str]) -> None:
    taken = [found for one in addresses if (found := inside(one, "/jupyter/"))]
    for where in resolved(taken):
        assert where.startswith(f"{ORIGIN}/jupyter/"), where


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(addresses=st.lists(written, min_size=40, max_size=80))
def test_a_hub_at_the_root_keeps_people_on_its_host(addresses: list[str]) -> None:
    taken = [found for one in addresses if (found := inside(one, "/"))]
    for where in resolved(taken):
        assert where.startswith(f"{ORIGIN}/"), where


PAGES = ["logout", "another_account", "oauth_login", "oauth_callback"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_leads_to_where_a_request_says(path: str) -> None:
    c = configured(one("generic-oauth", GENERIC | {"allow_all": True}))
    c.JupyterHub.base_url = "/jupyter/"
    names = ("next", "redirect", "redirect_uri", "url", "post_logout_redirect_uri", "returnTo")

    async def go() -> None:
        async with running(c) as (_, visitor):
            for address in HOSTILE:
                query = "&".join(f"{name}={quote(address)}" for name in names)
                await follow(visitor, f"/jupyter/hub/{path}?{query}")

    async def follow(visitor: Visitor, address: str) -> None:
        for _ in range(5):
            reply = await visitor.get(address)
            if not reply.is_redirect:
                return
            address = reply.headers["location"]
            assert "evil" not in address.partition("?")[0], address
            if not address.startswith("/jupyter/"):
                assert address.startswith(GENERIC["authorize_url"]), address
                assert "evil" not in address
                return

    run_async(go())


# --- what is remembered for a short while ---------------------------------------------------


def test_a_thing_is_taken_once_and_not_too_late() -> None:
    now = [0.0]
    memory = ShortMemory[str](seconds=10, most=3, clock=lambda: now[0])
    memory.put("a", "1")
    assert (memory.take("a"), memory.take("a")) == ("1", None)
    memory.put("b", "2")
    now[0] = 10.0
    assert memory.take("b") is None


@given(keys=st.lists(st.text(max_size=2)), most=st.integers(1, 5))
def test_no_more_is_kept_than_there_is_room_for(keys: list[str], most: int) -> None:
    memory = ShortMemory[int](seconds=10, most=most, clock=lambda: 0.0)
    for number, key in enumerate(keys):
        memory.put(key, number)
        assert len(memory) <= most
        assert key in memory
