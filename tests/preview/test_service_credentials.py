"""What `fedhub service add` and `credentials` write is all that an application needs.

Each program is run as its owner would run it, against the hub as the values have it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from tests.handed_over import (
    MAY,
    MAY_NOT,
    Case,
    application,
    fedhub_service,
    handed_over,
    values_of,
)
from tests.oidc_hub import CHALLENGE, VERIFIER
from tests.previews import Visitor
from tests.unit.new.conftest import nobody, work

__all__ = ["fedhub_service", "nobody", "values_of", "work"]


@pytest.fixture(params=["fedhub", "plain"])
def case(work: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    with handed_over(request.param) as found:
        yield found


def signed_in_at(address: str, case: Case, visitor: Visitor, persona: str) -> httpx.Response:
    """Open an address of the application, and sign in where it leads; return where that ends."""
    page = visitor.follow(address)
    assert str(page.url).startswith(case.hub.data["identity_provider"]), page.url
    reply = visitor.post(page.url, data={"persona": case.persona(persona)})
    while reply.is_redirect and not reply.headers["location"].startswith(f"{case.callback}?"):
        reply = visitor.get(urljoin(str(reply.url), reply.headers["location"]))
    return reply


def test_the_programs_handed_over_log_people_in_and_refuse_others(case: Case) -> None:
    in_a_flask_application(case)
    with_curl(case)
    not_with_basic(case)
    a_wrong_secret_is_named(case)


def in_a_flask_application(case: Case) -> None:
    with application(case, "authlib") as address:
        with Visitor() as visitor:
            reply = signed_in_at(address, case, visitor, MAY)
            page = visitor.follow(reply.headers["location"])
            assert str(page.url) == address
            assert page.text == f"you are {case.person(MAY)}, in [&#39;instructors&#39;]"
        with Visitor() as visitor:
            refused = signed_in_at(address, case, visitor, MAY_NOT)
            assert (refused.status_code, refused.url.port) == (403, urlsplit(case.hub.url).port)
            assert "you are" not in visitor.follow(address).text


def with_curl(case: Case) -> None:
    code, out, err = curled(case, MAY)
    assert code == 0, err
    user = json.loads(out)
    assert (user["name"], user["groups"]) == (case.person(MAY), ["instructors"])
    code, out, err = curled(case, MAY_NOT)
    assert (code, out) == (1, "")
    assert err.endswith("the hub did not let you in: its page says why\n")


def curled(case: Case, persona: str, **change: str) -> tuple[int, str, str]:
    """Run the script, and paste the address where the persona ends."""
    process = subprocess.Popen(
        ["sh", "login.sh"],
        env=case.environment() | change,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    with Visitor() as visitor:
        reply = signed_in_at(process.stdout.readline().strip(), case, visitor, persona)
    out, err = process.communicate(f"{reply.headers.get('location', reply.url)}\n")
    return process.returncode, out, err


def a_wrong_secret_is_named(case: Case) -> None:
    wrong = {"OAUTH_CLIENT_SECRET": "wrong"}
    code, out, err = curled(case, MAY, **wrong)
    assert (code, out) == (1, "")
    assert "invalid_client" in err
    for program in ("authlib", "passport"):
        with application(case, program, **wrong) as address, Visitor() as visitor:
            reply = signed_in_at(address, case, visitor, MAY)
            page = visitor.follow(reply.headers["location"])
            assert (page.status_code, page.text) == (
                403,
                "the hub did not let you in: invalid_client",
            )


def not_with_basic(case: Case) -> None:
    """JupyterHub reads the secret from the body alone."""
    told = case.environment()
    asked = {"response_type": "code", "client_id": told["OAUTH_CLIENT_ID"]}
    asked |= {"redirect_uri": case.callback}
    asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    query = str(httpx.QueryParams(asked))
    with Visitor() as visitor:
        address = f"{told['OAUTH_AUTHORIZATION_URL']}?{query}"
        reply = signed_in_at(address, case, visitor, MAY)
    (code,) = parse_qs(urlsplit(reply.headers["location"]).query)["code"]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": case.callback}
    grant |= {"code_verifier": VERIFIER}
    both = (told["OAUTH_CLIENT_ID"], told["OAUTH_CLIENT_SECRET"])
    with httpx.Client(trust_env=False) as client:
        assert client.post(told["OAUTH_TOKEN_URL"], data=grant, auth=both).is_error
        in_body = grant | {"client_id": both[0], "client_secret": both[1]}
        assert client.post(told["OAUTH_TOKEN_URL"], data=in_body).is_success
