"""A hub's client can be rotated while people log in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from fedhub_authenticators import client_credentials, configure, credentials
from hypothesis import given
from hypothesis import strategies as st
from oauthenticator.generic import GenericOAuthenticator
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    GENERIC,
    User,
    authenticator_of,
    mock_provider,
    one,
    running,
)

CONFIG = GENERIC | {"allow_all": True, "username_claim": "name", "scope": ["openid"]}
ADA = {"sub": "ada-1", "name": "ada"}


def mount(folder: Path, client_id: str, client_secret: str) -> None:
    """Put a Secret where Kubernetes would, in one step, as it does."""
    version = folder / f"..{client_id}-{client_secret}"
    version.mkdir(parents=True)
    (version / "client_id").write_text(client_id)
    (version / "client_secret").write_text(client_secret)
    fresh = folder / "..data_tmp"
    fresh.symlink_to(version.name)
    fresh.rename(folder / "..data")
    for key in ("client_id", "client_secret"):
        link = folder / key
        if not link.is_symlink():
            link.symlink_to(f"..data/{key}")


@pytest.fixture
def configuration(tmp_path: Path) -> Callable[..., Config]:
    mount(tmp_path, "first", "secret-1")

    def make(**traits: Any) -> Config:
        c = Config()
        settings = one("generic-oauth", CONFIG | traits, credentials={"existingSecret": "s"})
        configure(c, settings, credentials_dir=tmp_path)
        return c

    return make


def sent(request: Any) -> tuple[str, str]:
    """The client that a request to the token endpoint is of."""
    form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
    return form["client_id"], form["client_secret"]


def watch(client: Any) -> list[tuple[str, str]]:
    """Note the clients that ask the mock for tokens."""
    seen: list[tuple[str, str]] = []
    ((token, page), *others) = client.hosts["oidc.example.org"]

    def handle(request: Any) -> Any:
        seen.append(sent(request))
        return page(request)

    client.hosts["oidc.example.org"] = [(token, handle), *others]
    return seen


def test_what_the_files_say_now_is_used(
    configuration: Callable[..., Config], tmp_path: Path
) -> None:
    found = authenticator_of(configuration())
    assert found.current_client().client_id == "first"
    mount(tmp_path, "second", "secret-2")
    client = found.current_client()
    assert (client.client_id, client.client_secret) == ("second", "secret-2")
    assert "secret-2" not in repr(client)


def test_upstream_reads_no_file(configuration: Callable[..., Config], tmp_path: Path) -> None:
    """What these tests are for: it has the pair that it was started with, and no other."""
    c = configuration()
    assert c.GenericOAuthenticator.client_secret_file == str(tmp_path / "client_secret")
    assert GenericOAuthenticator(config=c).client_secret == ""
    c.GenericOAuthenticator.client_secret = (tmp_path / "client_secret").read_text()
    started = GenericOAuthenticator(config=c)
    mount(tmp_path, "second", "secret-2")
    assert started.build_refresh_token_request_params("r")["client_secret"] == "secret-1"


def test_files_that_cannot_be_read_leave_what_was(
    configuration: Callable[..., Config], tmp_path: Path
) -> None:
    found = authenticator_of(configuration())
    (tmp_path / "client_secret").unlink()
    assert found.current_client().client_secret == "secret-1"
    (tmp_path / "client_secret").write_text(" \n")
    assert found.current_client().client_secret == "secret-1"


def test_a_login_ends_with_the_client_that_began_it(
    configuration: Callable[..., Config], tmp_path: Path
) -> None:
    async def go() -> None:
        async with running(configuration()) as (hub, visitor):
            begun = await visitor.begin("/hub/oauth_login")
            assert begun["client_id"] == "first"
            mount(tmp_path, "second", "secret-2")
            async with type(visitor)(base_url=visitor.base_url, trust_env=False) as other:
                assert (await other.begin("/hub/oauth_login"))["client_id"] == "second"
            client = mock_provider(hub.authenticator, begun["nonce"], "first")
            seen = watch(client)
            code = client.handler_for_user(ADA).get_argument("code")
            reply = await visitor.get(
                "/hub/oauth_callback", params={"code": code, "state": begun["state"]}
            )
            assert reply.status_code == 302, reply.text
            assert seen == [("first", "secret-1")]
            user = hub.users["ada"]
            assert (await user.get_auth_state())["client_id"] == "first"

    run_async(go())


@pytest.mark.parametrize("basic_auth", [True, False])
def test_tokens_are_refreshed_with_the_client_they_were_made_for(
    configuration: Callable[..., Config], tmp_path: Path, basic_auth: bool
) -> None:
    async def go() -> None:
        found = authenticator_of(configuration(basic_auth=basic_auth))
        mount(tmp_path, "second", "secret-2")
        found.current_client()
        for client_id, secret in (("first", "secret-1"), ("second", "secret-2")):
            found.use_client(client_id)
            params = found.build_refresh_token_request_params("r")
            headers = found.build_token_info_request_headers()
            if basic_auth:
                import base64

                expected = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
                assert headers["Authorization"] == f"Basic {expected}"
                assert "client_secret" not in params
            else:
                assert (params["client_id"], params["client_secret"]) == (client_id, secret)

    run_async(go())


def test_an_earlier_client_is_known_for_a_day_and_no_longer(
    configuration: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(client_credentials, "monotonic", lambda: now)
    found = authenticator_of(configuration())
    mount(tmp_path, "second", "secret-2")
    found.current_client()
    day = 24 * 3600
    for age, in_use, known in (
        (0, "first", ["second", "first"]),
        (day - 1, "first", ["second", "first"]),
        (day + 1, "second", ["second"]),
    ):
        now = 1000.0 + age
        found.use_client("first")
        assert found.client_in_use().client_id == in_use
        assert found.known_client_ids() == known


def test_a_client_that_nobody_knows_any_more_is_replaced_by_the_current_one(
    configuration: Callable[..., Config],
) -> None:
    found = authenticator_of(configuration())
    found.use_client("long-gone")
    assert found.client_in_use().client_id == "first"


def test_refresh_uses_the_client_of_the_persons_login(
    configuration: Callable[..., Config], tmp_path: Path
) -> None:
    async def go() -> None:
        found = authenticator_of(configuration())
        mount(tmp_path, "second", "secret-2")
        client = mock_provider(found)
        client.refresh_tokens["r"] = ADA
        seen = watch(client)
        state = {
            "client_id": "first",
            "refresh_token": "r",
            "token_response": {"access_token": "gone", "token_type": "Bearer"},
            "oauth_user": ADA,
        }
        await found.refresh_user(User("ada", state))
        assert seen == [("first", "secret-1")]

    run_async(go())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=6))
def test_an_id_is_never_paired_with_anothers_secret(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("secret")
    mount(folder, "0", "0")
    files = {f"{name}_file": str(folder / name) for name in ("client_id", "client_secret")}
    found = authenticator_of(_plain(files))
    for number, (client_id, secret) in enumerate(pairs):
        mount(folder, f"{client_id}{number}", f"{secret}{number}")
        client = found.current_client()
        assert client.client_id[-1] == client.client_secret[-1] == str(number)[-1]


def _plain(traits: dict[str, Any]) -> Config:
    c = Config()
    configure(c, one("generic-oauth", CONFIG | traits))
    return c


# --- as fedhub's chart mounts them ----------------------------------------------------------


def test_a_hub_may_be_installed_before_it_is_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And takes its client as soon as the Secret is there, without a restart."""
    monkeypatch.setattr(credentials, "FOLDER", str(tmp_path))
    c = Config()
    configure(c, one("generic-oauth", CONFIG))

    async def go() -> None:
        async with running(c) as (hub, visitor):
            page = await visitor.get("/hub/oauth_login")
            assert page.status_code == 503
            assert "not registered" in page.text
            for name, content in (("client_id", "the-client"), ("client_secret", "s3cret")):
                (tmp_path / f"main.{name}").write_text(content)
            assert (await visitor.begin("/hub/oauth_login"))["client_id"] == "the-client"
            reply = await visitor.log_in(hub.authenticator, ADA)
            assert reply.status_code == 302

    run_async(go())


def test_a_secret_in_the_providers_own_config_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "FOLDER", str(tmp_path))
    c = Config()
    configure(c, one("generic-oauth", CONFIG | {"client_id": "a", "client_secret": "b"}))
    assert authenticator_of(c).client_id_file == ""
