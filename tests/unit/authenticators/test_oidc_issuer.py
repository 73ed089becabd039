"""What the hub as an issuer signs with, whom it names how, and when it does not start."""

from __future__ import annotations

import base64
import copy
from typing import Any
from urllib.parse import quote_plus

import jwt
import pytest
from fedhub_authenticators.oidc_grants import basic_credentials
from fedhub_authenticators.oidc_issuer import HubIssuer, subject_of
from fedhub_authenticators.oidc_keys import SigningKeys
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub import orm
from sqlalchemy.orm import Session
from traitlets.config import Config

from fedhub.secrets.signing import new_signing_key
from tests.unit.authenticators.logins import DOMAIN, configured

FIRST, SECOND = new_signing_key(), new_signing_key()
SERVICE = {"url": "https://g.example.org", "oauth_redirect_uri": "https://g.example.org/cb"}
CURVE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
"""


def settings(**oidc: Any) -> dict[str, Any]:
    return {"domain": DOMAIN, "services": {"g": SERVICE}, "oidc": {"enabled": True, **oidc}}


def issuer_in(c: Config) -> HubIssuer:
    found: HubIssuer = c.JupyterHub.extra_handlers[0][2]["issuer"]
    return found


# --- keys ---------------------------------------------------------------------------------


def test_the_next_key_is_known_before_it_signs() -> None:
    before, after = SigningKeys(FIRST, SECOND), SigningKeys(SECOND)
    known = jwt.PyJWKSet.from_dict(before.public())
    for keys in (before, after):
        token = keys.sign({"sub": "ada"})
        kid = jwt.get_unverified_header(token)["kid"]
        assert jwt.decode(token, known[kid], ["RS256"]) == {"sub": "ada"}
    (first, second), (now,) = before.public()["keys"], after.public()["keys"]
    assert second == now != first


def test_nothing_private_is_published() -> None:
    for key in SigningKeys(FIRST, SECOND).public()["keys"]:
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


@pytest.mark.parametrize("key", ["", "s3cr3t", FIRST[:-200], CURVE])
def test_what_is_no_key_is_not_quoted(key: str) -> None:
    with pytest.raises(ValueError, match="nextPrivateKey must be an RSA private key") as caught:
        SigningKeys(FIRST, key)
    assert caught.value.__cause__ is None
    assert not key or key not in str(caught.value)


# --- subjects -----------------------------------------------------------------------------


@pytest.fixture
def db() -> Session:
    session: Session = orm.new_session_factory("sqlite:///:memory:")()
    return session


def user(db: Session, name: str) -> orm.User:
    found = orm.User(name=name)
    db.add(found)
    db.commit()
    return found


def test_a_subject_is_kept_when_somebody_gets_another_name(db: Session) -> None:
    ada = user(db, "ada")
    before = subject_of(ada)
    ada.name = "lovelace"
    db.commit()
    assert subject_of(ada) == before


def test_whoever_gets_a_name_and_a_number_later_is_another_subject(db: Session) -> None:
    first = user(db, "ada")
    number, before = first.id, subject_of(first)
    db.delete(first)
    db.commit()
    second = user(db, "ada")
    assert second.id == number, "sqlite gives numbers again"
    assert subject_of(second) != before


# --- credentials --------------------------------------------------------------------------


@given(st.text(min_size=1), st.text())
def test_client_id_and_secret_come_as_they_were_sent(client_id: str, secret: str) -> None:
    text = f"{quote_plus(client_id, errors='replace')}:{quote_plus(secret, errors='replace')}"
    header = {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}
    sent = [one.encode(errors="replace").decode() for one in (client_id, secret)]
    assert basic_credentials(header) == tuple(sent)


@given(st.text())
def test_any_header_is_credentials_or_refused(header: str) -> None:
    try:
        found = basic_credentials({"Authorization": header})
    except ValueError:
        return
    assert found is not None
    assert len(found) == 2


# --- configuration ------------------------------------------------------------------------


def test_services_find_the_issuer_at_the_hubs_domain() -> None:
    c = Config()
    c.JupyterHub.base_url = "/jupyter/"
    configured(settings(privateKey=FIRST), c)
    issuer = issuer_in(c)
    assert issuer.address == f"https://{DOMAIN}/jupyter/hub/oidc"
    assert issuer.clients == {"service-g": False}
    metadata = issuer.metadata()
    assert metadata["token_endpoint"] == f"https://{DOMAIN}/jupyter/hub/oidc/token"


def test_configuring_twice_changes_nothing_and_other_pages_stay() -> None:
    c = Config()
    c.JupyterHub.extra_handlers = [("/mine", object)]
    configured(settings(privateKey=FIRST), c)
    paths = [entry[0] for entry in c.JupyterHub.extra_handlers]
    configured(settings(privateKey=FIRST), c)
    assert [entry[0] for entry in c.JupyterHub.extra_handlers] == paths
    assert paths[0] == "/mine"
    assert len(set(paths)) == 6


def test_all_pages_look_for_codes_in_one_place() -> None:
    c = copy.deepcopy(configured(settings(privateKey=FIRST)))
    assert len({id(entry[2]["issuer"].codes) for entry in c.JupyterHub.extra_handlers}) == 1


def test_without_a_word_about_it_the_hub_is_no_issuer() -> None:
    assert "extra_handlers" not in configured({"services": {"g": SERVICE}}).JupyterHub
    assert "extra_handlers" not in configured(settings(enabled=False)).JupyterHub


@pytest.mark.parametrize("of_all", [None, False, True])
@pytest.mark.parametrize("own", [None, False, True])
def test_a_services_own_word_about_pkce_goes_first(of_all: bool | None, own: bool | None) -> None:
    given = settings(privateKey=FIRST, requirePkce=of_all)
    given["services"] = {"g": SERVICE | {"requirePkce": own}, "h": SERVICE}
    c = configured(given)
    wanted = {"service-g": bool(of_all if own is None else own), "service-h": bool(of_all)}
    assert issuer_in(c).clients == wanted
    assert not any("requirePkce" in service for service in c.JupyterHub.services)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (settings(), "has no privateKey.*fedhub secrets generate"),
        (settings(privateKey=FIRST) | {"domain": None}, "set domain"),
        (settings(privatKey=FIRST), "unknown keys: privatKey"),
    ],
)
def test_a_hub_that_cannot_sign_does_not_start(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        configured(given)
