"""The pages before somebody is in, as a hub answers them: what they say, and what they escape."""

from __future__ import annotations

import logging
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fedhub_authenticators.federated import FederatedAuthenticator
from fedhub_authenticators.providers import find_class, ours
from tornado.web import HTTPError
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import DOMAIN, configured, one, running

UNI = "https://idp.uni.example.edu/idp/shibboleth"
ZURICH = "https://aai.example.ch/idp"
RULE = {"username_derivation": {"username_claim": "email"}, "allow_all": True}
NAMES = {UNI: "University of Example", ZURICH: "Universität Zürich"}
CILOGON = {"idps": {UNI: RULE, ZURICH: RULE}, "institution_names": NAMES}
GITHUB = {"allowed_users": ["olga"]}
ADA = {"login": "ada", "id": 1, "email": "ada@example.org"}
NO_LOG = logging.NullHandler()
HOSTILE = """"><script>alert(1)</script><img src=x onerror='alert(1)'>{{ 7*7 }}"""


def several(**staff: Any) -> dict[str, Any]:
    return {
        "domain": DOMAIN,
        "login": {
            "campus": {"authenticator": "cilogon", "config": CILOGON},
            "staff": {"authenticator": "github", "config": GITHUB, **staff},
        },
    }


def shown(c: Config, path: str = "/hub/login", **query: str) -> str:
    """The HTML of a page, for somebody who was never there."""

    async def go() -> str:
        async with running(c) as (_, visitor):
            reply = await visitor.get(path, params=query)
            return reply.text

    return run_async(go())


def links(html: str) -> dict[str, str]:
    """The links of a page by what they say."""
    found = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>\s*([^<]*?)\s*</a>', html)
    return {unescape(text): unescape(address) for address, text in found}


def headings(html: str) -> list[str]:
    """The headings below the first of what is a page's own."""
    (main,) = re.findall(r"<main.*</main>", html, re.S)
    return [unescape(one) for one in re.findall(r"<h[23]>\s*([^<]*?)\s*</h[23]>", main)]


# --- the login page -----------------------------------------------------------------------


def test_each_provider_has_a_button_and_each_institution_a_link() -> None:
    found = links(shown(configured(several(label="Staff"))))
    assert found["Sign in with Staff"] == "/hub/staff/oauth_login"
    link = urlsplit(found["Universität Zürich"])
    assert link.path == "/hub/campus/oauth_login"
    assert parse_qs(link.query) == {"idp": [ZURICH]}


def test_who_needs_no_institution_finds_a_button_above_the_lists() -> None:
    settings = several(label="Staff")
    settings["login"]["campus"]["label"] = "Campus account"
    html = shown(configured(settings))
    assert headings(html) == ["Campus account", "Choose your institution"]
    order = ("Sign in with Staff", "Campus account</h2>", "Choose your institution", "Zürich")
    places = [html.index(words) for words in order]
    assert places == sorted(places)


def test_where_there_is_one_provider_its_name_is_no_heading() -> None:
    html = shown(configured(one("cilogon", CILOGON)))
    assert headings(html) == ["Choose your institution"]


def test_where_somebody_was_going_survives_every_way_on() -> None:
    c = configured(several())
    html = shown(c, next="/hub/spawn?profile=a&b=ü")
    logins = [address for address in links(html).values() if "oauth_login" in address]
    assert len(logins) == 3
    for address in logins:
        assert parse_qs(urlsplit(address).query)["next"] == ["/hub/spawn?profile=a&b=ü"]


@pytest.mark.parametrize(
    ("traits", "label", "expected"),
    [
        ({}, None, "Sign in with University of Example"),
        ({}, "Campus account", "Sign in with Campus account"),
        ({"institution_names": {}}, None, "Sign in with CILogon"),
        ({"institution_chooser": False}, None, "Sign in with CILogon"),
    ],
)
def test_one_institution_is_one_button(
    traits: dict[str, Any], label: str | None, expected: str
) -> None:
    config = {"idps": {UNI: RULE}, "institution_names": NAMES} | traits
    html = shown(configured(one("cilogon", config, **({"label": label} if label else {}))))
    logins = [text for text, address in links(html).items() if "oauth_login" in address]
    assert logins == [expected]


def test_without_the_chooser_the_provider_asks() -> None:
    html = shown(configured(one("cilogon", CILOGON | {"institution_chooser": False})))
    logins = {text: to for text, to in links(html).items() if "oauth_login" in to}
    assert logins == {"Sign in with CILogon": "/hub/oauth_login"}


