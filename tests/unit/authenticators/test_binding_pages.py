"""Operators list, release and link user names through the hub's API, and nobody else does."""

from __future__ import annotations

from typing import Any

import pytest
from fedhub_authenticators import bindings
from jupyterhub.orm import Role
from jupyterhub.roles import create_role, grant_role

from tests.asynchronous import run_async
from tests.unit.authenticators.bound_names import (
    ADA,
    EVE,
    HERE,
    THERE,
    hub,
    status,
    token,
)


def test_operators_list_release_and_link() -> None:
    async def go() -> None:
        async with hub(admin_users=["admin@example.org"]) as (app, visitor):
            admin = {"sub": "9", "email": "admin@example.org", "idp": HERE}
            for user in (admin, ADA):
                assert await status(visitor, app, user) == 302
            visitor.cookies.clear()
            address = "/hub/api/fedhub/bindings"
            may = token(app, "admin:users", "list:users", "read:users")
            found = (await visitor.get(address, headers=may)).json()
            assert [(one["name"], one["subject"]) for one in found["bindings"]] == [
                ("ada@example.org", "1"),
                ("admin@example.org", "9"),
            ]
            assert (found["total"], found["next"]) == (2, None)
            page = (await visitor.get(f"{address}?limit=1", headers=may)).json()
            assert (len(page["bindings"]), page["next"]) == (1, 1)
            endless = await visitor.get(f"{address}?limit=0", headers=may)
            assert endless.status_code == 400
            assert (await visitor.post(address, headers=may, json=[])).status_code == 204

            eve = {"provider": found["bindings"][0]["provider"], "idp": THERE, "subject": "2"}
            name = f"{address}/ada@example.org"
            assert (await visitor.put(name, headers=may, json=eve)).status_code == 204
            assert await status(visitor, app, EVE) == 302
            assert await status(visitor, app, ADA) == 302

            visitor.cookies.clear()
            one_of_them = {"provider": eve["provider"], "subject": "1"}
            reply = await visitor.delete(name, headers=may, params=one_of_them)
            assert reply.status_code == 204
            assert await status(visitor, app, ADA) == 403
            visitor.cookies.clear()
            assert (await visitor.delete(name, headers=may)).status_code == 204
            assert (await visitor.delete(name, headers=may)).status_code == 404
            assert await status(visitor, app, EVE) == 302

    run_async(go())


def test_others_may_not() -> None:
    async def go() -> None:
        async with hub(admin_users=["admin@example.org"]) as (app, visitor):
            await status(visitor, app, {"sub": "9", "email": "admin@example.org", "idp": HERE})
            visitor.cookies.clear()
            address = "/hub/api/fedhub/bindings"
            name = f"{address}/admin@example.org"
            for headers in ({}, token(app, "self"), token(app, "read:users!user")):
                for ask in (
                    visitor.get(address, headers=headers),
                    visitor.delete(name, headers=headers),
                    visitor.put(name, headers=headers, json={"provider": "p", "subject": "s"}),
                ):
                    assert (await ask).status_code in (403, 404)
            assert len(bindings.owners_of(app.db, "admin@example.org")) == 1

    run_async(go())


def test_who_may_administer_some_users_may_not_hand_over_names() -> None:
    async def go() -> None:
        async with hub(admin_users=["admin@example.org"]) as (app, visitor):
            admin = {"sub": "9", "email": "admin@example.org", "idp": HERE}
            for user in (admin, ADA):
                assert await status(visitor, app, user) == 302
            visitor.cookies.clear()
            headers = token(app, "admin:users!group=course", "admin:users!user=ada@example.org")
            for name in ("ada@example.org", "admin@example.org", "nobody@example.org"):
                await expect_refused(visitor, name, headers)
            assert await status(visitor, app, EVE) == 403

    run_async(go())


def test_only_admins_hand_over_an_admins_name() -> None:
    async def go() -> None:
        async with hub(admin_users=["admin@example.org"]) as (app, visitor):
            admin = {"sub": "9", "email": "admin@example.org", "idp": HERE}
            for user in (admin, ADA):
                assert await status(visitor, app, user) == 302
            visitor.cookies.clear()
            create_role(app.db, {"name": "helpdesk", "scopes": ["admin:users"]})
            helper = app.users["ada@example.org"]
            grant_role(app.db, entity=helper.orm_user, role=Role.find(app.db, "helpdesk"))
            made = helper.new_api_token(scopes=["admin:users"])
            headers = {"Authorization": f"token {made}"}
            await expect_refused(visitor, "admin@example.org", headers)
            link = {"provider": "https://cilogon.org", "subject": "2"}
            address = "/hub/api/fedhub/bindings/ada@example.org"
            reply = await visitor.put(address, headers=headers, json=link)
            assert reply.status_code == 204

    run_async(go())


async def expect_refused(visitor: Any, name: str, headers: dict[str, str]) -> None:
    """Try to link and to release a name; both must be forbidden."""
    address = f"/hub/api/fedhub/bindings/{name}"
    link = {"provider": "https://cilogon.org", "idp": THERE, "subject": "2"}
    assert (await visitor.put(address, headers=headers, json=link)).status_code == 403
    assert (await visitor.delete(address, headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"provider": "p"}',
        b'{"provider": "", "subject": "s"}',
        b'{"provider": "p", "subject": 1}',
        b'{"provider": "p", "subject": "s", "more": "m"}',
        b'{"provider": "' + b"p" * 10_000 + b'", "subject": "s"}',
    ],
)
def test_an_identity_that_makes_no_sense_is_not_linked(body: bytes) -> None:
    async def go() -> None:
        async with hub(admin_users=["admin@example.org"]) as (app, visitor):
            await status(visitor, app, {"sub": "9", "email": "admin@example.org", "idp": HERE})
            visitor.cookies.clear()
            headers = token(app, "admin:users") | {"Content-Type": "application/json"}
            reply = await visitor.put("/hub/api/fedhub/bindings/ada", headers=headers, content=body)
            assert reply.status_code in (400, 413)
            assert not bindings.owners_of(app.db, "ada")

    run_async(go())
