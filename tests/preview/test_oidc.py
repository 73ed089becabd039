"""The hub as an OpenID Connect issuer lets in whom the hub lets in, and tells what it may."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from tests.oidc_hub import (
    ASKS,
    GRAFANA,
    GUEST,
    INSIDER,
    OPERATOR,
    OTHER,
    OUTSIDER,
    PLAIN,
    VERIFIER,
    Application,
    Person,
    answer_of,
    code_for,
    log_until,
    write_values,
)
from tests.previews import RunningHub, running_hub


def claims_in(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def user_info(hub: RunningHub, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{hub.url}hub/oidc/userinfo", headers=headers, trust_env=False)


# --- who gets in --------------------------------------------------------------------------


def test_whom_the_hub_does_not_let_use_the_service_is_refused_there(hub: RunningHub) -> None:
    with Person(hub, OUTSIDER) as outsider:
        page = outsider.go(GRAFANA.address(hub))
        assert page.status_code == 403
        assert "You may not use grafana" in page.text


def test_the_form_of_the_question_is_no_way_round_it(hub: RunningHub) -> None:
    with Person(hub, OUTSIDER) as outsider:
        outsider.go(GRAFANA.address(hub))
        xsrf = outsider.cookies.get("_xsrf", path="/hub/") or ""
        for address in (GRAFANA.address(hub), GRAFANA.address(hub, at=f"{PLAIN}authorize")):
            page = outsider.post(address, data={"_xsrf": xsrf, "scopes": "read:users:name!user"})
            assert page.status_code == 403, page.headers
            assert "location" not in page.headers
            assert "You may not use grafana" in page.text


def test_somebody_is_asked_where_the_operator_says_so(hub: RunningHub) -> None:
    with Person(hub, INSIDER) as person:
        page = person.go(ASKS.address(hub))
        assert page.status_code == 200
        assert "Authorize" in page.text
        agreed = person.agree_to(hub, ASKS)
        assert agreed.headers["location"].startswith(f"{ASKS.callback}&code=")
    token = ASKS.redeem(hub, answer_of(agreed)["code"]).json()
    assert claims_in(token["id_token"])["nonce"] == "the-nonce"
    assert "groups" not in claims_in(token["id_token"]), "it may not read them"
    assert "groups" not in user_info(hub, token["access_token"]).json()


def test_a_service_that_may_read_groups_learns_them(hub: RunningHub) -> None:
    token = GRAFANA.redeem(hub, code_for(hub)).json()
    assert claims_in(token["id_token"])["groups"] == ["instructors"]
    assert user_info(hub, token["access_token"]).json()["groups"] == ["instructors"]


def test_who_is_removed_meanwhile_is_out_and_comes_back_as_another(hub: RunningHub) -> None:
    with Person(hub, OUTSIDER) as somebody:
        token = ASKS.redeem(hub, answer_of(somebody.agree_to(hub, ASKS))["code"]).json()
        claims = claims_in(token["id_token"])
        waiting = answer_of(somebody.agree_to(hub, ASKS))["code"]
        removed = httpx.delete(
            f"{hub.url}hub/api/users/{claims['preferred_username']}",
            headers={"Authorization": f"token {OPERATOR}"},
            trust_env=False,
        )
        assert removed.status_code == 204
        refused = ASKS.redeem(hub, waiting)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert user_info(hub, token["access_token"]).status_code == 401
    with Person(hub, OUTSIDER) as successor:
        token = ASKS.redeem(hub, answer_of(successor.agree_to(hub, ASKS))["code"]).json()
    later = claims_in(token["id_token"])
    assert later["preferred_username"] == claims["preferred_username"]
    assert later["sub"] != claims["sub"]


def test_somebody_is_the_same_subject_each_time(hub: RunningHub) -> None:
    first, second = (
        claims_in(GRAFANA.redeem(hub, code_for(hub)).json()["id_token"]) for _ in range(2)
    )
    assert first["sub"] == second["sub"]
    assert first["exp"] - first["iat"] == 600


# --- the redirect address; test_redirect_addresses.py has what others do not do -----------------


@pytest.mark.parametrize("change", [{"scope": "openid admin:users"}, {"prompt": "login"}], ids=str)
def test_errors_go_to_the_registered_address_alone(
    hub: RunningHub, person: Person, change: dict[str, str]
) -> None:
    reply = person.get(GRAFANA.address(hub, **change))
    where = urlsplit(reply.headers["location"])
    assert where._replace(query="", fragment="").geturl() == GRAFANA.callback


def test_two_redirect_addresses_are_none(hub: RunningHub, person: Person) -> None:
    twice = GRAFANA.address(hub) + "&redirect_uri=https://evil.example/"
    assert person.get(twice).status_code == 400
    assert person.get(GRAFANA.address(hub, redirect_uri=None)).status_code == 400


def test_only_services_of_fedhub_are_clients(hub: RunningHub, person: Person) -> None:
    assert person.get(OTHER.address(hub)).status_code == 400
    code = plain_code(hub, person, OTHER)
    assert OTHER.redeem(hub, code).status_code == 401
    token = OTHER.redeem(hub, code, at=f"{PLAIN}token").json()["access_token"]
    assert user_info(hub, token).status_code == 401


def plain_code(hub: RunningHub, person: Person, application: Application) -> str:
    """Return a code of JupyterHub's own OAuth."""
    plain = person.get(application.address(hub, at=f"{PLAIN}authorize", scope=None))
    return answer_of(plain)["code"]


