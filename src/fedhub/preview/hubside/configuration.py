"""Configures the preview's hub process: `load` is all that its configuration file calls."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from fedhub_authenticators import configure
from fedhub_authenticators.oidc_issuer import move_issuer
from tornado.web import HTTPError, RequestHandler

from fedhub.preview.hubside import chart, verdicts, z2jh
from fedhub.preview.hubside.loopback import stay_on_this_machine
from fedhub.preview.hubside.providers import point_at_identity_provider
from fedhub.preview.hubside.setup import SETUP_FD, Setup
from fedhub.preview.hubside.spawner import PreviewSpawner

VERDICTS = "/preview/verdicts"
"""Where the hub answers requests for verdicts, below its prefix."""

PERSONAS = "/preview/personas"
"""Where it says who can sign in."""


def load(c: Any) -> None:
    """Configure the hub from the set-up that comes through a pipe; answer with its providers."""
    with os.fdopen(int(os.environ.pop(SETUP_FD))) as pipe:
        setup = Setup(**json.loads(pipe.read()))
    providers = configure_as_pod(c, setup)
    _as_preview(c, setup)
    with os.fdopen(setup.answer_fd, "w") as answer:
        named = c.JupyterHub.authenticator_class.__name__
        answer.write(json.dumps({"authenticator": named, "providers": providers}) + "\n")


def configure_as_pod(c: Any, setup: Setup) -> list[dict[str, Any]]:
    """Do what a hub pod does with the values, then point the providers at the preview's own."""
    configure_from_values(c, setup)
    stay_on_this_machine()  # after the values' own code, which could have chosen a client
    return point_at_identity_provider(c, setup)


def configure_from_values(c: Any, setup: Setup) -> None:
    """Do what a hub pod does with the values."""
    if setup.modules:
        sys.path.insert(0, setup.modules)
    z2jh.install(setup.values)
    chart.apply(c, setup)
    configure(c, _with_made_up_secrets(z2jh.get_config("global.fedhub") or {}))
    namespace = {
        "c": c,
        "os": os,
        "sys": sys,
        "get_config": z2jh.get_config,
        "get_secret_value": z2jh.get_secret_value,
        "set_config_if_not_none": z2jh.set_config_if_not_none,
    }
    for file in sorted(setup.config_files):
        code = Path(file).read_text(encoding="utf-8")
        exec(compile(code, file, "exec"), namespace)  # noqa: S102 - it is configuration
    chart.extra_config(namespace)


def _with_made_up_secrets(settings: dict[str, Any]) -> dict[str, Any]:
    """Leave out where a pod would find credentials, and give services the tokens they lack."""
    found = dict(settings)
    if found.get("login"):
        found["login"] = {
            name: {key: value for key, value in (provider or {}).items() if key != "credentials"}
            for name, provider in found["login"].items()
            if provider is not None
        }
    if found.get("services"):
        found["services"] = {
            name: {"api_token": secrets.token_hex(32), **service}
            for name, service in found["services"].items()
            if service is not None
        }
    oidc = found.get("oidc") or {}
    if oidc.get("enabled") and not oidc.get("privateKey"):
        from fedhub.secrets.signing import new_signing_key

        found["oidc"] = {**oidc, "privateKey": new_signing_key()}
    return found


def _as_preview(c: Any, setup: Setup) -> None:
    """Replace what needs a cluster. Comes last: nothing in the values may undo it."""
    c.JupyterHub.bind_url = (
        setup.public_url + "/" + str(c.JupyterHub.get("base_url", "")).strip("/")
    )
    move_issuer(c, setup.public_url)
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{setup.hub_port}"
    c.JupyterHub.hub_connect_url = f"http://127.0.0.1:{setup.hub_port}"
    c.JupyterHub.db_url = "sqlite://"
    c.JupyterHub.spawner_class = PreviewSpawner
    c.JupyterHub.proxy_class = "configurable-http-proxy"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = setup.proxy_api_url
    c.ConfigurableHTTPProxy.auth_token = setup.proxy_token
    personas: dict[str, list[str]] = {}
    groups = c.JupyterHub.get("load_groups") or {}
    c.JupyterHub.extra_handlers = [
        *(c.JupyterHub.get("extra_handlers") or []),
        (
            VERDICTS,
            _VerdictsHandler,
            {"token": setup.token, "groups": groups, "personas": personas},
        ),
        (PERSONAS, _PersonasHandler, {"personas": personas}),
    ]
    spawner = c.KubeSpawner
    spawner.homes = str(Path(setup.folder) / "homes")
    if os.geteuid() == 0:
        # A notebook server refuses to run as root unless told; a preview has no other user.
        spawner.args = [
            "--allow-root",
            *(c.Spawner.get("args") or []),
            *(spawner.get("args") or []),
        ]


class _VerdictsHandler(RequestHandler):
    """POST {provider: [persona, …]} → {"verdicts": {persona: …}}."""

    def initialize(
        self, token: str, groups: dict[str, Any], personas: dict[str, list[str]]
    ) -> None:
        self._token = token
        self._groups = groups
        self._personas = personas

    def check_xsrf_cookie(self) -> None:
        """Nothing to check: the bearer token is in no cookie."""

    def prepare(self) -> None:
        given = self.request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            raise HTTPError(403)

    async def post(self) -> None:
        personas = json.loads(self.request.body)
        found = await verdicts.verdicts(self.settings["authenticator"], personas, self._groups)
        self._personas.update(personas)
        self.finish(verdicts.dumps(found))


class _PersonasHandler(RequestHandler):
    """GET → {"personas": {provider: [persona, …]}}, for who plays an application here.

    The sign-in page of the identity provider has the same names.
    """

    def initialize(self, personas: dict[str, list[str]]) -> None:
        self._personas = personas

    def get(self) -> None:
        self.finish({"personas": self._personas})
