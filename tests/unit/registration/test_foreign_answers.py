"""Whatever a provider says of a client, it is compared and told without a mishap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from fedhub.errors import UsageError
from fedhub.registration import login_redirect
from fedhub.registration.admin import AdminCredentials
from fedhub.registration.calls import retry_after
from fedhub.registration.cilogon.client import ClientManagement
from fedhub.registration.clients import RegisteredClient
from fedhub.registration.errors import RegistrationError
from fedhub.registration.tag import Tag
from fedhub.registration.update import callbacks, described, wanted_of
from fedhub.registration.wanted import Wanted

TAG = Tag.new("ops", "campus", "cilogon")
WANTED = Wanted("a.org", ("https://a.org/hub/oauth_callback",), ("openid",), True, "a@a.org", "x")
NAMES = [*WANTED.attributes(), "cfg"]
ODD = st.sampled_from(["http://[", "https://a.org:x/", "\x1b[2J", "\ud800", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | ODD,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


class Target:
    wanted = WANTED


@pytest.fixture(scope="module")
def clients() -> Iterator[ClientManagement]:
    admin = AdminCredentials("a", SecretStr("b"))
    with ClientManagement(admin, address="https://127.0.0.1") as opened:
        yield opened


@given(said=st.dictionaries(st.sampled_from(NAMES), JSON))
def test_attributes_of_any_type(clients: ClientManagement, said: dict[str, Any]) -> None:
    client = RegisteredClient("id", said | {"comment": str(TAG)})
    target: Any = Target()
    changes = clients.differences(client, wanted_of(target, client))
    assert all(isinstance(line, str) for line in described(client, changes))
    assert all(isinstance(one, str) for one in callbacks(client))


def answering(clients: ClientManagement, monkeypatch: pytest.MonkeyPatch, said: Any) -> None:
    monkeypatch.setattr(clients._calls, "send", lambda *_, **__: said)


@pytest.mark.parametrize("odd", ["", "\x1b[2Jx", "a\nb", "\ud800", 5, None, ["a"]])
def test_an_id_that_is_none(
    clients: ClientManagement, monkeypatch: pytest.MonkeyPatch, odd: Any
) -> None:
    answering(clients, monkeypatch, {"client_id": odd, "client_secret": "s"})
    with pytest.raises(RegistrationError):
        clients.create({}, TAG)
    answering(clients, monkeypatch, {"client_id": "id", "client_secret": odd})
    with pytest.raises(RegistrationError):
        clients.create({}, TAG)
    answering(clients, monkeypatch, {"clients": [{"client_id": odd}]})
    with pytest.raises(RegistrationError):
        clients.list()


@given(st.text() | st.integers().map("Mon, 01 Jan {} 00:00:00 GMT".format))
def test_any_retry_after(said: str) -> None:
    assert retry_after(httpx.Response(429, headers={"Retry-After": said.encode("utf-8")})) >= 0


@pytest.mark.parametrize("location", ["http://a:b?client_id=a", "//\x01", ""])
def test_a_redirect_to_no_address(monkeypatch: pytest.MonkeyPatch, location: str) -> None:
    def get(address: str, **_: Any) -> httpx.Response:
        request = httpx.Request("GET", address)
        return httpx.Response(302, headers={"Location": location}, request=request)

    monkeypatch.setattr(httpx, "get", get)
    with pytest.raises(login_redirect.FedhubError, match="does not lead to a login"):
        login_redirect.login_redirect("https://a.org/hub/oauth_callback")


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS_PROXY", "foo://x"), ("SSL_CERT_FILE", "/no/such/file")]
)
def test_a_variable_that_httpx_does_not_take(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="no request can be made"):
        ClientManagement(AdminCredentials("a", SecretStr("b")), address="https://127.0.0.1")