# --- codes --------------------------------------------------------------------------------


def test_a_code_is_good_once(hub: RunningHub) -> None:
    code = code_for(hub)
    assert GRAFANA.redeem(hub, code).status_code == 200
    again = GRAFANA.redeem(hub, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    log_until(hub, "there is no such code")


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": None},
        {"redirect_uri": "http://127.0.0.1:9/login/"},
        {"redirect_uri": None},
        {"client_id": ASKS.client_id, "client_secret": ASKS.secret},
    ],
    ids="-".join,
)
def test_a_code_is_bound_to_the_login_that_it_came_from(
    hub: RunningHub, change: dict[str, str | None]
) -> None:
    code = code_for(hub)
    refused = GRAFANA.redeem(hub, code, **change)
    assert refused.status_code == 400
    assert "id_token" not in refused.json()
    assert GRAFANA.redeem(hub, code).status_code == 400, "it is used up"


def test_a_verifier_without_a_challenge_is_refused(hub: RunningHub) -> None:
    code = code_for(hub, code_challenge=None, code_challenge_method=None)
    assert GRAFANA.redeem(hub, code).status_code == 400


def test_pkce_is_the_applications_choice_and_only_as_s256(hub: RunningHub, person: Person) -> None:
    code = code_for(hub, code_challenge=None, code_challenge_method=None)
    assert GRAFANA.redeem(hub, code, code_verifier=None).status_code == 200
    for method in ("plain", None):
        reply = person.get(
            GRAFANA.address(hub, code_challenge=VERIFIER[:43], code_challenge_method=method)
        )
        assert answer_of(reply)["error"] == "invalid_request"


def test_a_hub_may_ask_for_pkce(tmp_path_factory: pytest.TempPathFactory) -> None:
    values = write_values(tmp_path_factory.mktemp("strict"), require_pkce=True)
    with running_hub(values) as strict, Person(strict, INSIDER) as visitor:
        without = visitor.go(
            GRAFANA.address(strict, code_challenge=None, code_challenge_method=None)
        )
        assert answer_of(without)["error"] == "invalid_request"
        by_oauth = visitor.go(
            GRAFANA.address(
                strict,
                at=f"{PLAIN}authorize",
                scope=None,
                code_challenge=None,
                code_challenge_method=None,
            )
        )
        assert "code" in answer_of(by_oauth), "it is asked of OpenID Connect alone"
        # An application that begins silently learns it, too, whoever is logged in.
        without = httpx.get(
            GRAFANA.address(strict, code_challenge=None, code_challenge_method=None, prompt="none")
        )
        assert answer_of(without)["error"] == "invalid_request"
        code = answer_of(visitor.go(GRAFANA.address(strict)))["code"]
        assert GRAFANA.redeem(strict, code, code_verifier=None).status_code == 400
        code = answer_of(visitor.go(GRAFANA.address(strict)))["code"]
        assert GRAFANA.redeem(strict, code).status_code == 200


@pytest.mark.parametrize("of_one", [True, False])
def test_a_service_says_for_itself_whether_it_needs_pkce(
    tmp_path_factory: pytest.TempPathFactory, of_one: bool
) -> None:
    values = write_values(tmp_path_factory.mktemp("own"), require_pkce=not of_one, asks_pkce=of_one)
    without = {"code_challenge": None, "code_challenge_method": None}
    with running_hub(values) as hub, Person(hub, INSIDER) as visitor:
        asks = visitor.go(ASKS.address(hub, **without))
        other = visitor.go(GRAFANA.address(hub, **without))
        if of_one:
            assert answer_of(asks)["error"] == "invalid_request"
            assert "code" in answer_of(other)
        else:
            assert asks.status_code == 200, "it asks people"
            assert answer_of(other)["error"] == "invalid_request"


def test_the_hubs_own_token_endpoint_knows_no_code_of_the_issuer(hub: RunningHub) -> None:
    code = code_for(hub)
    refused = GRAFANA.redeem(hub, code, at=f"{PLAIN}token", code_verifier=None)
    assert refused.status_code == 400
    assert GRAFANA.redeem(hub, code).status_code == 200


