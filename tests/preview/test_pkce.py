"""At JupyterHub's own OAuth addresses, too, a code is good for nobody but who began the login."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.oidc_hub import (
    ASKS,
    CHALLENGE,
    GRAFANA,
    OTHER,
    PLAIN,
    VERIFIER,
    Application,
    Person,
    answer_of,
    log_until,
    write_values,
)
from tests.previews import RunningHub, running_hub

WITHOUT = {"code_challenge": None, "code_challenge_method": None}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub where one service needs PKCE."""
    with running_hub(write_values(tmp_path_factory.mktemp("hub"), asks_pkce=True)) as running:
        yield running


def asked(
    hub: RunningHub, person: Person, application: Application, **change: str | None
) -> httpx.Response:
    """Return what the hub answers to somebody whom an application sends."""
    return person.get(
        application.address(hub, at=f"{PLAIN}authorize", scope=None, **change),
    )


def redeemed(
    hub: RunningHub, application: Application, code: str, **change: str | None
) -> httpx.Response:
    return application.redeem(hub, code, at=f"{PLAIN}token", **change)


@pytest.mark.parametrize("application", [GRAFANA, OTHER], ids=lambda one: one.name)
@pytest.mark.parametrize("verifier", ["x" * 43, VERIFIER.upper(), "", None])
def test_a_code_of_a_challenge_is_good_with_its_verifier_alone(
    hub: RunningHub, person: Person, application: Application, verifier: str | None
) -> None:
    code = answer_of(asked(hub, person, application))["code"]
    refused = redeemed(hub, application, code, code_verifier=verifier)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert "code_verifier" in refused.json()["error_description"]
    assert redeemed(hub, application, code).status_code == 200
    assert redeemed(hub, application, code).status_code == 400, "it is good once"
    refusal = f'application refused client={application.client_id} reason="There is no such code'
    log_until(hub, refusal)


def test_a_login_without_is_good_without_alone(hub: RunningHub, person: Person) -> None:
    code = answer_of(asked(hub, person, GRAFANA, **WITHOUT))["code"]
    # RFC 9700 section 4.8.2: somebody may have taken the challenge off on the way.
    assert redeemed(hub, GRAFANA, code).status_code == 400
    assert redeemed(hub, GRAFANA, code, code_verifier=None).status_code == 200


@pytest.mark.parametrize("method", ["plain", None, "s256"])
def test_s256_is_the_only_method(hub: RunningHub, person: Person, method: str | None) -> None:
    reply = asked(hub, person, GRAFANA, code_challenge=VERIFIER[:43], code_challenge_method=method)
    assert answer_of(reply)["error"] == "invalid_request"
    log_until(hub, "Send an S256 code_challenge")


@pytest.mark.parametrize("challenge", ["", "short", f"{CHALLENGE}=", VERIFIER])
@pytest.mark.parametrize("at", [PLAIN, "oidc/"])
def test_what_is_no_challenge_is_refused(
    hub: RunningHub, person: Person, at: str, challenge: str
) -> None:
    scope = "openid" if at == "oidc/" else None
    reply = person.get(
        GRAFANA.address(hub, at=f"{at}authorize", scope=scope, code_challenge=challenge)
    )
    assert answer_of(reply)["error"] == "invalid_request"


def test_a_service_may_need_it(hub: RunningHub, person: Person) -> None:
    assert answer_of(asked(hub, person, ASKS, **WITHOUT))["error"] == "invalid_request"
    log_until(hub, "Code challenge required")
    question = asked(hub, person, ASKS)
    assert question.status_code == 200
    # By a form of one's own, too.
    address = ASKS.address(hub, at=f"{PLAIN}authorize", scope=None, **WITHOUT)
    xsrf = person.cookies.get("_xsrf", path="/hub/") or ""
    forged = person.post(address, data={"_xsrf": xsrf, "scopes": "read:users:name!user"})
    assert answer_of(forged)["error"] == "invalid_request"
    agreed = person.post(question.url, data={"_xsrf": xsrf, "scopes": "read:users:name!user"})
    code = answer_of(agreed)["code"]
    assert redeemed(hub, ASKS, code, code_verifier=None).status_code == 400
    assert redeemed(hub, ASKS, code).status_code == 200
