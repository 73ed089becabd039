"""The providers of the matrix: oauthenticator's mocks, and what our classes ask beyond them.

Hides: addresses, Globus' tokens for several servers, where each provider keeps groups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from oauthenticator.tests.mocks import MockAsyncHTTPClient, setup_oauth_mock

from tests.unit.authenticators.logins import ENTITY, GENERIC, NONCE, speak_openid

CUSTOS = "custos.example.org"
LEGACY = "/apiserver/identity-management/v1.0.0"
MEMBERSHIPS = "/apiserver/group-management/v1.0.0/user/group/memberships"
IAM = "iam.example.org"
REALM = "/auth/realms/10000007/protocol/openid-connect"
GLOBUS_GROUPS = "groups.api.globus.org"


@dataclass(frozen=True)
class Person:
    """Somebody at a provider.

    Attributes:
        claims: userinfo.
        groups: what they are a member of there, wherever the provider says so.
    """

    claims: Mapping[str, Any]
    groups: Collection[str] = ()

    def without_groups(self) -> Person:
        """The same person, taken out of all groups."""
        return replace(self, groups=())


@dataclass(frozen=True)
class Provider:
    """A provider as an operator configures it, and as it answers.

    Attributes:
        authenticator: as `authenticator_class` takes it.
        config: what it needs to work at all; nobody gets in by it.
        ada: one of its people, in the group "staff".
        name: what the hub calls ada.
        staff: traits that let the group "staff" in, {} where there are none.
        staff_admins: traits that make the group "staff" admins.
        answer: sets the mock up for a person.
    """

    authenticator: str
    config: Mapping[str, Any]
    ada: Person
    name: str
    answer: Callable[[Any, Any, Person], None]
    staff: Mapping[str, Any] = field(default_factory=dict)
    staff_admins: Mapping[str, Any] = field(default_factory=dict)


def attach(
    provider: Provider, authenticator: Any, person: Person, nonce: str = NONCE
) -> MockAsyncHTTPClient:
    """Have a provider answer about a person; call it with an event loop running."""
    client = MockAsyncHTTPClient(force_instance=True)
    provider.answer(authenticator, client, person)
    speak_openid(authenticator, client, nonce)
    return client


def _claimed(host: str, token: str, user: str, claim: str) -> Callable[[Any, Any, Person], None]:
    """A provider that tells groups in a claim, which no mock of oauthenticator's changes later."""

    def answer(authenticator: Any, client: Any, person: Person) -> None:
        setup_oauth_mock(client, host, token, user)
        pages = dict(client.hosts[host])
        told = pages[user]

        def with_groups(request: Any) -> Any:
            found = told(request)
            return found | {claim: sorted(person.groups)} if isinstance(found, dict) else found

        client.hosts[host] = [(token, pages[token]), (user, with_groups)]

    return answer


def _memberships(person: Person) -> list[tuple[str, Any]]:
    groups = [{"id": name, "name": f"name of {name}"} for name in sorted(person.groups)]
    return [(MEMBERSHIPS, lambda request: {"groups": groups})]


def _custos_legacy(authenticator: Any, client: Any, person: Person) -> None:
    setup_oauth_mock(client, CUSTOS, f"{LEGACY}/token")

    def user(request: Any) -> Any:
        # In the header are the tenant's credentials, not the person's token.
        token = parse_qs(urlsplit(request.url).query)["access_token"][0]
        return client.access_tokens.get(token, 401)

    token_page = client.hosts[CUSTOS][0]
    client.hosts[CUSTOS] = [token_page, (f"{LEGACY}/user", user), *_memberships(person)]


def _custos_keycloak(authenticator: Any, client: Any, person: Person) -> None:
    setup_oauth_mock(client, IAM, f"{REALM}/token", f"{REALM}/userinfo")
    client.add_host(CUSTOS, _memberships(person))


def _github(authenticator: Any, client: Any, person: Person) -> None:
    setup_oauth_mock(client, ["github.com", "api.github.com"], "/login/oauth/access_token", "/user")

    def member(request: Any) -> int:
        return 204 if urlsplit(request.url).path.split("/")[2] in person.groups else 404

    client.hosts["api.github.com"] += [
        (re.compile(r"/orgs/[^/]+/members/ada$"), member),
        (re.compile(r"/user/orgs$"), lambda _: [{"login": name} for name in person.groups]),
        (re.compile(r"/user/teams$"), lambda _: []),
    ]


def _google(authenticator: Any, client: Any, person: Person) -> None:
    setup_oauth_mock(client, "www.googleapis.com", "/oauth2/v4/token", "/oauth2/v1/userinfo")

    async def groups(*args: Any, **kwargs: Any) -> set[str]:
        return set(person.groups)

    # The real one asks with a service account of Google's, for which there is no mock.
    authenticator._fetch_member_groups = groups


