"""Tokens and codes with a role that the values have no more: the role is gone, they go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyterhub import orm
from oauthlib.common import Request
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import configured, one, running

SERVICE = {
    "oauth_redirect_uri": "https://grafana.example.org/callback",
    "api_token": "secret-of-grafana-" + "0123456789" * 3,
    "users": ["ada"],
}
TOKEN = "access-token-of-ada-" + "0123456789" * 3
CODE = "code-of-ada-" + "0123456789" * 2
SCOPES = ["custom:grafana:gone", "read:users:name!user"]


def hub(folder: Path) -> Config:
    c = Config()
    c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
    c.Authenticator.allowed_users = {"ada"}
    c.Authenticator.auth_refresh_age = 0  # she has not logged in
    settings = one("generic-oauth", {"userdata_url": "https://oidc.example.org/userinfo"})
    return configured(settings | {"services": {"grafana": SERVICE}}, c)


def test_a_token_outlives_its_role(tmp_path: Path) -> None:
    asked = {"Authorization": f"Bearer {TOKEN}"}

    async def before() -> None:
        async with running(hub(tmp_path)) as (app, _):
            client = app.oauth_provider.fetch_by_client_id("service-grafana")
            ada = orm.User.find(app.db, "ada")
            orm.APIToken.new(token=TOKEN, user=ada, oauth_client=client, scopes=[])
            # As a hub has left it that knew the role.
            orm.APIToken.find(app.db, TOKEN).scopes = SCOPES
            app.db.commit()

    async def after() -> Any:
        async with running(hub(tmp_path)) as (_, visitor):
            return await visitor.get("/hub/api/user", headers=asked)

    run_async(before())
    reply = run_async(after())
    assert reply.status_code == 200, reply.text
    assert reply.json()["name"] == "ada"
    assert not [scope for scope in reply.json()["scopes"] if scope.startswith("custom:")]


def test_a_code_on_its_way_outlives_its_role(tmp_path: Path) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": SERVICE["oauth_redirect_uri"],
        "client_id": "service-grafana",
        "client_secret": SERVICE["api_token"],
    }

    async def before() -> None:
        async with running(hub(tmp_path)) as (app, _):
            asked = Request("https://hub.example.org/")
            asked.scopes, asked.session_id = SCOPES, "of-ada"
            asked.user = app.users["ada"]
            validator = app.oauth_provider.request_validator
            validator.save_authorization_code("service-grafana", {"code": CODE}, asked)
            assert not app.db.query(orm.OAuthCode).filter_by(code=CODE).first(), "it can be read"

    async def after() -> tuple[Any, Any]:
        async with running(hub(tmp_path)) as (_, visitor):
            token = await visitor.post("/hub/api/oauth2/token", data=form)
            asked = {"Authorization": f"Bearer {token.json()['access_token']}"}
            return token, await visitor.get("/hub/api/user", headers=asked)

    run_async(before())
    token, reply = run_async(after())
    assert token.status_code == 200, token.text
    assert (reply.status_code, reply.json()["name"]) == (200, "ada")
    assert not [scope for scope in reply.json()["scopes"] if scope.startswith("custom:")]
