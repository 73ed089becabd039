"""CILogon: the institution decides, at login and at every refresh."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fedhub_authenticators.refusals import Reason, Refused
from hypothesis import given
from hypothesis import strategies as st
from tornado.web import HTTPError
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    ENTITY,
    authenticator_of,
    configured,
    decide,
    one,
    running,
)
from tests.unit.authenticators.test_staying_in import refreshed

GOOGLE = "http://google.com/accounts/o8/id"
ELSEWHERE = "https://idp.elsewhere.example/shibboleth"


def rule(claim: str = "eppn", **more: Any) -> dict[str, Any]:
    derivation = {"username_claim": claim}
    for key in ("action", "domain", "prefix"):
        if key in more:
            derivation[key] = more.pop(key)
    return {"username_derivation": derivation, **more}


def cilogon(idps: dict[str, Any] | None = None, **traits: Any) -> Any:
    config = {"idps": idps or {ENTITY: rule(allow_all=True)}, **traits}
    return authenticator_of(configured(one("cilogon", config)))


def person(**claims: Any) -> dict[str, Any]:
    at_home = {"sub": "http://cilogon.org/serverA/users/1", "idp": ENTITY, "idp_name": "Uni"}
    found = at_home | {"eppn": "ada@uni.example.edu", "email": "ada@uni.example.edu"} | claims
    return {name: value for name, value in found.items() if value is not ...}


def refused(authenticator: Any, claims: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as error:
        decide(authenticator, claims)
    return error.value


def name_of(authenticator: Any, claims: dict[str, Any]) -> str | None:
    """The hub's name of somebody, None for whoever is refused: an invalid name never gets in."""
    try:
        model = decide(authenticator, claims)
    except Refused:
        return None
    assert model is not None, "JupyterHub refused it with no word of ours"
    return str(model["name"])


# --- the institution ----------------------------------------------------------------------


@pytest.mark.parametrize("idp", [..., None, "", [], [ENTITY], {ENTITY: 1}, 0, True])
def test_an_institution_that_is_not_told_is_a_refusal_at_login_and_a_login_at_refresh(
    idp: Any,
) -> None:
    error = refused(cilogon(), person(idp=idp))
    assert (error.status_code, error.why) == (403, Reason.PROVIDER)
    assert "did not say at which institution" in str(error.log_message)
    assert refreshed(cilogon(), person(idp=idp)) is False


def test_upstream_answers_that_with_an_internal_error() -> None:
    from oauthenticator.cilogon import CILogonOAuthenticator

    config = Config({"CILogonOAuthenticator": {"idps": {ENTITY: rule()}}})
    with pytest.raises(HTTPError) as error:
        CILogonOAuthenticator(config=config).user_info_to_username(person(idp=...))
    assert error.value.status_code == 500


@pytest.mark.parametrize("idp", [ELSEWHERE, ENTITY + "/", ENTITY.upper(), f" {ENTITY}"])
def test_an_institution_that_is_not_listed_is_refused_at_login_and_refresh(idp: str) -> None:
    error = refused(cilogon(), person(idp=idp, idp_name="Elsewhere College"))
    assert error.why is Reason.INSTITUTION
    assert "Elsewhere College" in str(error.log_message)
    assert refreshed(cilogon(), person(idp=idp)) is False


@pytest.mark.parametrize("name", [..., None, "", ["Uni"], 3])
def test_an_institution_without_a_name_goes_by_its_host(name: Any) -> None:
    error = refused(cilogon(), person(idp=ELSEWHERE, idp_name=name))
    assert "at idp.elsewhere.example, but" in str(error.log_message)


@pytest.mark.parametrize("value", [..., None, "", [], ["ada@uni.example.edu"], {"a": 1}, 7, False])
def test_a_user_name_that_is_none_is_a_refusal_at_login_and_refresh(value: Any) -> None:
    error = refused(cilogon(), person(eppn=value))
    assert (error.status_code, error.why) == (403, Reason.NO_NAME)
    assert refreshed(cilogon(), person(eppn=value)) is False


def test_the_log_says_which_claim_of_which_institution(caplog: pytest.LogCaptureFixture) -> None:
    authenticator = cilogon()
    authenticator.log = logging.getLogger("hub")
    refused(authenticator, person(eppn=...))
    assert f"of {ENTITY}, the claim eppn: it is missing" in caplog.text


# --- domains ------------------------------------------------------------------------------

BY_DOMAIN = rule("email", allowed_domains=["uni.example.edu", "*.uni.example.edu"])


