"""Custos and Keycloak: people of the listed institutions only, whoever else can sign in there."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fedhub_authenticators.custos import CustosOAuthenticator
from fedhub_authenticators.refusals import Reason, Refused
from jwt import encode
from oauthenticator.tests.mocks import MockAsyncHTTPClient
from traitlets import TraitError
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    ISSUER,
    PUBLIC_KEY,
    authenticator_of,
    configured,
    decide,
    id_token,
    one,
)
from tests.unit.authenticators.test_staying_in import refreshed

UNI = "https://idp.uni.example.edu/shibboleth"
OTHER = "https://idp.elsewhere.example/shibboleth"
KEYCLOAK = {"iam_url": "https://iam.example.org/auth", "realm": "r1", "allow_all": True}
ADA = {"sub": "1", "preferred_username": "ada"}


def keycloak(**traits: Any) -> Any:
    return authenticator_of(configured(one("keycloak", KEYCLOAK | {"idps": [UNI]} | traits)))


def refused(authenticator: Any, claims: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as error:
        decide(authenticator, ADA | claims)
    return error.value


def test_a_listed_institutions_people_are_taken_at_login_and_refresh() -> None:
    model = decide(keycloak(), ADA | {"idp": UNI})
    assert model is not None
    assert isinstance(refreshed(keycloak(), ADA | {"idp": UNI}), dict)


def test_a_list_of_institutions_lets_nobody_in_by_itself() -> None:
    assert refused(keycloak(allow_all=False), {"idp": UNI}).why is Reason.NOT_ALLOWED


@pytest.mark.parametrize(
    "claims",
    [
        {"idp": OTHER, "idp_name": "Elsewhere"},
        {"idp": UNI.upper()},
        {"idp": UNI + "/"},
        {"idp": ""},
        {"idp": [UNI]},
        {"idp": {UNI: True}},
        {"idp": 1},
        {},
        {"idp": None},
        {"identity_provider": "oidc"},
        {"idp": OTHER, "identity_provider": UNI},
    ],
)
def test_all_others_are_refused_at_login_and_refresh(claims: dict[str, Any]) -> None:
    assert refused(keycloak(), claims).why is Reason.INSTITUTION
    assert refreshed(keycloak(), ADA | claims) is False


def test_the_log_says_which_mappers_are_missing(caplog: pytest.LogCaptureFixture) -> None:
    authenticator = keycloak()
    authenticator.log = logging.getLogger("hub")
    refused(authenticator, {})
    assert "Attribute Importer" in caplog.text
    assert "User Attribute" in caplog.text


def test_all_sources_that_tell_must_tell_a_listed_one() -> None:
    """Userinfo has what the person's account holds now, the ID token what it held at login."""
    told = {"sub": "1", "aud": "the-hub", "idp": OTHER}
    authenticator = keycloak()

    async def go() -> None:
        tokens = {"access_token": "t", "id_token": id_token(told)}
        await authenticator.check_institution(tokens, ADA | {"idp": UNI})

    with pytest.raises(Refused):
        run_async(go())


def test_brokers_of_a_keycloak_can_be_listed_by_their_aliases() -> None:
    by_alias = keycloak(idps=["campus"], idp_claims=["identity_provider"])
    assert decide(by_alias, ADA | {"identity_provider": "campus"})
    assert refused(by_alias, {"identity_provider": "github"}).why is Reason.INSTITUTION


def test_without_a_list_nobody_asks() -> None:
    config = KEYCLOAK | {"idp_claims": ["idp"]}
    assert decide(authenticator_of(configured(one("keycloak", config))), ADA)


@pytest.mark.parametrize("idps", [[], [""], [UNI, " "], {UNI: {}}])
def test_a_list_that_lets_nobody_or_not_only_those_in_stops_the_hub(idps: Any) -> None:
    with pytest.raises(TraitError, match="idps"):
        CustosOAuthenticator(config=Config({"CustosOAuthenticator": {"idps": idps}}))


def institution_in(access_token: str) -> None:
    """Ask where nothing but the access token tells."""
    authenticator = keycloak(issuer=ISSUER, jwks_url=f"{ISSUER}/jwks")

    async def go() -> None:
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host("issuer.example.org", [("/jwks", lambda _: {"keys": [PUBLIC_KEY]})])
        authenticator.http_client = client
        await authenticator.check_institution({"access_token": access_token}, ADA)

    run_async(go())


def test_an_access_token_may_tell() -> None:
    institution_in(id_token({"idp": UNI, "aud": "account"}))
    with pytest.raises(Refused):
        institution_in(id_token({"idp": OTHER, "aud": "account"}))


def test_an_access_token_that_nobody_signed_tells_nothing() -> None:
    forged = encode({"idp": UNI, "iss": ISSUER, "exp": 9999999999}, "k" * 32, "HS256")
    with pytest.raises(Refused):
        institution_in(forged)
    with pytest.raises(Refused):
        institution_in("opaque")


# --- Custos' own list ---------------------------------------------------------------------

LIST = "/apiserver/tenant-management/v1.0.0/institutions/CILogon"


def by_custos_list(*answers: Any) -> list[bool]:
    """Whether somebody of UNI is taken, each time Custos gives another answer."""
    given = {"client_id": "c-1", "client_secret": "s", "idps_from_custos": True}
    authenticator = CustosOAuthenticator(config=Config({"CustosOAuthenticator": given}))
    left = list(answers)
    taken: list[bool] = []

    async def go() -> None:
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host("prod.custos.usecustos.org", [(LIST, lambda _: left.pop(0))])
        authenticator.http_client = client
        for _ in answers:
            try:
                await authenticator.check_institution({}, ADA | {"idp": UNI})
                taken.append(True)
            except Exception:  # noqa: BLE001 - whatever keeps somebody out
                taken.append(False)

    run_async(go())
    return taken


def test_custos_own_list_can_be_enforced() -> None:
    assert by_custos_list({"institutions": [{"entity_id": UNI}, {"entity_id": OTHER}]}) == [True]
    assert by_custos_list({"institutions": [{"entity_id": OTHER}]}) == [False]


@pytest.mark.parametrize(
    "answer",
    [
        {"institutions": []},
        {},
        [],
        None,
        500,
        b"<html>",
        {"institutions": [{"entity_id": 1}]},
        {"institutions": [UNI]},
        {"institutions": UNI},
    ],
)
def test_a_list_in_doubt_lets_nobody_in_and_is_not_kept(answer: Any) -> None:
    good = {"institutions": [{"entity_id": UNI}]}
    assert by_custos_list(answer, good) == [False, True]


def test_a_good_list_is_kept_for_a_while() -> None:
    good = {"institutions": [{"entity_id": UNI}]}
    assert by_custos_list(good, {"institutions": []}) == [True, True]
