"""A user name of the hub belongs to one person, whatever a provider calls whom."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fedhub_authenticators import bindings
from fedhub_authenticators.identity import Identity, identity_of
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from tests.asynchronous import run_async
from tests.unit.authenticators.bound_names import (
    ADA,
    CILOGON,
    EVE,
    HERE,
    REALM,
    THERE,
    hub,
    status,
)
from tests.unit.authenticators.logins import (
    GENERIC,
    authenticator_of,
    configured,
    one,
    running,
)

EVERYTHING: dict[str, Any] = {"name": None, "provider": None, "offset": 0, "limit": 100}


# --- logins -------------------------------------------------------------------------------


def test_another_institutions_person_does_not_get_somebodys_name() -> None:
    async def go() -> None:
        async with hub() as (app, visitor):
            assert await status(visitor, app, ADA) == 302
            reply = await visitor.log_in(app.authenticator, EVE)
            assert reply.status_code == 403
            assert "belongs to another account" in reply.text
            assert HERE not in reply.text
            assert await status(visitor, app, ADA) == 302

    run_async(go())


def test_upstream_gives_both_the_same_home() -> None:
    """What these tests are for."""
    from oauthenticator.cilogon import CILogonOAuthenticator
    from traitlets.config import Config

    from tests.unit.authenticators.logins import decide

    stock = CILogonOAuthenticator(config=Config({"CILogonOAuthenticator": CILOGON}))
    stock.expects_id_token = lambda: False
    first, second = (decide(stock, user) for user in (ADA, EVE))
    assert first
    assert second
    assert first["name"] == second["name"]


def test_the_same_person_may_have_two_names() -> None:
    async def go() -> None:
        async with hub() as (app, visitor):
            assert await status(visitor, app, ADA) == 302
            assert await status(visitor, app, ADA | {"email": "ada@uni.example.edu"}) == 302

    run_async(go())


@pytest.mark.parametrize("mode", ["observe", "off"])
def test_a_hub_can_be_watched_before_it_is_strict(mode: str) -> None:
    async def go() -> None:
        async with hub(bindings=mode) as (app, visitor):
            assert await status(visitor, app, ADA) == 302
            assert await status(visitor, app, EVE) == 302
            # Watching changes nothing: the name is still the first one's.
            bindings.ensure_table(app.db)
            owners = bindings.owners_of(app.db, "ada@example.org")
            assert [one.subject for one in owners] == (["1"] if mode == "observe" else [])

    run_async(go())


def test_a_hub_from_before_knows_its_people_by_their_last_login() -> None:
    async def go() -> None:
        async with hub() as (app, visitor):
            app.authenticator.bindings = "off"
            assert await status(visitor, app, ADA) == 302
            app.authenticator.bindings = "enforce"
            assert await status(visitor, app, EVE) == 403
            assert await status(visitor, app, ADA) == 302

    run_async(go())


def test_an_institution_that_is_told_later_locks_nobody_out() -> None:
    """As when an operator gives Keycloak the mapper that `idps` needs."""

    async def go() -> None:
        async with running(configured(one("keycloak", REALM))) as (app, visitor):
            ada = {"sub": "1", "preferred_username": "ada"}
            assert await status(visitor, app, ada) == 302
            assert await status(visitor, app, ada | {"idp": HERE}) == 302
            assert [one.idp for one in bindings.owners_of(app.db, "ada")] == [HERE]
            # From then on it counts.
            assert await status(visitor, app, ada) == 403
            assert await status(visitor, app, ada | {"idp": THERE}) == 403

    run_async(go())


def test_an_institution_that_is_told_later_ends_no_session() -> None:
    async def go() -> None:
        async with running(configured(one("keycloak", REALM))) as (app, visitor):
            ada = {"sub": "1", "preferred_username": "ada"}
            assert await status(visitor, app, ada) == 302
            user = app.users["ada"]
            told = app.authenticator.http_client.access_tokens
            for idp, status_code in ((HERE, 200), (THERE, 302)):
                token = (await user.get_auth_state())["access_token"]
                told[token] = ada | {"idp": idp}
                user._auth_refreshed = None
                assert (await visitor.get("/hub/home")).status_code == status_code

    run_async(go())


def test_whoever_is_not_identified_is_refused() -> None:
    async def go() -> None:
        async with hub(verify_id_token=False, scope=[]) as (app, visitor):
            for sub in (None, "", ["1"], {"a": 1}, True, 1.5):
                nobody = ADA | {"sub": sub}
                assert await status(visitor, app, nobody) == 403, sub

    run_async(go())


def test_a_deleted_users_name_is_free_again() -> None:
    async def go() -> None:
        async with hub() as (app, visitor):
            assert await status(visitor, app, ADA) == 302
            app.authenticator.delete_user(app.users["ada@example.org"])
            app.users.delete("ada@example.org")
            assert await status(visitor, app, EVE) == 302
            assert await status(visitor, app, ADA) == 403

    run_async(go())


def test_of_two_who_come_first_at_the_same_moment_one_is_first() -> None:
    async def go() -> None:
        async with hub() as (app, _visitor):

            class Request:
                db = app.db

                def find_user(self, name: str) -> Any:
                    return None

            async def come(user: dict[str, Any]) -> bool:
                model = {"name": "ada@example.org", "auth_state": {"cilogon_user": user}}
                try:
                    await app.authenticator.run_post_auth_hook(Request(), model)
                except bindings.Refused:
                    return False
                return True

            people = [ADA | {"sub": str(number)} for number in range(20)]
            assert sum(await asyncio.gather(*(come(user) for user in people))) == 1

    run_async(go())


def test_a_database_that_fails_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("select", {}, Exception("disk full"))

    async def go() -> None:
        async with hub() as (app, visitor):
            monkeypatch.setattr(bindings, "owners_of", fail)
            assert await status(visitor, app, ADA) == 503
            assert not list(app.users)

    run_async(go())


def test_providers_without_prefixes_of_their_own_are_told_apart() -> None:
    generic = GENERIC | {"username_claim": "name", "allow_all": True}
    settings = {
        "domain": "hub.example.org",
        "login": {
            "campus": {"authenticator": "generic-oauth", "prefix": "", "config": generic},
            "staff": {"authenticator": "github", "config": {"allow_all": True}},
        },
    }

    async def go() -> None:
        async with running(configured(settings)) as (app, visitor):
            campus, staff = app.authenticator.authenticators.values()
            people = {"sub": "1", "name": "ada"}, {"id": 7, "login": "ada", "email": "a@b.c"}
            assert (await visitor.log_in(campus, people[0], "/campus")).status_code == 302
            assert (await visitor.log_in(staff, people[1], "/staff")).status_code == 302
            sneaky = {"sub": "2", "name": "staff:ada"}
            assert (await visitor.log_in(campus, sneaky, "/campus")).status_code == 403
            names = {row["name"] for row in bindings.listed(app.db, **EVERYTHING)[0]}
            assert names == {"ada", "staff:ada"}
            # Deleting a user of a provider among several releases the hub's name.
            app.authenticator.delete_user(app.users["staff:ada"])
            names = {row["name"] for row in bindings.listed(app.db, **EVERYTHING)[0]}
            assert names == {"ada"}

    run_async(go())


def test_the_table_outlives_the_failure_of_what_made_it() -> None:
    """As on PostgreSQL, where a rollback takes back tables, too."""
    engine = create_engine("sqlite://", poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    with Session(engine) as db:
        bindings.ensure_table(db)
        db.rollback()
        bindings.ensure_table(db)
        assert bindings.owners_of(db, "ada") == {}


# --- who is who ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authenticator", "user", "expected"),
    [
        ("cilogon", ADA, Identity("https://cilogon.org", HERE, "1")),
        ("github", {"id": 7, "login": "ada"}, Identity("https://github.com", "", "7")),
        ("google", {"sub": "g", "id": "x"}, Identity("https://accounts.google.com", "", "g")),
        ("google", {"id": "x"}, Identity("https://accounts.google.com", "", "x")),
        ("globus", {"sub": "g"}, Identity("https://auth.globus.org", "", "g")),
        ("github", {"login": "ada"}, None),
        ("github", {"id": True}, None),
        ("github", [], None),
    ],
)
def test_who_a_provider_speaks_of(authenticator: str, user: Any, expected: Any) -> None:
    config = CILOGON if authenticator == "cilogon" else {}
    found = authenticator_of(configured(one(authenticator, config)))
    assert identity_of(found, user) == expected


identities = st.builds(
    Identity, st.sampled_from("pq"), st.sampled_from(["", "i", "j"]), st.sampled_from("123")
)


@given(st.lists(st.tuples(st.sampled_from("ab"), identities, st.booleans()), max_size=12))
def test_a_name_changes_hands_only_when_it_is_released(
    steps: list[tuple[str, Identity, bool]],
) -> None:
    owner: dict[str, Identity] = {}
    with Session(create_engine("sqlite://")) as db:
        bindings.ensure_table(db)
        for name, identity, released in steps:
            if released:
                bindings.release(db, name)
                owner.pop(name, None)
            owners = bindings.owners_of(db, name)
            if not owners or identity in owners:
                bindings.bind(db, name, identity)
                assert owner.setdefault(name, identity) == identity
            else:
                assert owner[name] != identity
