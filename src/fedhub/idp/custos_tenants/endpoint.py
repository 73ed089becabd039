"""The calls about tenants: request, show, change, delete, activate, list."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, jsonify, request

from fedhub.idp.client import Client
from fedhub.idp.custos_tenants import institutions
from fedhub.idp.custos_tenants.callers import authenticated, person, tenant_for
from fedhub.idp.custos_tenants.messages import (
    ONE_TENANT,
    STATUS,
    TENANT,
    TENANTS,
    asked,
    shown,
)
from fedhub.idp.custos_tenants.refusals import (
    INTERNAL,
    INVALID_ARGUMENT,
    RefusedError,
    invalid,
    unauthorized,
)
from fedhub.idp.custos_tenants.registry import LISTED, Status, Tenant
from fedhub.idp.state import State

PATH = "/tenant-management/v1.0.0"
TENANT_PATH = f"{PATH}/oauth2/tenant"
NEEDED = (
    ("client_name", "Client name"),
    ("domain", " Domain"),
    ("admin_first_name", " Admin first name"),
    ("admin_last_name", " Admin last name"),
    ("admin_email", " Admin email"),
    ("admin_username", " Admin username"),
    ("admin_password", " Admin password"),
    ("requester_email", "Admin requester email "),
    ("redirect_uris", "Redirect uris cannot be "),
)
"""Fields of a request, and Custos' words for them."""
ITS_OWN = ("tenant_id", "tenant_status", "client_id", "parent_tenant_id", "parent_client_id")
"""What Custos says itself, whatever a request says of it."""
METHOD = "client_secret_basic"
WAITS = (
    "Use Base64 encoded clientId:clientSecret as auth token for authorization, "
    "Credentials are activated after admin approval"
)


