"""A hub that has users already can be switched over: watched first, settled, then strict."""

from __future__ import annotations

from typing import Any

import pytest
from fedhub_authenticators import bindings
from fedhub_authenticators.identity import Identity
from jupyterhub import orm

from tests.asynchronous import run_async
from tests.unit.authenticators.bound_names import ADA, EVE, hub, status, token
from tests.unit.authenticators.log_lines import listening
from tests.unit.authenticators.logins import GENERIC, configured, one, running

API = "/hub/api/fedhub/bindings"
CILOGON = "https://cilogon.org"
NAME = "ada@example.org"
ADMIN = {"sub": "9", "email": "admin@example.org", "idp": ADA["idp"]}


def owners(app: Any, name: str = NAME) -> list[str]:
    return [one.subject for one in bindings.owners_of(app.db, name)]


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_a_clash_is_a_line_for_the_operator(mode: str) -> None:
    async def go() -> None:
        async with hub(bindings=mode) as (app, visitor):
            with listening() as lines:
                await status(visitor, app, ADA)
                await status(visitor, app, EVE)
            (line,) = (one for one in lines if one.startswith("binding clash"))
            for part in (f"user={NAME}", "subject=2", "owner_subject=1", f"idp={EVE['idp']}"):
                assert part in line

    run_async(go())


def test_who_was_observed_is_listed_and_can_be_linked_at_once() -> None:
    async def go() -> None:
        async with hub(bindings="observe", admin_users=["admin@example.org"]) as (app, visitor):
            for person in (ADA, EVE, EVE | {"sub": "3", "email": "bob@example.org"}, ADMIN):
                assert await status(visitor, app, person) == 302
            headers = token(app, "admin:users", "list:users", "read:users")
            reply = await visitor.get(API, params={"clashes": "true"}, headers=headers)
            rows = reply.json()["bindings"]
            assert [(row["name"], row["subject"], row["observed"]) for row in rows] == [
                (NAME, "1", False),
                (NAME, "2", True),
            ]
            keys = ("name", "provider", "idp", "subject")
            links = [{key: row[key] for key in keys} for row in rows]
            assert (await visitor.post(API, json=links, headers=headers)).status_code == 204
            app.authenticator.bindings = "enforce"
            for person in (ADA, EVE):
                assert await status(visitor, app, person) == 302

    run_async(go())


def test_who_was_only_observed_does_not_get_in_when_it_counts() -> None:
    async def go() -> None:
        async with hub(bindings="observe") as (app, visitor):
            for person in (ADA, EVE):
                assert await status(visitor, app, person) == 302
            app.authenticator.bindings = "enforce"
            assert await status(visitor, app, EVE) == 403
            assert await status(visitor, app, ADA) == 302

    run_async(go())


def test_who_comes_first_to_a_name_that_somebody_has_does_not_own_it_yet() -> None:
    """As on a hub from before that kept nothing of its logins."""

    async def go() -> None:
        async with hub(bindings="observe", enable_auth_state=False) as (app, visitor):
            app.db.add(orm.User(name=NAME))
            app.db.commit()
            for person in (EVE, ADA):
                assert await status(visitor, app, person) == 302
            assert owners(app) == []
            rows, _ = bindings.listed(
                app.db, name=NAME, provider=None, offset=0, limit=9, clashes=True
            )
            assert sorted(row["subject"] for row in rows) == ["1", "2"]

    run_async(go())


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[1]",
        b'[{"provider": "p", "subject": "s"}]',
        b'[{"name": "", "provider": "p", "subject": "s"}]',
        b'[{"name": "n", "provider": "p", "subject": "s"}, {"name": "n"}]',
        b"[" + b",".join([b'{"name":"n","provider":"p","subject":"s"}'] * 1001) + b"]",
    ],
)
def test_links_that_make_no_sense_link_nobody(body: bytes) -> None:
    async def go() -> None:
        async with hub(admin_users=["admin@example.org"]) as (app, visitor):
            await status(visitor, app, ADMIN)
            headers = token(app, "admin:users")
            assert (await visitor.post(API, content=body, headers=headers)).status_code == 400
            assert owners(app, "n") == []

    run_async(go())


def test_who_may_change_some_users_only_links_nobody() -> None:
    async def go() -> None:
        async with hub(admin_users=["admin@example.org"]) as (app, visitor):
            await status(visitor, app, ADMIN)
            await status(visitor, app, ADA)
            link = {"name": NAME, "provider": CILOGON, "subject": "2"}
            for scope in (f"admin:users!user={NAME}", "list:users"):
                headers = token(app, scope)
                reply = await visitor.post(API, json=[link], headers=headers)
                assert reply.status_code == 403
            assert owners(app) == ["1"]

    run_async(go())


# --- a provider that changes, or is known better ---------------------------------------------

PLAIN = GENERIC | {"username_claim": "name", "allow_all": True, "scope": []}
PERSON = {"sub": "1", "name": "ada"}


def test_an_issuer_that_is_set_later_locks_nobody_out() -> None:
    async def go() -> None:
        async with running(configured(one("generic-oauth", PLAIN))) as (app, visitor):
            assert await status(visitor, app, PERSON) == 302
            app.authenticator.issuer = "https://oidc.example.org/realm"
            user = app.users["ada"]
            user._auth_refreshed = None
            token_kept = (await user.get_auth_state())["access_token"]
            app.authenticator.http_client.access_tokens[token_kept] = PERSON
            assert (await visitor.get("/hub/home")).status_code == 200
            assert await status(visitor, app, PERSON) == 302
            (owner,) = bindings.owners_of(app.db, "ada")
            assert owner == Identity("https://oidc.example.org/realm", "", "1")
            assert await status(visitor, app, PERSON | {"sub": "2"}) == 403

    run_async(go())


def test_a_login_that_was_kept_is_of_the_provider_that_it_was_at() -> None:
    """The old provider's subject must not open the name to the new provider's of that number."""

    async def go() -> None:
        async with running(configured(one("generic-oauth", PLAIN | {"bindings": "off"}))) as (
            app,
            visitor,
        ):
            assert await status(visitor, app, PERSON) == 302
            app.authenticator.authorize_url = "https://new.example.org/authorize"
            app.authenticator.bindings = "enforce"
            assert await status(visitor, app, PERSON) == 403
            (owner,) = bindings.owners_of(app.db, "ada")
            assert owner.provider == "https://oidc.example.org"

    run_async(go())