def _globus(authenticator: Any, client: Any, person: Person) -> None:
    setup_oauth_mock(client, "auth.globus.org", "/v2/oauth2/token", "/v2/oauth2/userinfo")
    (token_page, token), user = client.hosts["auth.globus.org"]
    other = {"resource_server": GLOBUS_GROUPS, "access_token": "g", "token_type": "Bearer"}

    def tokens(request: Any) -> Any:
        found = token(request)
        if not isinstance(found, dict):
            return found
        return found | {"resource_server": "auth.globus.org", "other_tokens": [other]}

    client.hosts["auth.globus.org"] = [(token_page, tokens), user]
    groups = [{"id": name} for name in person.groups]
    client.add_host(GLOBUS_GROUPS, [("/v2/groups/my_groups", lambda _: groups)])


def _gitlab(authenticator: Any, client: Any, person: Person) -> None:
    setup_oauth_mock(client, "gitlab.com", "/oauth/token", "/api/v4/user")

    def member(request: Any) -> int:
        return 200 if urlsplit(request.url).path.split("/")[4] in person.groups else 404

    client.hosts["gitlab.com"] += [
        ("/api/v4/version", lambda _: {"version": "17.0.0"}),
        (re.compile(r"/api/v4/groups/[^/]+/members/all/1$"), member),
    ]


KEYCLOAK_ADA = Person({"sub": "1", "preferred_username": "ada"}, ["staff"])
CUSTOS_TENANT = {
    "client_id": "custos-abc-10000007",
    "client_secret": "s",
    "custos_host": CUSTOS,
    "iam_url": f"https://{IAM}/auth",
}
BY_GROUP = {"staff": {"allowed_groups": ["staff"]}, "staff_admins": {"admin_groups": ["staff"]}}
MANAGED = {"manage_groups": True}

PROVIDERS: dict[str, Provider] = {
    "cilogon": Provider(
        "cilogon",
        {
            "idps": {ENTITY: {"username_derivation": {"username_claim": "eppn"}}},
            "auth_state_groups_key": "cilogon_user.isMemberOf",
            **MANAGED,
        },
        Person({"sub": "1", "idp": ENTITY, "eppn": "ada@uni.example.edu"}, ["staff"]),
        "ada@uni.example.edu",
        _claimed("cilogon.org", "/oauth2/token", "/oauth2/userinfo", "isMemberOf"),
        **BY_GROUP,
    ),
    "custos legacy": Provider(
        "custos",
        CUSTOS_TENANT,
        Person({"sub": "1", "username": "ada", "email_address": "ada@example.edu"}, ["staff"]),
        "ada",
        _custos_legacy,
        **BY_GROUP,
    ),
    "custos v1": Provider(
        "custos",
        CUSTOS_TENANT | {"flavour": "v1"},
        KEYCLOAK_ADA,
        "ada",
        _claimed(
            CUSTOS,
            "/api/v1/identity-management/token",
            "/api/v1/user-management/userinfo",
            "groups",
        ),
        **BY_GROUP,
    ),
    "custos keycloak": Provider(
        "custos",
        CUSTOS_TENANT | {"flavour": "keycloak", "custos_client_secret": "c"},
        KEYCLOAK_ADA,
        "ada",
        _custos_keycloak,
        **BY_GROUP,
    ),
    "keycloak": Provider(
        "keycloak",
        {"iam_url": f"https://{IAM}/auth", "realm": "10000007"},
        KEYCLOAK_ADA,
        "ada",
        _claimed(IAM, f"{REALM}/token", f"{REALM}/userinfo", "groups"),
        **BY_GROUP,
    ),
    "github": Provider(
        "github",
        {},
        Person({"login": "Ada", "id": 1, "email": "ada@example.org"}, ["staff"]),
        "ada",
        _github,
        staff={"allowed_organizations": ["staff"]},
        staff_admins={"admin_groups": ["staff"], **MANAGED},
    ),
    "gitlab": Provider(
        "gitlab",
        {},
        Person({"username": "ada", "id": 1, "email": "ada@example.org"}, ["staff"]),
        "ada",
        _gitlab,
        staff={"allowed_gitlab_groups": ["staff"]},
    ),
    "google": Provider(
        "google",
        {},
        Person({"sub": "1", "email": "ada@lab.example", "verified_email": True}, ["staff"]),
        "ada@lab.example",
        _google,
        staff={"allowed_google_groups": {"lab.example": {"staff"}}},
        staff_admins={"admin_google_groups": {"lab.example": {"staff"}}},
    ),
    "globus": Provider(
        "globus",
        {},
        Person({"sub": "1", "preferred_username": "ada@globusid.org"}, ["staff"]),
        "ada",
        _globus,
        staff={"allowed_globus_groups": ["staff"]},
        staff_admins={"admin_globus_groups": ["staff"]},
    ),
    "generic": Provider(
        "generic-oauth",
        GENERIC
        | MANAGED
        | {"username_claim": "preferred_username", "auth_state_groups_key": "oauth_user.groups"},
        KEYCLOAK_ADA,
        "ada",
        _claimed("oidc.example.org", "/token", "/userinfo", "groups"),
        **BY_GROUP,
    ),
}
