"""Nobody is known by an e-mail address that the provider says is not theirs."""

from __future__ import annotations

from typing import Any

import pytest
from fedhub_authenticators.refusals import Reason, Refused
from oauthenticator.generic import GenericOAuthenticator

from tests.unit.authenticators.logins import GENERIC, authenticator_of, configured, decide, one

BOSS = "boss@uni.example.edu"
REALM = {"iam_url": "https://iam.example.org/auth", "realm": "r1"}
OWN = {"generic-oauth": GENERIC, "keycloak": REALM}
MALLORY = {"sub": "2", "email": BOSS, "email_verified": False, "preferred_username": "mallory"}


def hub(name: str, **traits: Any) -> Any:
    config = OWN[name] | {"allow_all": True, "admin_users": [BOSS], "username_claim": "email"}
    return authenticator_of(configured(one(name, config | traits)))


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("says", [False, None, "false", 0, 1, "", [], "yes"])
def test_an_address_that_is_not_verified_names_nobody(name: str, says: Any) -> None:
    with pytest.raises(Refused) as error:
        decide(hub(name), MALLORY | {"email_verified": says})
    assert error.value.why is Reason.EMAIL


def test_upstream_makes_them_an_admin() -> None:
    config = GENERIC | {"allow_all": True, "admin_users": {BOSS}, "username_claim": "email"}
    stock = GenericOAuthenticator(**config, scope=["email"])
    stock.expects_id_token = lambda: False
    model = decide(stock, MALLORY)
    assert model is not None
    assert (model["name"], model["admin"]) == (BOSS, True)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("says", [{"email_verified": True}, {"email_verified": "true"}, {}])
def test_a_verified_address_does_and_so_does_one_of_which_nothing_is_said(
    name: str, says: dict[str, Any]
) -> None:
    model = decide(hub(name), {"sub": "1", "email": BOSS, **says})
    assert model is not None
    assert model["name"] == BOSS


@pytest.mark.parametrize("name", OWN)
def test_people_who_are_called_otherwise_need_no_address(name: str) -> None:
    model = decide(hub(name, username_claim="preferred_username"), MALLORY)
    assert model is not None
    assert model["name"] == "mallory"


def test_a_user_name_that_is_the_address_counts_whatever_claim_it_came_from() -> None:
    """As in a Keycloak realm where people sign up with their address as user name."""
    with pytest.raises(Refused):
        decide(
            hub("keycloak", username_claim="preferred_username"),
            MALLORY | {"preferred_username": BOSS.upper()},
        )


def test_the_operator_may_take_them() -> None:
    model = decide(hub("generic-oauth", allow_unverified_email=True), MALLORY)
    assert model is not None
    assert model["name"] == BOSS
