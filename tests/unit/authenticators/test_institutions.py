"""Institutions: their names, the search for one, and the way to the one that was chosen."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fedhub_authenticators.institution_choice import COOKIE
from fedhub_authenticators.institutions import (
    LONGEST_NAME,
    Institution,
    institutions,
    names_in,
    plain,
    search,
)
from hypothesis import given
from hypothesis import strategies as st
from oauthenticator.tests.mocks import MockAsyncHTTPClient
from tornado.httpclient import HTTPResponse

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import authenticator_of, configured, one, running

UNI = "https://idp.uni.example.edu/idp/shibboleth"
ZURICH = "https://aai.example.ch/idp"
GOOGLE = "http://google.com/accounts/o8/id"
RULE = {"username_derivation": {"username_claim": "email"}, "allow_all": True}
TWO = {"idps": {UNI: RULE, ZURICH: RULE}}
KEYCLOAK = {"iam_url": "https://iam.example.org/auth", "realm": "r1", "allow_all": True}


def names(found: list[Institution]) -> list[str]:
    return [one.name for one in found]


def made(*named: str) -> list[Institution]:
    ids = {f"urn:x:{number}": name for number, name in enumerate(named)}
    return institutions(ids, ids, {})


# --- names and search -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("zurich", "Universität Zürich"),
        ("ZUERICH", "Universität Zürich"),
        ("Zürich", "Universitat Zurich"),
        ("kobenhavn", "Københavns Universitet"),
        ("lodz", "Politechnika Łódzka / Łódź"),
        ("strasse", "Fachhochschule Lange Straße"),
        ("sao paulo", "Universidade de São Paulo"),
        ("paulo universidade", "Universidade de São Paulo"),
        ("東京", "東京大学"),
        ("o'higgins", "Universidad de O\u2019Higgins"),
        ("st. andrews", "University of St Andrews"),
    ],
)
def test_a_name_is_found_however_it_is_written(query: str, name: str) -> None:
    assert names(search(made(name, "Nowhere College"), query)) == [name]


@given(st.text(max_size=30))
def test_every_institution_is_found_by_its_whole_name(name: str) -> None:
    found = search(made("Nowhere College", name), name)
    assert not name or name in names(found)


@given(st.text(max_size=30))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


def test_those_that_start_with_what_is_looked_for_come_first() -> None:
    among = made("Art School of Bern", "Fachschule Überbern", "Bern University", "Basel")
    assert names(search(among, "bern")) == [
        "Bern University",
        "Art School of Bern",
        "Fachschule Überbern",
    ]


def test_nothing_looked_for_finds_all_by_name() -> None:
    among = made("zebra", "Ähre", "Apfel")
    assert names(search(among, " .")) == ["Ähre", "Apfel", "zebra"]


def test_numbers_are_sorted_as_people_count() -> None:
    among = made("Uni 106", "Uni 15", "Uni 007", "Lycée 9e", "Uni 1", "Lycée 10e", "Uni")
    assert names(among) == [
        *("Lycée 9e", "Lycée 10e"),
        *("Uni", "Uni 1", "Uni 007", "Uni 15", "Uni 106"),
    ]


def test_an_institution_is_found_by_its_host_and_by_every_name() -> None:
    listed = {UNI: ("University of Example", "Example State Colleges")}
    for query in ("example.edu", "state colleges"):
        assert names(search(institutions([UNI, ZURICH], {}, listed), query)) == [
            "University of Example"
        ]


def test_who_has_no_name_goes_by_the_host() -> None:
    found = institutions([UNI, "urn:mace:incommon:uiuc.edu", "http://[", GOOGLE], {}, {})
    assert {one.entity_id: one.name for one in found} == {
        UNI: "idp.uni.example.edu",
        "urn:mace:incommon:uiuc.edu": "urn:mace:incommon:uiuc.edu",
        "http://[": "http://[",
        GOOGLE: "Google",
    }


def test_two_of_one_name_can_be_told_apart() -> None:
    twice = {UNI: "University", ZURICH: "UNIVERSITY"}
    assert names(institutions(twice, twice, {})) == [
        "UNIVERSITY (aai.example.ch)",
        "University (idp.uni.example.edu)",
    ]


def test_the_operators_own_names_come_first() -> None:
    (only,) = institutions([UNI], {UNI: "Ours"}, {UNI: ("Listed",)})
    assert only.name == "Ours"
    assert search([only], "listed")


@pytest.mark.parametrize("answer", [[], {}, None, "x", 1, {"EntityID": UNI}])
def test_an_empty_list_of_cilogon_is_an_error(answer: Any) -> None:
    with pytest.raises(ValueError, match="institutions"):
        names_in(answer, [UNI])


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["EntityID", "DisplayName", "OrganizationName", "Hidden"]),
            st.none() | st.booleans() | st.just(UNI) | st.text() | st.lists(st.text()),
        )
        | st.none()
        | st.text(),
        min_size=1,
    )
)
def test_whatever_the_list_says_names_are_short_lines(answer: Any) -> None:
    for entity_id, found in names_in(answer, [UNI]).items():
        assert entity_id == UNI
        assert all(name.isprintable() and 0 < len(name) <= LONGEST_NAME for name in found)


# --- the background -------------------------------------------------------------------------


def learning(answers: list[Any], **traits: Any) -> Any:
    """An authenticator whose CILogon gives these answers, and counts in `asked`."""
    authenticator = authenticator_of(configured(one("cilogon", TWO | traits)))
    authenticator.asked = []

    def idplist(request: Any) -> Any:
        authenticator.asked.append(request.url)
        answer = answers[min(len(authenticator.asked), len(answers)) - 1]
        return answer if not isinstance(answer, int) else HTTPResponse(request, answer)

    client = MockAsyncHTTPClient(force_instance=True)
    client.add_host("cilogon.org", [("/idplist/", idplist)])
    authenticator.http_client = client
    return authenticator


async def learned(authenticator: Any) -> list[str]:
    authenticator.institutions()
    if authenticator._fetching is not None:
        await authenticator._fetching
    return names(authenticator.institutions())


LISTED = [
    {"EntityID": UNI, "DisplayName": "University of Example", "OrganizationName": "Ex"},
    {"EntityID": ZURICH, "OrganizationName": "Universität\n Zürich"},
    {"EntityID": "https://other.example.org", "DisplayName": "Other"},
]
HOSTS = ["aai.example.ch", "idp.uni.example.edu"]


def test_names_come_in_the_background_and_are_kept() -> None:
    async def go() -> None:
        authenticator = learning([LISTED])
        assert names(authenticator.institutions()) == HOSTS  # at once
        assert await learned(authenticator) == ["Universität Zürich", "University of Example"]
        await learned(authenticator)
        assert len(authenticator.asked) == 1

    run_async(go())


@pytest.mark.parametrize("failure", [[], 500, 404, "no list"])
def test_a_list_that_failed_is_asked_for_again_later_and_takes_no_name_away(failure: Any) -> None:
    async def go() -> None:
        authenticator = learning([failure, LISTED, failure])
        assert await learned(authenticator) == HOSTS
        assert await learned(authenticator) == HOSTS
        assert len(authenticator.asked) == 1
        for times in (2, 3):
            authenticator._fetch_again_at = float("-inf")  # the day after
            assert "Universität Zürich" in await learned(authenticator)
            assert len(authenticator.asked) == times

    run_async(go())


def test_nobody_is_asked_where_the_operator_named_all() -> None:
    async def go() -> None:
        named = learning([LISTED], institution_names={UNI: "Ours", ZURICH: "Theirs"})
        assert await learned(named) == ["Ours", "Theirs"]
        assert named.asked == []

    run_async(go())


def test_a_skin_and_another_host_have_their_own_list() -> None:
    async def go() -> None:
        skinned = learning([LISTED], skin="lab")
        await learned(skinned)
        assert skinned.asked == ["https://cilogon.org/idplist/?skin=lab"]

    run_async(go())
    test_host = authenticator_of(
        configured(one("cilogon", TWO | {"cilogon_host": "test.cilogon.org"}))
    )
    assert test_host.default_idplist_url() == "https://test.cilogon.org/idplist/"


def test_custos_own_list_is_what_people_choose_from() -> None:
    settings = {
        "custos_host": "prod.custos.usecustos.org",
        "client_id": "custos-abc-1",
        "client_secret": "s",
        "allow_all": True,
        "idps_from_custos": True,
    }
    custos = authenticator_of(configured(one("custos", settings)))
    listed = [{"entity_id": UNI, "display_name": "University of Example"}, {"entity_id": ZURICH}]
    page = "/apiserver/tenant-management/v1.0.0/institutions/CILogon"

    async def go() -> None:
        client = MockAsyncHTTPClient(force_instance=True)
        client.add_host("prod.custos.usecustos.org", [(page, lambda _: {"institutions": listed})])
        custos.http_client = client
        assert custos.institutions() == []
        assert await learned(custos) == ["aai.example.ch", "University of Example"]
        assert set(custos.offered_institutions()) == {UNI, ZURICH}

    run_async(go())


# --- the choice -------------------------------------------------------------------------------


def keycloak(**traits: Any) -> dict[str, Any]:
    return one("keycloak", KEYCLOAK | traits)


@pytest.mark.parametrize(
    ("settings", "chosen", "expected"),
    [
        (one("cilogon", TWO), ZURICH, {"selected_idp": ZURICH}),
        (one("cilogon", TWO), None, {"selected_idp": f"{UNI},{ZURICH}"}),
        (one("cilogon", TWO), "https://evil.example", {"selected_idp": f"{UNI},{ZURICH}"}),
        (one("cilogon", TWO), f"{ZURICH},{UNI}", {"selected_idp": f"{UNI},{ZURICH}"}),
        (
            keycloak(idps=[UNI, ZURICH], kc_idp_hint="oidc"),
            UNI,
            {"kc_idp_hint": "oidc", "idphint": UNI},
        ),
        (
            keycloak(idps=[UNI, ZURICH], kc_idp_hint="oidc"),
            None,
            {"kc_idp_hint": "oidc", "idphint": f"{UNI},{ZURICH}"},
        ),
        (keycloak(idps=["campus", "google"]), "google", {"kc_idp_hint": "google"}),
        # Nothing would carry it to the institution.
        (keycloak(idps=[UNI, ZURICH]), UNI, {}),
        (one("github", {"allow_all": True}), UNI, {}),
    ],
)
def test_the_provider_is_told_of_the_choice(
    settings: dict[str, Any], chosen: str | None, expected: dict[str, str]
) -> None:
    async def go() -> None:
        async with running(configured(settings)) as (_, visitor):
            query = {"next": "/hub/token"} | ({"idp": chosen} if chosen else {})
            reply = await visitor.get("/hub/oauth_login", params=query)
            sent = parse_qs(urlsplit(reply.headers["location"]).query)
            hints = ("selected_idp", "idphint", "kc_idp_hint", "idp")
            assert {name: sent[name][0] for name in hints if name in sent} == expected
            taken = bool(chosen) and any(value == chosen for value in expected.values())
            assert (COOKIE in visitor.cookies) is taken

    run_async(go())


CUSTOS = {
    "custos_url": "https://custos.example.org",
    "iam_url": "https://iam.example.org/auth",
    "realm": "r1",
    "allow_all": True,
}


@pytest.mark.parametrize(
    "begin", ["/hub/oauth_login", "/hub/oauth_login?idp=https%3A%2F%2Fx.example"]
)
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (one("cilogon", {"idps": {UNI: RULE}}), {"selected_idp": UNI}),
        (keycloak(idps=["campus"]), {"kc_idp_hint": "campus"}),
        (keycloak(idps=[UNI], kc_idp_hint="oidc"), {"kc_idp_hint": "oidc", "idphint": UNI}),
        *(
            (one("custos", CUSTOS | {"flavour": flavour, "idps": idps}), expected)
            for flavour in ("legacy", "v1", "keycloak")
            for idps, expected in (
                ([UNI], {"kc_idp_hint": "oidc", "idphint": UNI}),
                (["campus"], {"kc_idp_hint": "campus"}),
            )
        ),
        # Nothing would carry it there.
        (keycloak(idps=[UNI]), {}),
        # The other institution's people would never get where they sign in.
        (keycloak(idps=[UNI, "campus"]), {}),
        # The operator leaves the choice to the provider.
        (keycloak(idps=["campus"], institution_chooser=False), {}),
    ],
)
def test_who_has_one_institution_to_choose_from_chooses_nothing(
    settings: dict[str, Any], expected: dict[str, str], begin: str
) -> None:
    assert hints_sent(settings, begin) == expected


def test_who_is_sent_on_without_a_button_goes_to_the_only_institution() -> None:
    settings = keycloak(idps=["campus"], auto_login=True)
    assert hints_sent(settings, "/hub/login") == {"kc_idp_hint": "campus"}


def hints_sent(settings: dict[str, Any], begin: str) -> dict[str, str]:
    """What a provider is told of an institution when somebody goes to an address of the hub."""

    async def go() -> dict[str, str]:
        async with running(configured(settings)) as (_, visitor):
            reply = await visitor.get(begin)
            while reply.headers["location"].startswith("/"):
                reply = await visitor.get(reply.headers["location"])
            assert COOKIE not in visitor.cookies, "nobody chose"
            sent = parse_qs(urlsplit(reply.headers["location"]).query)
            hints = ("selected_idp", "idphint", "kc_idp_hint", "idp")
            return {name: sent[name][0] for name in hints if name in sent}

    return run_async(go())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_stays_on_the_hub_and_out_of_scripts(scheme: str) -> None:
    async def go() -> None:
        c = configured(one("cilogon", TWO))
        c.JupyterHub.base_url = "/jupyter/"
        c.JupyterHub.public_url = f"{scheme}://hub.example.org/jupyter/"
        async with running(c) as (_, visitor):
            reply = await visitor.get("/jupyter/hub/oauth_login", params={"idp": ZURICH})
            cookies = reply.headers.get_list("set-cookie")
            (cookie,) = [one for one in cookies if one.startswith(COOKIE)]
            assert "Path=/jupyter/hub/" in cookie
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert ("Secure" in cookie) is (scheme == "https")
            assert "Domain" not in cookie

    run_async(go())


def test_several_thousand_institutions_are_named_once() -> None:
    async def go() -> None:
        many = {f"https://idp{number}.example.org": RULE for number in range(3000)}
        authenticator = authenticator_of(configured(one("cilogon", TWO)))
        authenticator.idps = many
        authenticator._fetch_again_at = float("inf")
        assert len(authenticator.institutions()) == 3000
        assert authenticator.institutions() is authenticator.institutions()

    run_async(go())


def test_the_list_is_json_that_people_never_wait_for() -> None:
    async def go() -> None:
        authenticator = learning([LISTED])
        gate = asyncio.Event()

        async def slow(*_: Any, **__: Any) -> Any:
            await gate.wait()
            return json.loads(json.dumps(LISTED))

        authenticator.httpfetch = slow
        assert names(authenticator.institutions()) == HOSTS
        await asyncio.sleep(0)
        assert names(authenticator.institutions()) == HOSTS
        gate.set()
        assert "University of Example" in await learned(authenticator)

    run_async(go())
