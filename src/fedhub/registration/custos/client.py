"""What a tenant does with its own id and secret, and, without any, the request for one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import httpx
from pydantic import SecretStr

from fedhub.registration.calls import TIMEOUT, Calls
from fedhub.registration.clients import Credentials
from fedhub.registration.custos import replies
from fedhub.registration.custos.bearers import TenantBearer
from fedhub.registration.custos.refusals import CUSTOS
from fedhub.registration.errors import UncertainError, UnreachableError

IDENTITY = "/apiserver/identity-management/v1.0.0"
TENANTS = "/apiserver/tenant-management/v1.0.0"
ONE_TENANT = f"{TENANTS}/oauth2/tenant"
FILTER = f"{TENANTS}/cache/institutions/CILogon"


class TenantClient:
    """One tenant, or nobody. A context manager: it keeps connections open.

    Args:
        address: of Custos, such as `https://custos.example.org`.
        tenant: who asks; None for nobody.
        timeout: seconds per request.
        wait: sleeps for these seconds between attempts.

    Raises:
        UsageError: the address is not HTTPS.
    """

    def __init__(
        self,
        address: str,
        tenant: Credentials | None = None,
        *,
        timeout: httpx.Timeout | float = TIMEOUT,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tenant = tenant
        auth = TenantBearer(tenant) if tenant else None
        self._calls = Calls(address.rstrip("/"), auth, CUSTOS, timeout=timeout, wait=wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.close()

    def request(self, attributes: Mapping[str, Any], password: SecretStr) -> replies.NewTenant:
        """Request a tenant; never sent twice, since Custos makes one for each.

        Whoever asks as an active tenant gets one below it, which is active at once. The fields are
        sent as JSON, as all clients do: by the letter of the descriptor they would stand in the
        address, with the password.

        Args:
            attributes: fields of the message `Tenant`.
            password: of the owner's account, which is made when the tenant is activated.

        Raises:
            UncertainError: there may be a tenant now. Its secret is lost, and nobody but Custos'
                administrators can look.
            RegistrationError: there is none.
        """
        body = {**attributes, "admin_password": password.get_secret_value()}
        said = self._calls.send("POST", "request the tenant", path=ONE_TENANT, body=body)
        return replies.new_tenant(said)

    def credentials(self, client_id: str) -> replies.TenantCredentials:
        """Both secrets, once the tenant is active.

        Args:
            client_id: of the tenant that asks, or of one below it; below the super tenant are all.

        Raises:
            CredentialsError: the tenant is not active, or not known, or the secret is wrong.
            RegistrationError: they can't be had.
        """
        what = f"tell the credentials of {client_id}"
        query = {"client_id": client_id}
        said = self._calls.send("GET", what, path=f"{IDENTITY}/credentials", query=query)
        return replies.credentials(said, client_id, what)

    def sign_in(self, username: str, password: SecretStr) -> tuple[SecretStr, float]:
        """Sign somebody in at the tenant's realm.

        Returns:
            An access token, and how many seconds it lasts.

        Raises:
            CredentialsError: name or password are wrong, or the tenant is not active.
            RegistrationError: nobody can be signed in.
        """
        what = f"sign {username} in"
        given = {"grant_type": "password", "username": username}
        body = {**given, "password": password.get_secret_value()}
        try:
            said = self._calls.send("POST", what, path=f"{IDENTITY}/token", body=body)
        except UncertainError:
            words = f"Custos can't be asked to {what}: the answer was lost"
            raise UnreachableError(words, fix="try again") from None
        token, lasts = said.get("access_token"), said.get("expires_in")
        if not isinstance(token, str) or not isinstance(lasts, int | float):
            raise replies.unreadable(what)
        return SecretStr(token), float(lasts)

    def institutions(self, on: replies.List = "WHITELIST") -> tuple[replies.Institution, ...]:
        """The institutions on a list of this tenant's, as far as CILogon has them.

        Raises:
            RegistrationError: they can't be had.
        """
        what = "list the institutions"
        said = self._calls.send("GET", what, path=FILTER, query={"type": on})
        return replies.institutions(said, what)

    def add_institutions(self, entity_ids: Sequence[str], on: replies.List = "WHITELIST") -> None:
        """Put institutions on a list: that of the only ones people are shown, or of those left out.

        Raises:
            RegistrationError: one is on a list already, and nothing was done; or nobody knows.
        """
        body = {"institution_ids": list(entity_ids), "type": on}
        self._calls.send("POST", "add the institutions", path=FILTER, body=body)

    def remove_institutions(self, entity_ids: Sequence[str]) -> None:
        """Take institutions off both lists; one that is on none is fine.

        Raises:
            RegistrationError: they were not taken off, or nobody knows.
        """
        query = {"institution_ids": list(entity_ids)}
        self._calls.send("DELETE", "remove the institutions", path=FILTER, query=query)