class Management:
    """The tenant management.

    Args:
        state: the provider's memory.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._tenants = state.tenants

    def create(self) -> Response:
        """Keep a request; below an active tenant it is activated at once."""
        said = asked(TENANT)
        parent = self._parent()
        self._check(said, "createTenant", "addTenant")
        tenant = self._tenants.add(_settings(said), parent=int(parent.realm) if parent else 0)
        if parent:
            tenant = self._set_status(tenant, "ACTIVE")
        return jsonify(
            client_id=tenant.client_id,
            client_secret=tenant.client_secret,
            is_activated=bool(parent),
            client_id_issued_at=tenant.issued_at,
            client_secret_expires_at=0.0,
            registration_client_uri=(
                f"{self._state.url}/apiserver{TENANT_PATH}?client_id={tenant.client_id}"
            ),
            token_endpoint_auth_method=METHOD,
            msg="Credentials are activated" if parent else WAITS,
        )

    def _parent(self) -> Client | None:
        if "Authorization" not in request.headers:
            return None
        try:
            return authenticated(self._state)
        except RefusedError as error:
            raise unauthorized("createTenant", error.message) from None

    @staticmethod
    def _check(said: dict[str, Any], call: str, inner: str) -> None:
        for name, words in NEEDED:
            if not said.get(name) and (name, inner) != ("admin_password", "updateTenant"):
                reason = f"INVALID_ARGUMENT: Error while validating method {inner}, {words}"
                text = f"Error occurred at {call} {reason} should not be null"
                raise RefusedError(INVALID_ARGUMENT, text)

    def show(self) -> Response:
        """What is known of a tenant, without its owner's password."""
        call = "getTenant"
        return jsonify(
            self._shown(tenant_for(self._state, call, asked(ONE_TENANT).get("client_id", "")))
        )

    def _shown(self, tenant: Tenant) -> dict[str, Any]:
        parent = self._tenants.by_id(tenant.parent)
        own = {
            "tenant_id": str(tenant.tenant_id),
            "tenant_status": tenant.status,
            "client_id": tenant.client_id,
            "parent_tenant_id": str(tenant.parent),
            "parent_client_id": parent.client_id if parent else "",
            "admin_password": "",
        }
        return shown(TENANT, {**tenant.settings, **own})

    def update(self) -> Response:
        """Replace a tenant; an active one's realm follows.

        The answer has the owner's password, which Custos keeps through a change.
        """
        call = "updateTenant"
        said = asked(ONE_TENANT, body_of=TENANT)
        body = said.get("body", {})
        with self._tenants.lock:
            client_id = said.get("client_id") or body.get("client_id", "")
            tenant = tenant_for(self._state, call, client_id)
            self._check(body, call, call)
            password = {"admin_password": tenant.settings["admin_password"]}
            tenant = self._tenants.change(tenant, settings=_settings(body) | password)
            self._follow(tenant)
        return jsonify(self._shown(tenant) | password)

    def delete(self) -> Response:
        """Delete a tenant with its credentials and its realm."""
        client_id = asked(ONE_TENANT).get("client_id", "")
        self._set_status(tenant_for(self._state, "deleteTenant", client_id), "DEACTIVATED")
        return jsonify({})

    def status(self) -> Response:
        """Activate or deny a tenant.

        The first one of an installation is made the super tenant by whoever comes first.
        """
        call = "updateTenantStatus"
        said = asked(STATUS)
        client_id, above_all = said.get("client_id", ""), said.get("super_tenant", False)
        if above_all and len(self._tenants.all()) > 1:
            raise unauthorized(call, "Request is not authorized, You have more than one tenant")
        if not above_all:
            who = person(self._state, call)
            if not (who.above_all and who.admin):
                raise unauthorized(call, "Request is not authorized")
        if not client_id:
            raise invalid(call, "Client Id should not be null")
        tenant = self._tenants.by_client(client_id)
        if tenant is None or (above_all and not said.get("updated_by")):
            raise RefusedError(INTERNAL, "Tenant update task failed for tenant 0")
        if above_all:
            tenant = self._tenants.change(tenant, above_all=True)
        status = cast("Status", said.get("status", "UNKNOWN"))
        self._set_status(tenant, status)
        return jsonify(tenant_id=str(tenant.tenant_id), status=status)

    def list(self) -> Response:
        """All tenants, for the super tenant's people."""
        call = "getAllTenants"
        said = asked(TENANTS)
        if not person(self._state, call).above_all:
            raise unauthorized(call, "Request is not authorized")
        limit, offset = said.get("limit", 0), said.get("offset", 0)
        email = said.get("requester_email", "")
        if not limit and not email:
            raise RefusedError(INTERNAL, f"Error occurred at {call} Limit should greater than 0")
        found = [one for one in self._tenants.all() if _matches(one, said)]
        page = found[offset : offset + limit] if limit else found
        return jsonify(
            tenant=[self._shown(tenant) for tenant in page], total_num_of_tenants=len(found)
        )

    def _set_status(self, tenant: Tenant, status: Status) -> Tenant:
        tenant = self._tenants.change(tenant, status=status)
        self._follow(tenant)
        return tenant

    def _follow(self, tenant: Tenant) -> None:
        """Have the realm, and those who log in there, know of a change."""
        settings = tenant.settings
        redirect_uris = (*settings["redirect_uris"], settings.get("client_uri", "").rstrip("/"))
        client = Client(
            provider="",
            face="custos",
            client_id=tenant.client_id,
            client_secret=tenant.client_secret,
            redirect_uris=tuple(filter(None, redirect_uris)),
            post_logout_redirect_uris=tuple(filter(None, redirect_uris)),
            realm=str(tenant.tenant_id),
        )
        if tenant.status == "ACTIVE":
            self._state.add_client(client)
        else:
            self._state.remove_client(client)


def _settings(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in ITS_OWN}


def _matches(tenant: Tenant, said: dict[str, Any]) -> bool:
    status, email = said.get("status", "UNKNOWN"), said.get("requester_email", "")
    parent = said.get("parent_id", "0")
    return (
        tenant.status in (LISTED if status == "UNKNOWN" else (status,))
        and email in ("", tenant.settings["requester_email"])
        and parent in ("0", str(tenant.parent))
        and (said.get("type") != "ADMIN" or not tenant.parent)
    )


def add_routes(routes: Blueprint, state: State) -> None:
    """Serve the tenant management; refusals are raised."""
    management = Management(state)
    for endpoint, method, path in (
        ("create", "POST", TENANT_PATH),
        ("show", "GET", TENANT_PATH),
        ("update", "PUT", TENANT_PATH),
        ("delete", "DELETE", TENANT_PATH),
        ("status", "POST", f"{PATH}/status"),
        ("list", "GET", f"{PATH}/tenants"),
    ):
        view = getattr(management, endpoint)
        routes.add_url_rule(path, f"tenant-{endpoint}", view, methods=[method])
    institutions.add_routes(routes, state, PATH)