def test_the_institution_chosen_last_is_first() -> None:
    async def go() -> None:
        async with running(configured(one("cilogon", CILOGON))) as (_, visitor):
            assert "Sign in with Uni" not in (await visitor.get("/hub/login")).text
            await visitor.get("/hub/oauth_login", params={"idp": ZURICH})
            found = links((await visitor.get("/hub/login")).text)
            address = found["Sign in with Universität Zürich"]
            assert parse_qs(urlsplit(address).query) == {"idp": [ZURICH]}
            assert "Universität Zürich" not in found  # once is enough
            html = (await visitor.get("/hub/login", params={"q": "zurich"})).text
            assert "Universität Zürich" in links(html)

    run_async(go())


def test_an_institution_that_is_no_longer_listed_is_forgotten() -> None:
    async def go() -> None:
        async with running(configured(one("cilogon", CILOGON))) as (hub, visitor):
            await visitor.get("/hub/oauth_login", params={"idp": ZURICH})
            hub.authenticator.idps = {UNI: RULE, "https://x.example.org": RULE}
            hub.authenticator._made = None
            assert "Zürich" not in (await visitor.get("/hub/login")).text

    run_async(go())


def test_a_dozen_institutions_are_all_shown() -> None:
    ids = {f"https://idp{number}.example.org/i": RULE for number in range(12)}
    called = {entity_id: f"Collège {number}" for number, entity_id in enumerate(ids)}
    html = shown(configured(one("cilogon", {"idps": ids, "institution_names": called})))
    assert [text for text in links(html) if "Coll" in text] == list(called.values())
    assert "12 institutions" in html


def test_thousands_of_institutions_are_searched_on_the_hub() -> None:
    many = {f"https://idp{number}.example.org/i": RULE for number in range(3000)}
    called = {entity_id: f"Collège {number}" for number, entity_id in enumerate(many)}
    c = configured(one("cilogon", {"idps": many, "institution_names": called}))

    async def go() -> None:
        async with running(c) as (_, visitor):
            html = (await visitor.get("/hub/login")).text
            assert "3000 institutions. Search to find yours." in html
            assert "Collège" not in html, "those that come first are nobody's"
            html = (await visitor.get("/hub/login", params={"q": "college"})).text
            assert "12 of 3000 institutions" in html
            assert len(html) < 30_000
            html = (await visitor.get("/hub/login", params={"q": "COLLEGE 2718"})).text
            assert [text for text in links(html) if text.startswith("Coll")] == ["Collège 2718"]
            html = (await visitor.get("/hub/login", params={"q": "nowhere"})).text
            assert "No institution of that name" in html

    run_async(go())


# --- the operator's words -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("help@example.org", '<a href="mailto:help@example.org">help@example.org</a>'),
        ("https://help.example.org", '<a href="https://help.example.org">'),
        ("the front desk, room 12", "Ask the front desk, room 12."),
        ("javascript:alert(1)", "Ask javascript:alert(1)."),
        (4711, "Ask 4711."),
    ],
)
def test_whom_to_ask_is_a_link_where_it_is_an_address(contact: Any, expected: str) -> None:
    c = configured(one("github", GITHUB))
    c.JupyterHub.template_vars = {"login_contact": contact}
    assert expected in shown(c)


def test_the_operators_words_stand_on_the_page() -> None:
    c = configured(one("github", GITHUB))
    c.JupyterHub.template_vars = {
        "login_title": "Example Hub",
        "login_text": "First.\n\nSecond.",
        "login_logo": "https://example.org/logo.svg",
        "login_term_url": "https://example.org/terms",
        "announcement_login": "<b>Down</b> on Friday",
    }
    html = shown(c)
    assert "<title>Example Hub</title>" in html
    assert re.search(r"<h1>Example Hub</h1>", html)
    assert '<p class="fedhub-text">First.</p><p class="fedhub-text">Second.</p>' in html
    assert 'src="https://example.org/logo.svg"' in html
    assert links(html)["terms and conditions"] == "https://example.org/terms"
    # JupyterHub's announcements are HTML.
    assert re.search(r"<section aria-label=.Announcement.>.*<b>Down</b> on Friday", html, re.S)


def test_everything_else_is_data() -> None:
    settings = several(label=HOSTILE)
    settings["login"]["campus"]["config"] = CILOGON | {
        "institution_names": {UNI: HOSTILE, ZURICH: HOSTILE}
    }
    c = configured(settings)
    c.JupyterHub.template_vars = dict.fromkeys(
        ("login_title", "login_text", "login_logo", "login_contact", "login_term_url"), HOSTILE
    )
    html = shown(c, q=HOSTILE, next="/" + HOSTILE)
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "{{ 7*7 }}" in html
    html = shown(c)
    assert "<script>alert" not in html
    assert "<img src=x" not in html