@pytest.mark.parametrize(
    ("email", "allowed"),
    [
        ("ada@uni.example.edu", True),
        ("ada@UNI.example.edu", True),
        ("ada@physics.uni.example.edu", True),
        ("ada@evil.example", False),
        ("ada@uni.example.edu.evil.example", False),
        ("ada@notuni.example.edu", False),
        # one address, or none
        ("eve@evil.example@uni.example.edu", False),
        ("eve@evil.example;ada@uni.example.edu", False),
        # a sign that is shown like a full stop
        ("ada@uni.example.edu\u2024", False),
    ],
)
def test_a_domain_is_what_follows_the_only_at_sign(email: str, allowed: bool) -> None:
    authenticator = cilogon({ENTITY: BY_DOMAIN})
    assert (name_of(authenticator, person(email=email)) is not None) is allowed
    assert isinstance(refreshed(authenticator, person(email=email)), dict) is allowed


def test_a_domain_that_only_looks_like_the_listed_one_is_another() -> None:
    tack = cilogon({ENTITY: rule("email", allowed_domains=["tack.example"])})
    assert name_of(tack, person(email="ada@tack.example")) == "ada@tack.example"
    assert name_of(tack, person(email="ada@tac\u212a.example")) is None


def test_a_domain_that_only_looks_like_the_institutions_is_not_taken_off() -> None:
    stripped = rule(action="strip_idp_domain", domain="tack.example", allow_all=True)
    assert name_of(cilogon({ENTITY: stripped}), person(eppn="ada@tack.example")) == "ada"
    assert name_of(cilogon({ENTITY: stripped}), person(eppn="ada@tac\u212a.example")) is None


@pytest.mark.parametrize("value", [..., None, "", ["uni.example.edu"], 1, {"uni.example.edu": 1}])
def test_a_domain_claim_that_is_none_is_a_refusal(value: Any) -> None:
    by_claim = rule(allowed_domains=["uni.example.edu"], allowed_domains_claim="affiliation")
    authenticator = cilogon({ENTITY: by_claim})
    assert name_of(authenticator, person(affiliation=value)) is None
    assert refreshed(authenticator, person(affiliation=value)) is False


def test_who_is_let_in_by_name_needs_no_domain() -> None:
    by_claim = rule(allowed_domains=["uni.example.edu"], allowed_domains_claim="affiliation")
    authenticator = cilogon({ENTITY: by_claim}, allowed_users=["ada@uni.example.edu"])
    assert name_of(authenticator, person()) == "ada@uni.example.edu"


# --- user names ---------------------------------------------------------------------------


def test_a_domain_is_taken_off_and_a_prefix_put_on() -> None:
    two = {
        ENTITY: rule(action="strip_idp_domain", domain="uni.example.edu", allow_all=True),
        GOOGLE: rule("email", action="prefix", prefix="google", allow_all=True),
    }
    assert name_of(cilogon(two), person()) == "ada"
    assert name_of(cilogon(two), person(eppn="ada@other.example")) == "ada@other.example"
    assert (
        name_of(cilogon(two), person(idp=GOOGLE, email="Ada@gmail.com")) == "google:ada@gmail.com"
    )


@pytest.mark.parametrize(
    "eppn",
    [
        # nothing is left, or what a path or a log line would break at
        *("@uni.example.edu", " @uni.example.edu", "a/b@uni.example.edu", "a\n@uni.example.edu"),
        *("ada@uni.example.edu ", "x" * 300, "a\x00@uni.example.edu"),
        # zero width, fullwidth, the Kelvin sign, two signs for one letter, a line separator
        *("\u200bada@uni.example.edu", "\uff41da@uni.example.edu", "\u212aim@uni.example.edu"),
        *("a\u0308da@uni.example.edu", "a\u2028@uni.example.edu"),
    ],
)
def test_what_can_be_no_name_never_becomes_one(eppn: str) -> None:
    stripped = rule(action="strip_idp_domain", domain="uni.example.edu", allow_all=True)
    assert refused(cilogon({ENTITY: stripped}), person(eppn=eppn)).why is Reason.NO_NAME


@pytest.mark.parametrize("name", ["google:eve", "Google:Eve", "GOOGLE:eve"])
def test_nobody_gets_a_name_that_starts_with_another_institutions_prefix(name: str) -> None:
    two = {
        ENTITY: rule(allow_all=True),
        GOOGLE: rule("email", action="prefix", prefix="google", allow_all=True),
    }
    assert refused(cilogon(two), person(eppn=name)).why is Reason.NAME_TAKEN
    assert refreshed(cilogon(two), person(eppn=name)) is False


def test_a_longer_prefix_keeps_its_names_from_a_shorter_one() -> None:
    two = {
        ENTITY: rule(action="prefix", prefix="uni", allow_all=True),
        GOOGLE: rule(action="prefix", prefix="uni:staff", allow_all=True),
    }
    assert name_of(cilogon(two), person(idp=GOOGLE, eppn="eve")) == "uni:staff:eve"
    assert name_of(cilogon(two), person(eppn="staff:eve")) is None
    assert name_of(cilogon(two), person(eppn="eve")) == "uni:eve"