def test_the_issuer_knows_no_code_of_the_hubs_own_endpoint(hub: RunningHub, person: Person) -> None:
    assert GRAFANA.redeem(hub, plain_code(hub, person, GRAFANA)).status_code == 400


# --- the client's secret --------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["wrong", None, "", ASKS.secret])
def test_a_wrong_secret_gets_nothing(hub: RunningHub, secret: str | None) -> None:
    code = code_for(hub)
    refused = GRAFANA.redeem(hub, code, client_secret=secret)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert GRAFANA.redeem(hub, code).status_code == 200, "nobody else can use a code up"


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic ???", "Basic bm9jb2xvbg==", "Digest x", "Basic //79", "Basic OjE="],
)
def test_nonsense_for_credentials_gets_nothing(hub: RunningHub, header: str) -> None:
    refused = httpx.post(
        f"{hub.url}hub/oidc/token",
        data={"grant_type": "authorization_code", "code": "x", "redirect_uri": GRAFANA.callback},
        headers={"Authorization": header},
        trust_env=False,
    )
    assert refused.status_code == 401


@pytest.mark.parametrize("body", [b"\xff", b"{}", b"code=a&code=b", b"a=b&" * 100])
def test_what_is_no_form_is_a_bad_request(hub: RunningHub, body: bytes) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = httpx.post(f"{hub.url}hub/oidc/token", content=body, headers=kind, trust_env=False)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


# --- without a word to the person -----------------------------------------------------------


def test_an_application_may_ask_silently(hub: RunningHub, person: Person) -> None:
    assert "code" in answer_of(person.get(GRAFANA.address(hub, prompt="none")))
    with Person(hub, OUTSIDER) as nobody:
        answer = answer_of(nobody.get(GRAFANA.address(hub, prompt="none")))
        assert (answer["error"], answer["state"]) == ("login_required", "the-state")


def test_silence_is_no_consent(hub: RunningHub) -> None:
    with Person(hub, GUEST) as somebody:
        somebody.go(GRAFANA.address(hub))  # logs in, and is refused
        answer = answer_of(somebody.get(ASKS.address(hub, prompt="none")))
        assert answer["error"] == "consent_required"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"prompt": "login"}, "login_required"),
        ({"max_age": "0"}, "login_required"),
        ({"nonce": "n" * 1001}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
        ({"response_type": "code id_token"}, "unauthorized_client"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_what_the_hub_cannot_do_it_says(
    hub: RunningHub, person: Person, change: dict[str, str], error: str
) -> None:
    answer = answer_of(person.get(GRAFANA.address(hub, **change)))
    assert answer["error"] == error
    assert "code" not in answer


# --- user information -----------------------------------------------------------------------


def test_a_token_ends_with_the_session_at_the_hub(hub: RunningHub) -> None:
    with Person(hub, INSIDER) as somebody:
        code = answer_of(somebody.go(GRAFANA.address(hub)))["code"]
        token = GRAFANA.redeem(hub, code).json()["access_token"]
        assert user_info(hub, token).json()["preferred_username"] == "gil-instructors"
        somebody.get(f"{hub.url}hub/logout")
        ended = user_info(hub, token)
    assert ended.status_code == 401
    assert "invalid_token" in ended.headers["www-authenticate"]


def test_other_tokens_of_the_hub_say_nothing_here(hub: RunningHub) -> None:
    assert user_info(hub, GRAFANA.secret).status_code == 401
    assert user_info(hub, "nonsense").status_code == 401


def test_cookies_do_not_count_for_user_information(hub: RunningHub, person: Person) -> None:
    assert person.get(f"{hub.url}hub/oidc/userinfo").status_code == 401


# --- the log ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"client_secret": "a guess"}, "client=service-grafana reason=invalid_client"),
        ({"client_id": "service\n-nobody"}, 'client="service -nobody" reason=invalid_client'),
        ({"grant_type": "password"}, "client=service-grafana reason=unsupported_grant_type"),
        ({}, 'client=service-grafana reason="There is no such code of this client'),
    ],
    ids=str,
)
def test_what_an_application_is_refused_by_oauth_has_a_reason(
    hub: RunningHub, change: dict[str, str], why: str
) -> None:
    assert GRAFANA.redeem(hub, "no-code", at=f"{PLAIN}token", **change).is_client_error
    log_until(hub, f"application refused {why}")


def test_the_log_holds_no_secret_no_code_no_token_and_no_traceback(hub: RunningHub) -> None:
    code = code_for(hub)
    token = GRAFANA.redeem(hub, code).json()
    GRAFANA.redeem(hub, code)
    httpx.get(f"{hub.url}hub/that-was-all", trust_env=False)
    log = log_until(hub, "that-was-all")
    assert "Traceback" not in log
    assert re.search("oidc in client=service-grafana user=gil-instructors", log)
    for secret in (code, token["access_token"], token["id_token"], GRAFANA.secret, VERIFIER):
        assert secret not in log