def test_no_script_of_ours_is_inline(tmp_path: Path) -> None:
    c = configured(several())
    own, plain = shown(c), shown(configured(several()), "/hub/login")
    scripts = re.findall(r"<script(?![^>]*src=)[^>]*>(.*?)</script>", own, re.S)
    assert len(scripts) == 2  # JupyterHub's
    assert not any("fedhub" in script for script in scripts)
    assert not re.search(r'\son\w+="', plain)


@pytest.mark.parametrize("name", ["login.css", "login.js"])
def test_the_style_and_the_script_come_from_the_hub(name: str) -> None:
    async def go() -> None:
        async with running(configured(one("github", GITHUB))) as (_, visitor):
            html = (await visitor.get("/hub/login")).text
            (address,) = re.findall(rf'"(/hub/fedhub/static/{re.escape(name)}[^"]*)"', html)
            reply = await visitor.get(unescape(address))
            assert reply.status_code == 200
            kind = "text/css" if name.endswith("css") else "javascript"
            assert kind in reply.headers["content-type"]
            for outside in ("../pages.py", "%2e%2e/pages.py", "..%2Fpages.py", ""):
                reply = await visitor.get(f"/hub/fedhub/static/{outside}")
                assert reply.status_code in (403, 404)

    run_async(go())


def test_a_logo_of_the_operators_keeps_its_colours(tmp_path: Path) -> None:
    c = configured(one("github", GITHUB))
    assert "default-logo.css" in shown(c)
    c = configured(one("github", GITHUB))
    c.JupyterHub.logo_file = str(tmp_path / "logo.png")
    assert "default-logo.css" not in shown(c)


def test_an_operators_own_login_page_shows_the_choices_too(tmp_path: Path) -> None:
    (tmp_path / "login.html").write_text(
        '{% extends "templates/login.html" %}{% block title %}Mine{% endblock %}'
    )
    c = configured(several(label="Staff"))
    c.JupyterHub.template_paths = [str(tmp_path)]
    html = shown(c)
    assert "<title>Mine</title>" in html
    assert {"Sign in with Staff", "Universität Zürich"} <= set(links(html))


@pytest.mark.parametrize("several_providers", [True, False])
def test_a_class_that_an_operator_names_has_the_page_without_configure(
    several_providers: bool,
) -> None:
    c = Config()
    c.OAuthenticator.client_id = "x"
    if several_providers:
        c.JupyterHub.authenticator_class = FederatedAuthenticator
        c.FederatedAuthenticator.providers = {
            "campus": {"authenticator_class": "cilogon", "config": CILOGON},
            "staff": {"authenticator_class": "github", "config": GITHUB},
        }
    else:
        c.JupyterHub.authenticator_class = ours(find_class("cilogon"))
        c.CILogonOAuthenticator.update(CILOGON)
    assert "Universität Zürich" in links(shown(c))


# --- refusals -----------------------------------------------------------------------------


def refusal(c: Config, user: dict[str, Any] = ADA, *, log: logging.Handler = NO_LOG) -> str:
    """What somebody reads after a login that the hub does not take."""

    async def go() -> str:
        async with running(c) as (hub, visitor):
            hub.log.addHandler(log)
            hub.log.setLevel(logging.WARNING)
            await visitor.get("/hub/oauth_login")
            reply = await visitor.log_in(hub.authenticator, user)
            assert reply.status_code >= 400
            return reply.text

    return run_async(go())


def test_a_refusal_names_the_account_and_ways_on() -> None:
    c = configured(one("github", GITHUB))
    c.JupyterHub.template_vars = {"login_contact": "help@example.org"}
    html = refusal(c)
    assert "<dt>Account</dt><dd>ada</dd>" in html
    assert "ada@example.org</dd>" in html
    found = links(html)
    assert found["help@example.org"] == "mailto:help@example.org"
    assert found["Use another account"] == "/hub/another_account"
    assert found["Back to the login page"] == "/hub/login"


def test_a_refusal_names_the_institution() -> None:
    claims = {"email": "ada@other.example.org", "idp": UNI, "sub": "1"}
    config = CILOGON | {"idps": {UNI: {"username_derivation": {"username_claim": "email"}}}}
    html = refusal(configured(one("cilogon", config)), claims)
    assert "<dt>Institution</dt><dd>University of Example</dd>" in html
    html = refusal(configured(one("cilogon", config)), claims | {"idp_name": HOSTILE})
    assert "<script>alert" not in html


