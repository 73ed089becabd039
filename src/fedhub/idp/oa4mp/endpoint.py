"""The four requests: POST registers, GET shows or lists, PUT replaces, DELETE forgets.

Each method checks who asks in its own way, as OA4MP's servlet does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from fedhub.idp.oa4mp import body as asked
from fedhub.idp.oa4mp import shown
from fedhub.idp.oa4mp.credentials import (
    NoCredentialsError,
    UnapprovedAdminError,
    UnknownAdminError,
    WrongSecretError,
    admin_of,
)
from fedhub.idp.oa4mp.registry import AdminClient, Registered, Registry, Release
from fedhub.idp.oa4mp.replies import RefusalError, broken, invalid, ok
from fedhub.idp.state import State

PATH = "/oauth2/oidc-cm"
API_VERSIONS = ("latest", "v5.5")
DEFAULTS_QUERY = "org.oa4mp:/server#defaults"
NOT_JSON = "Unsupported encoding for body of POST. Request rejected."
METHODS = {
    "client-create": "POST",
    "client-show": "GET",
    "client-update": "PUT",
    "client-delete": "DELETE",
}
"""Endpoints as faults name them."""


class Management:
    """The endpoint of one server.

    Args:
        state: the provider's memory.
        scopes: those the server knows.
    """

    def __init__(self, state: State, scopes: tuple[str, ...]) -> None:
        self._state = state
        self._scopes = scopes

    @property
    def _registry(self) -> Registry:
        return self._state.registry

    @property
    def _release(self) -> Release:
        return self._state.oa4mp

    @property
    def _address(self) -> str:
        return self._state.url + PATH

    def create(self, version: str) -> Response:
        """Register a client.

        Raises:
            RefusalError: it is refused.
        """
        kind = request.headers.get("Content-Type")
        if kind is None:
            raise broken("Null pointer")
        if "application/json" not in kind:
            said = {"error": "unsupported encoding", "description": NOT_JSON}
            return ok(said, self._release, 415)
        try:
            admin = admin_of(self._authorization, self._registry)
        except NoCredentialsError as error:
            raise broken(str(error)) from None
        except (UnknownAdminError, UnapprovedAdminError, WrongSecretError) as error:
            raise broken(f"Bad admin client {request.remote_addr}:{error}") from None
        body = asked.parse(request.get_data())
        with self._registry.lock:
            self._check_quota(admin)
            return self._register(admin, body, version)

    def _check_quota(self, admin: AdminClient) -> None:
        # One more than the quota gets through: OA4MP compares before it adds.
        if admin.max_clients < len(self._registry.clients_of(admin)):
            raise broken(f"Max client count of {admin.max_clients} exceeded.")

    def _register(self, admin: AdminClient, body: dict[str, Any], version: str) -> Response:
        as_array = isinstance(body.get("scope"), list)
        public, settings, extra = asked.read(body, new=True)
        if version:
            extra["api_version"] = version
        new, secret = self._registry.create(admin, public=public, settings=settings, extra=extra)
        reply: dict[str, Any] = {"client_id": new.client_id}
        if secret:
            reply["client_secret"] = secret
            reply["client_id_issued_at"] = new.issued_at
            reply["client_secret_expires_at"] = 0
        reply["registration_client_uri"] = shown.registration_uri(self._address, new.client_id)
        scope = settings["scope"]
        reply["scope"] = scope if as_array else " ".join(scope)
        return ok(reply, self._release, 201)

    def show(self, version: str) -> Response:
        """Show one client, list all, or tell the server's defaults.

        OA4MP goes on after some failures to authenticate; what then comes of it is a null pointer
        in Java, or, in the old release, the client.

        Raises:
            RefusalError: it is refused.
        """
        admin = self._admin_or_none()
        if DEFAULTS_QUERY in request.args.getlist("query"):
            return ok(shown.defaults(self._state.url, self._release), self._release)
        if "query" in request.args:
            return ok({}, self._release)
        client_id = request.args.get("client_id", "")
        if not client_id:
            return self._list(admin)
        if self._release == "6.3.2":
            self._check_it_administers(admin, client_id)
        found = self._registry.get(client_id)
        if found is None:
            raise invalid("no such client")
        return ok(shown.client(found, self._address, self._release), self._release)

    def _admin_or_none(self) -> AdminClient | None:
        try:
            return admin_of(self._authorization, self._registry)
        except NoCredentialsError as error:
            raise broken(f"{error}, anonymous access denied") from None
        except UnknownAdminError as error:
            if self._release == "5.5":
                return None
            raise broken(f"{error}, anonymous access denied") from None
        except (UnapprovedAdminError, WrongSecretError):
            return None

    def _list(self, admin: AdminClient | None) -> Response:
        if admin is None:
            raise broken("Null pointer")
        clients = []
        for client in self._registry.clients_of(admin):
            name = client.settings["client_name"]
            clients.append({"client_id": client.client_id} | ({"name": name} if name else {}))
        return ok({"clients": clients}, self._release)

    def _check_it_administers(self, admin: AdminClient | None, client_id: str) -> None:
        if admin is None:
            raise broken("Null pointer")
        if client_id not in {client.client_id for client in self._registry.clients_of(admin)}:
            words = f'this admin client does not administer the client with ID "{client_id}".'
            raise broken(words)

    def update(self, version: str) -> Response:
        """Replace a client.

        Raises:
            RefusalError: it is refused.
        """
        admin = self._admin_of_change()
        body = asked.parse(request.get_data())
        with self._registry.lock:
            named = asked.text(body, "client_id") if "client_id" in body else ""
            old = self._registry.get(named or request.args.get("client_id", ""))
            if old is None:
                raise invalid("unknown client", "unauthorized_client")
            self._check_ownership(admin, old)
            return self._replace(old, body)

    def _replace(self, old: Registered, body: dict[str, Any]) -> Response:
        if not body:
            raise invalid("invalid request")
        forbidden = {"registration_access_token", "client_secret_expires_at", "client_id_issued_at"}
        if forbidden & body.keys():
            raise invalid("invalid parameter")
        self._check_scopes(old, body)
        if "client_secret" in body and not old.has_secret(asked.text(body, "client_secret")):
            raise RefusalError(403, "invalid_request", "client id does not match")
        body = {n: v for n, v in body.items() if n not in ("client_id", "client_secret")}
        _, settings, extra = asked.read(body, new=False, public=old.public)
        new = self._registry.update(old, settings=settings, extra=extra)
        return ok(shown.client(new, self._address, self._release), self._release)

    def _check_scopes(self, old: Registered, body: dict[str, Any]) -> None:
        """Whether the server knows all scopes; the new release looks only where asked to."""
        looks = body.get("use_server_scopes", old.settings["use_server_scopes"])
        if self._release == "6.3.2" and looks not in (True, "true"):
            return
        if not set(asked.words(body, "scope")) <= set(self._scopes):
            raise RefusalError(403, "invalid_scope", "invalid scope")

    def delete(self, version: str) -> Response:
        """Forget a client; also a client that is not there.

        Raises:
            RefusalError: it is refused.
        """
        admin = self._admin_of_change()
        client_id = request.args.get("client_id", "")
        if not client_id:
            raise invalid("Missing client id")
        with self._registry.lock:
            found = self._registry.get(client_id)
            if found is not None:
                self._check_ownership(admin, found)
                self._registry.delete(client_id)
        return Response(status=204)

    def _admin_of_change(self) -> AdminClient:
        """Who asks for a PUT or a DELETE."""
        try:
            return admin_of(self._authorization, self._registry)
        except (UnknownAdminError, UnapprovedAdminError):
            words = "unknown client"
            raise RefusalError(400, "unauthorized_client", words, plain=True) from None
        except (NoCredentialsError, WrongSecretError) as error:
            raise broken(str(error)) from None

    @staticmethod
    def _check_ownership(admin: AdminClient, client: Registered) -> None:
        if client.admin.client_id != admin.client_id:
            raise RefusalError(403, "access_denied", "access denied")

    @property
    def _authorization(self) -> str:
        return request.headers.get("Authorization", "")


def add_routes(routes: Blueprint, state: State, scopes: tuple[str, ...]) -> None:
    """Serve the endpoint; the new release has API versions below it."""
    management = Management(state, scopes)

    def answer(act: Callable[[str], Response], version: str = "") -> Response:
        known = not version or version in API_VERSIONS
        try:
            if not known:
                raise broken(f'unknown api version "{version}"')
            return act(version)
        except RefusalError as error:
            return error.response()

    for endpoint, method in METHODS.items():
        act = getattr(management, endpoint.removeprefix("client-"))
        view = _bound(answer, act)
        routes.add_url_rule(PATH, endpoint, view, methods=[method])
        routes.add_url_rule(f"{PATH}/<version>", endpoint, view, methods=[method])


def _bound(answer: Callable[..., Response], act: Callable[[str], Response]) -> Any:
    return lambda version="": answer(act, version)
