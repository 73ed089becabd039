"""Choosing an institution of Custos or Keycloak: found by its name, remembered, passed on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import check, press_persona
from tests.previews import RunningHub, running_hub

pytestmark = pytest.mark.browser

REALM = {"iam_url": "https://iam.example.org/auth", "realm": "lab", "allow_all": True}
ENTITY_IDS = [f"https://idp{number}.example.org/shibboleth" for number in range(14)]
ALIASES = [f"campus-{number}" for number in range(14)]

HUBS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "custos": ("custos", {}, {"kc_idp_hint": "oidc", "idphint": ENTITY_IDS[9]}),
    "custos-v1": ("custos", {"flavour": "v1"}, {"kc_idp_hint": "oidc", "idphint": ENTITY_IDS[9]}),
    "keycloak-before-cilogon": (
        "keycloak",
        {"kc_idp_hint": "cilogon"},
        {"kc_idp_hint": "cilogon", "idphint": ENTITY_IDS[9]},
    ),
    "keycloak": (
        "keycloak",
        {"idps": ALIASES, "idp_claims": ["identity_provider"]},
        {"kc_idp_hint": ALIASES[9]},
    ),
}
"""What a hub has, and what its provider is to be told of the institution with the number 9."""


@pytest.fixture(scope="module", params=HUBS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def hub(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    authenticator, traits, _ = HUBS[name]
    config = REALM | {"idps": ENTITY_IDS} | traits
    names = {one: f"University {number}" for number, one in enumerate(config["idps"])}
    login = {"authenticator": authenticator, "config": config | {"institution_names": names}}
    values = {"global": {"fedhub": {"domain": "hub.example.org", "login": {"lab": login}}}}
    file = tmp_path_factory.mktemp("values") / f"{name}.values.yaml"
    file.write_text(json.dumps(values))
    with running_hub(file) as running:
        yield running


def hints(address: str) -> dict[str, str]:
    """What a provider is told of institutions."""
    query = parse_qs(urlsplit(address).query)
    return {key: query[key][0] for key in ("kc_idp_hint", "idphint") if key in query}


def test_an_institution_is_chosen_once(page: Page, hub: RunningHub, name: str) -> None:
    expected = HUBS[name][2]
    at_provider = re.compile(re.escape(hub.data["identity_provider"]))
    page.goto(hub.url)
    expect(page.get_by_role("status")).to_have_text("14 institutions. Search to find yours.")
    check(page)
    page.get_by_label("Search institutions").press_sequentially("univ 9")
    page.get_by_role("link", name="University 9", exact=True).click()
    page.wait_for_url(at_provider)
    assert hints(page.url) == expected
    member = next(one for one in hub.personas.values() if one["expected"]["allowed"])
    press_persona(page, member["name"])
    page.wait_for_url(re.compile(r"/(user|hub/spawn)"))

    page.goto(f"{hub.url}hub/logout")
    page.goto(hub.url)
    check(page)
    page.get_by_role("link", name="Sign in with University 9", exact=True).click()
    page.wait_for_url(at_provider)
    assert hints(page.url) == expected