def nothing(*_: Any) -> None:
    """A hook that lets nobody in, without a word."""


def no_exam(*_: Any) -> None:
    raise HTTPError(403, "Not during the 100% exam.")


def in_jupyterhubs_way(*_: Any) -> None:
    error = HTTPError(403, "for the log", reason="Exam")
    error.jupyterhub_message = "Not during the <exam>."
    raise error


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (nothing, "You signed in as ada with GitHub, but this hub does not let that account in."),
        (no_exam, "Not during the 100% exam."),
        (in_jupyterhubs_way, "Not during the &lt;exam&gt;."),
    ],
)
def test_whom_an_operators_hook_refuses_reads_which_account_it_was(
    hook: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    c = configured(one("github", {"allow_all": True}))
    c.Authenticator.post_auth_hook = hook
    html = refusal(c, log=caplog.handler)
    assert words in html
    assert "<dt>Account</dt><dd>ada</dd>" in html
    assert "ada@example.org</dd>" in html
    assert "403 Forbidden · not-allowed" in html
    assert "Use another account" in links(html)
    assert "login refused provider=main reason=not-allowed user=ada" in caplog.messages


def test_the_operators_own_message_stands_for_a_hooks_silence() -> None:
    c = configured(one("github", {"allow_all": True, "custom_403_message": "Ask at the desk."}))
    c.Authenticator.post_auth_hook = nothing
    html = refusal(c)
    assert "Ask at the desk." in html
    assert "You signed in as" not in html


def test_a_name_that_breaks_the_hubs_pattern_is_said() -> None:
    html = refusal(configured(one("github", {"allow_all": True, "username_pattern": "[0-9]+"})))
    assert "You signed in as ada with GitHub" in html
    assert "<dt>Account</dt><dd>ada</dd>" in html


ELSEWHERE = "https://idp.elsewhere.example/idp/shibboleth"
KEYCLOAK = {"iam_url": "https://iam.example.org/auth", "realm": "r1", "allow_all": True}


@pytest.mark.parametrize(
    ("settings", "begin"),
    [
        (one("cilogon", CILOGON), ""),
        (one("keycloak", KEYCLOAK | {"idps": [UNI], "institution_names": NAMES}), " user=ada"),
    ],
)
@pytest.mark.parametrize(
    ("idp_name", "called"), [({}, "idp.elsewhere.example"), ({"idp_name": "College"}, "College")]
)
def test_an_institution_that_is_not_taken_goes_by_its_name_and_in_the_log_by_its_entity_id(
    settings: dict[str, Any],
    begin: str,
    idp_name: dict[str, str],
    called: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    claims = {"email": "ada@elsewhere.example", "preferred_username": "ada", "sub": "1"}
    c = configured(settings)
    html = refusal(c, claims | {"idp": ELSEWHERE} | idp_name, log=caplog.handler)
    assert f"You signed in at {called}, but" in html
    assert ELSEWHERE not in html
    event = "login refused provider=main reason=institution-not-listed"
    assert f"{event}{begin} idp={ELSEWHERE}" in caplog.messages


def test_what_an_institution_says_it_is_stays_one_short_word_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    idp = "https://x.example/\nlogin in provider=main user=root" + "x" * 3000
    c = configured(one("cilogon", CILOGON))
    refusal(c, {"email": "ada@x.example", "sub": "1", "idp": idp}, log=caplog.handler)
    (event,) = (one for one in caplog.messages if one.startswith("login refused"))
    assert 'idp="https://x.example/ login in provider=main user=rootxx' in event
    assert len(event) < 500


def test_where_somebody_was_going_survives_a_refusal() -> None:
    async def go() -> None:
        async with running(configured(one("github", GITHUB))) as (_, visitor):
            begun = await visitor.begin("/hub/oauth_login?next=%2Fhub%2Ftoken")
            query = {"error": "access_denied", "state": begun["state"]}
            found = links((await visitor.get("/hub/oauth_callback", params=query)).text)
            assert found["Back to the login page"] == "/hub/login?next=%2Fhub%2Ftoken"

    run_async(go())


def test_other_errors_look_as_before() -> None:
    html = shown(configured(one("github", GITHUB)), "/hub/nowhere")
    assert "404 : Not Found" in html
    assert "Jupyter has lots of moons" in html
    assert "You are not signed in" not in html
