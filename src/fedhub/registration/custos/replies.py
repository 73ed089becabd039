"""What Custos answers, read with suspicion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from pydantic import SecretStr

from fedhub.registration.clients import Credentials
from fedhub.registration.errors import RegistrationError, UncertainError, UnreachableError
from fedhub.registration.tag import Tag

Status = Literal["UNKNOWN", "REQUESTED", "APPROVED", "DENIED", "CANCELLED", "ACTIVE", "DEACTIVATED"]
List = Literal["WHITELIST", "BACKLIST"]
"""Of institutions, in Custos' spelling."""


@dataclass(frozen=True)
class NewTenant:
    """What a request brought.

    Attributes:
        credentials: Custos tells the secret once.
        active: whether they count already; otherwise an administrator has to approve.
    """

    credentials: Credentials
    active: bool


@dataclass(frozen=True)
class Tenant:
    """A tenant as Custos shows it.

    Attributes:
        client_id: its id.
        status: where it stands.
        attributes: the other fields of the message, without a password.
    """

    client_id: str
    status: Status
    attributes: Mapping[str, Any]

    @property
    def tag(self) -> Tag | None:
        """Whose it is; None for a tenant that is not ours."""
        return Tag.parse(self.attributes.get("comment"))


@dataclass(frozen=True)
class TenantCredentials:
    """Both secrets of an active tenant.

    Attributes:
        custos: for `flavour: legacy`.
        keycloak: for `flavour: v1` and `keycloak`; the client id is the same.
    """

    custos: Credentials
    keycloak: Credentials


@dataclass(frozen=True)
class Institution:
    """An institution, by its entity id and its name."""

    entity_id: str
    name: str


def new_tenant(said: Mapping[str, Any]) -> NewTenant:
    """What a request brought.

    Raises:
        UncertainError: there is no id or no secret in it.
    """
    client_id, secret = said.get("client_id"), said.get("client_secret")
    if not (_is_text(client_id) and _is_text(secret)):
        raise UncertainError(
            "Custos took the request but did not tell the tenant's id and secret",
            fix="ask its administrators to delete the tenant, and request another",
        )
    credentials = Credentials(cast("str", client_id), SecretStr(cast("str", secret)))
    return NewTenant(credentials, said.get("is_activated") is True)


def tenant(said: object, what: str) -> Tenant:
    """A tenant.

    Args:
        said: the message.
        what: was asked, for the error.

    Raises:
        UnreachableError: it is not the message.
    """
    if not isinstance(said, Mapping):
        raise unreadable(what)
    client_id, status = said.get("client_id"), said.get("tenant_status")
    if not isinstance(client_id, str) or not client_id or status not in get_args(Status):
        raise unreadable(what)
    left = {n: v for n, v in said.items() if n not in ("admin_password", "client_id")}
    return Tenant(client_id, cast("Status", status), left)


def tenants(said: Mapping[str, Any], what: str) -> tuple[tuple[Tenant, ...], int]:
    """A page of a list of tenants, and how many there are in all.

    Raises:
        UnreachableError: it is not the message.
    """
    listed, total = said.get("tenant", []), said.get("total_num_of_tenants", 0)
    if not isinstance(listed, list) or isinstance(total, bool) or not isinstance(total, int):
        raise unreadable(what)
    return tuple(tenant(one, what) for one in listed), total


def credentials(said: Mapping[str, Any], client_id: str, what: str) -> TenantCredentials:
    """Both secrets of a tenant.

    Raises:
        UnreachableError: it is not the message, or another tenant's.
    """
    ids = (said.get("custos_client_id"), said.get("iam_client_id"))
    secrets = (said.get("custos_client_secret"), said.get("iam_client_secret"))
    if ids != (client_id, client_id) or not all(_is_text(secret) for secret in secrets):
        raise unreadable(what)
    custos, keycloak = (Credentials(client_id, SecretStr(str(one))) for one in secrets)
    return TenantCredentials(custos, keycloak)


def institutions(said: Mapping[str, Any], what: str) -> tuple[Institution, ...]:
    """A list of institutions.

    Raises:
        UnreachableError: it is not the message.
    """
    listed = said.get("institutions", [])
    if not isinstance(listed, list):
        raise unreadable(what)
    found = []
    for one in listed:
        if not isinstance(one, Mapping) or not _is_text(one.get("entity_id")):
            raise unreadable(what)
        name = one.get("display_name") or one.get("organization_name") or ""
        found.append(Institution(one["entity_id"], str(name)))
    return tuple(found)


def unreadable(what: str) -> RegistrationError:
    """An answer that is JSON, but not the message."""
    return UnreachableError(
        f"Custos can't be asked to {what}: the answer is not what its descriptors say",
        fix="check the address, which is that of Custos v1.0.0, without a path",
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