def test_prefixes_that_differ_in_case_alone_stop_the_hub() -> None:
    with pytest.raises(ValueError, match="lower case"):
        cilogon(
            {
                ENTITY: rule(action="prefix", prefix="Uni"),
                GOOGLE: rule(action="prefix", prefix="uni"),
            }
        )


def test_two_entity_ids_of_one_institution_may_share_a_prefix() -> None:
    both = rule(action="prefix", prefix="uni", allow_all=True)
    authenticator = cilogon({ENTITY: both, ELSEWHERE: both})
    assert name_of(authenticator, person(eppn="ada")) == "uni:ada"
    assert name_of(authenticator, person(eppn="bob", idp=ELSEWHERE)) == "uni:bob"


PREFIXES = st.text("ab:.-@ Kk\u212a", min_size=1, max_size=4)
VALUES = st.text(max_size=6) | st.text("abA:/@ \u212a\u200b\n.", max_size=8)


@given(PREFIXES, PREFIXES, VALUES, VALUES)
def test_two_institutions_prefixes_never_make_one_name_of_two_people(
    one_prefix: str, other_prefix: str, one_value: str, other_value: str
) -> None:
    rules = {
        ENTITY: rule(action="prefix", prefix=one_prefix, allow_all=True),
        ELSEWHERE: rule(action="prefix", prefix=other_prefix, allow_all=True),
    }
    if one_prefix == other_prefix:
        return  # the operator says that they are one
    try:
        authenticator = cilogon(rules)
    except ValueError:
        return
    here = derived(authenticator, ENTITY, one_value)
    there = derived(authenticator, ELSEWHERE, other_value)
    assert here is None or here != there


@given(VALUES, st.sampled_from(["", "strip_idp_domain", "prefix"]))
def test_a_name_that_comes_out_is_one_that_the_hub_takes(value: str, action: str) -> None:
    more = {"action": action, "domain": "a.b", "prefix": "p"} if action else {}
    authenticator = cilogon({ENTITY: rule(allow_all=True, **more)})
    name = derived(authenticator, ENTITY, value)
    if name is not None:
        assert authenticator.validate_username(name)
        assert name.isprintable()
        assert authenticator.normalize_username(name) == name


@given(VALUES, VALUES)
def test_different_claims_make_different_names_but_for_upper_and_lower_case(
    one_value: str, other_value: str
) -> None:
    authenticator = cilogon()
    here, there = (derived(authenticator, ENTITY, value) for value in (one_value, other_value))
    if one_value.lower() != other_value.lower():
        assert here is None or here != there


def derived(authenticator: Any, idp: str, value: str) -> str | None:
    """The hub's name for a claim, None where it is refused; without a login, which takes long."""
    try:
        name = authenticator.user_info_to_username(person(idp=idp, eppn=value))
    except Refused:
        return None
    return str(authenticator.normalize_username(name))


# --- settings -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["cilogon.org", "test.cilogon.org", "dev.cilogon.org"])
def test_everything_follows_from_the_host(host: str) -> None:
    found = cilogon(cilogon_host=host)
    assert found.issuer_address() == f"https://{host}"
    assert found.default_jwks_url() == f"https://{host}/oauth2/certs"
    assert found.authorize_url == f"https://{host}/authorize"
    assert found.token_url == f"https://{host}/oauth2/token"
    assert found.userdata_url == f"https://{host}/oauth2/userinfo"


def test_people_are_sent_to_the_test_server_with_the_skin_and_the_institutions() -> None:
    config = {"idps": {ENTITY: rule(), GOOGLE: rule(default=True)}, "skin": "ours"}
    config |= {"cilogon_host": "test.cilogon.org", "client_id": "c"}

    async def visit() -> None:
        async with running(configured(one("cilogon", config))) as (_, visitor):
            reply = await visitor.get("/hub/oauth_login")
            assert reply.headers["location"].startswith("https://test.cilogon.org/authorize?")
            visitor.cookies.clear()
            query = await visitor.begin("/hub/oauth_login")
            assert (query["skin"], query["selected_idp"]) == ("ours", f"{GOOGLE},{ENTITY}")

    run_async(visit())


def test_the_old_name_of_the_list_still_works(caplog: pytest.LogCaptureFixture) -> None:
    config = {"allowed_idps": {ENTITY: rule(allow_all=True)}}
    authenticator = authenticator_of(configured(one("cilogon", config)))
    assert "use CILogonOAuthenticator.idps instead" in caplog.text
    assert name_of(authenticator, person()) == "ada@uni.example.edu"
    assert refused(authenticator, person(idp=ELSEWHERE)).why is Reason.INSTITUTION


def test_both_names_of_the_list_at_once_stop_the_hub_and_say_what_to_write() -> None:
    """One file of a hub's values has the old name, another the new: which is meant?"""
    config = {"allowed_idps": {ENTITY: rule()}, "idps": {ELSEWHERE: rule()}}
    with pytest.raises(ValueError, match="put all of them under idps, and remove allowed_idps"):
        authenticator_of(configured(one("cilogon", config)))
