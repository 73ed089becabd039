"""From `global.fedhub` to JupyterHub's configuration."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fedhub_authenticators import configuration, configure, credentials, oidc_issuer, services
from jupyterhub import orm
from jupyterhub.app import JupyterHub
from jupyterhub.auth import DummyAuthenticator
from jupyterhub.services.service import Service
from oauthenticator.cilogon import CILogonOAuthenticator
from oauthenticator.github import GitHubOAuthenticator
from pydantic import BaseModel
from traitlets.config import Config

from fedhub.hub.model import Fedhub, login, oidc, service
from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    DOMAIN,
    ENTITY,
    authenticator_of,
    configured,
    one,
    running,
)

IDPS = {ENTITY: {"username_derivation": {"username_claim": "eppn"}}}
SERVICE = {"url": "https://g.example.org", "oauth_redirect_uri": "https://g.example.org/cb"}


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What z2jh's get_config knows, as in a hub pod."""
    known: dict[str, Any] = {}
    module = ModuleType("z2jh")
    module.get_config = lambda key, default=None: known.get(key, default)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "z2jh", module)
    yield known


def provider(**change: Any) -> dict[str, Any]:
    """Settings with one GitHub provider whose keys are changed; None removes one."""
    entry = {"authenticator": "github", "config": {}} | change
    return {key: value for key, value in entry.items() if value is not None}


def settings(**change: Any) -> dict[str, Any]:
    return {"domain": DOMAIN, "login": {"main": provider(**change)}}


# --- login --------------------------------------------------------------------------------


def test_one_provider_becomes_the_hubs_authenticator() -> None:
    authenticator = authenticator_of(
        configured(one("cilogon", {"idps": IDPS, "client_id": "c"}, label="Campus account"))
    )
    assert isinstance(authenticator, CILogonOAuthenticator)
    assert authenticator.oauth_callback_url == f"https://{DOMAIN}/hub/oauth_callback"
    assert authenticator.login_service == "Campus account"
    assert (authenticator.client_id, list(authenticator.idps)) == ("c", [ENTITY])
    assert authenticator.enable_auth_state is True


def test_settings_come_from_the_values_when_none_are_given(values: dict[str, Any]) -> None:
    values["global.fedhub"] = settings()
    c = Config()
    configure(c)
    assert issubclass(c.JupyterHub.authenticator_class, GitHubOAuthenticator)


@pytest.mark.parametrize("found", [None, {}])
def test_a_hub_without_settings_is_left_as_it_is(values: dict[str, Any], found: Any) -> None:
    values["global.fedhub"] = found
    c = Config()
    c.JupyterHub.authenticator_class = "dummy"
    configure(c)
    assert c == {"JupyterHub": {"authenticator_class": "dummy"}}


@pytest.mark.parametrize(
    "named", ["github", "GitHub", "oauthenticator.github.GitHubOAuthenticator"]
)
def test_plain_z2jh_files_get_our_class_under_its_old_name(
    values: dict[str, Any], named: str
) -> None:
    c = Config()
    c.JupyterHub.authenticator_class = named
    c.GitHubOAuthenticator.client_id = "Iv1"
    configure(c)
    authenticator = authenticator_of(c)
    assert type(authenticator) is not GitHubOAuthenticator
    assert (type(authenticator).__name__, authenticator.client_id) == (
        "GitHubOAuthenticator",
        "Iv1",
    )
    assert authenticator.enable_auth_state is True


def test_a_class_that_jupyterhub_does_not_find_is_left_for_it_to_say(values: Any) -> None:
    c = Config()
    c.JupyterHub.authenticator_class = "githbu"
    configure(c)
    assert c.JupyterHub.authenticator_class == "githbu"


def test_a_configured_callback_url_stands() -> None:
    url = "https://elsewhere.example.org/hub/oauth_callback"
    found = authenticator_of(configured(settings(config={"oauth_callback_url": url})))
    assert found.oauth_callback_url == url


def test_callback_urls_follow_the_base_url() -> None:
    c = Config()
    c.JupyterHub.base_url = "/jupyter/"
    found = authenticator_of(configured(settings(), c))
    assert found.oauth_callback_url == f"https://{DOMAIN}/jupyter/hub/oauth_callback"


def test_several_providers_have_a_callback_url_each() -> None:
    login = {"a": provider(), "b": provider(authenticator="cilogon", config={"idps": IDPS})}
    found = authenticator_of(configured({"domain": DOMAIN, "login": login}))
    assert [member.oauth_callback_url for member in found.authenticators.values()] == [
        f"https://{DOMAIN}/hub/a/oauth_callback",
        f"https://{DOMAIN}/hub/b/oauth_callback",
    ]


def test_auth_state_stays_off_where_the_operator_wants_that() -> None:
    c = Config()
    c.Authenticator.enable_auth_state = False
    assert authenticator_of(configured(settings(), c)).enable_auth_state is False


def test_a_provider_need_not_be_oauth() -> None:
    c = configured({"login": {"main": provider(authenticator="dummy", config={"password": "p"})}})
    found = authenticator_of(c)
    assert isinstance(found, DummyAuthenticator)
    assert found.password == "p"


def test_configuring_twice_changes_nothing() -> None:
    given = settings() | {"services": {"g": SERVICE | {"users": ["ada"], "api_token": "t"}}}
    c = configured(given)
    before = copy.deepcopy(c)
    configure(c, given)
    assert c == before


def test_settings_are_not_changed() -> None:
    given = settings(config={"scope": ["read:org"]}) | {"services": {"g": SERVICE}}
    before = copy.deepcopy(given)
    authenticator_of(configured(given))
    assert given == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (settings(authenticator="githbu"), "did you mean github?"),
        (settings(authenticator="no.such.Class"), "no.such.Class"),
        (settings(authenticator="os.path.join"), "not a JupyterHub authenticator class"),
        (settings(authenticator=None), "names no authenticator"),
        ({"domain": DOMAIN, "login": {"main": None}}, "login is null"),
        ({"login": {"main": provider()}}, "global.fedhub.domain"),
        (settings(config={"allowed_organisations": []}), "did you mean allowed_organizations?"),
        (settings(confg={}), "confg"),
        (settings(credentials={"secret": "s"}), "secret"),
        ({"domain": DOMAIN, "logins": {}}, "logins"),
        ({"domain": DOMAIN, "login": ["github"]}, "must be a mapping"),
        ({"services": {"g": SERVICE | {"redirect": ""}}}, "redirect"),
        (
            {"services": {"g": SERVICE | {"oauth_client_allowed_scopes": ["list:usrs"]}}},
            "did you mean list:users?",
        ),
        (
            {"services": {"g": SERVICE | {"oauth_client_allowed_scopes": ["instructors"]}}},
            "no scope instructors; name a scope, not a role",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as error:
        configured(given)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("model", "known"),
    [
        (Fedhub, configuration.KEYS),
        (login.Provider, configuration.PROVIDER_KEYS),
        (login.Credentials, credentials.KEYS),
        (oidc.Oidc, oidc_issuer.KEYS),
        (service.Service, {*Service.class_traits(input=True), *services.OURS}),
    ],
)
def test_the_hub_takes_every_key_that_the_values_may_have(
    model: type[BaseModel], known: frozenset[str]
) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert keys <= known


# --- credentials --------------------------------------------------------------------------

FROM_SECRET = {"existingSecret": "hub-oauth"}


def test_credentials_come_from_a_mounted_secret(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("Iv1\n")
    (tmp_path / "client_secret").write_text("s3cret\n")
    c = Config()
    given = settings(credentials=FROM_SECRET | {"clientIdKey": "id"})
    configure(c, given, credentials_dir=tmp_path)
    found = authenticator_of(c)
    assert (found.client_id, found.client_secret) == ("Iv1", "s3cret")


def test_the_environment_can_say_where_the_secret_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEDHUB_CREDENTIALS_DIR", str(tmp_path))
    for key in ("client_id", "client_secret"):
        (tmp_path / key).write_text(key)
    assert authenticator_of(configured(settings(credentials=FROM_SECRET))).client_id == "client_id"


@pytest.mark.parametrize("content", [None, " \n", b"\xff\xfe"])
def test_missing_credentials_stop_the_hub_and_name_the_file(tmp_path: Path, content: Any) -> None:
    (tmp_path / "client_id").write_text("Iv1")
    if content is not None:
        (tmp_path / "client_secret").write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
    with pytest.raises(ValueError, match="Secret hub-oauth") as error:
        configure(Config(), settings(credentials=FROM_SECRET), credentials_dir=tmp_path)
    assert str(tmp_path / "client_secret") in str(error.value)


# --- services -----------------------------------------------------------------------------


def test_a_service_is_added_to_those_of_the_chart() -> None:
    c = Config()
    c.JupyterHub.services = [{"name": "culler"}]
    c.JupyterHub.load_roles = [{"name": "culler-role"}]
    who = {"users": ["ada"], "groups": ["team"]}
    configured({"services": {"g": SERVICE | who}}, c)
    assert c.JupyterHub.services == [
        {"name": "culler"},
        {"name": "g", "oauth_client_id": "service-g", **SERVICE},
    ]
    assert c.JupyterHub.load_roles == [
        {"name": "culler-role"},
        {"name": "service-g-access", "scopes": ["access:services!service=g"], **who},
    ]
    assert c.Authenticator.auto_login_oauth2_authorize is True


def test_services_appended_lazily_are_kept() -> None:
    c = Config()
    c.JupyterHub.services.append({"name": "culler"})
    configured({"services": {"g": SERVICE}}, c)
    assert [service["name"] for service in c.JupyterHub.services] == ["culler", "g"]


def test_a_service_for_nobody_in_particular_gets_no_role() -> None:
    c = configured({"services": {"g": SERVICE | {"oauth_client_id": "service-x"}}})
    assert c.JupyterHub.services[0]["oauth_client_id"] == "service-x"
    assert "load_roles" not in c.JupyterHub


def test_the_operators_choice_about_automatic_login_stands() -> None:
    c = Config()
    c.Authenticator.auto_login_oauth2_authorize = False
    configured({"services": {"g": SERVICE}}, c)
    assert c.Authenticator.auto_login_oauth2_authorize is False


def test_a_service_declared_twice_in_two_ways_stops_the_hub() -> None:
    c = Config()
    c.JupyterHub.services = [{"name": "g", "url": "https://else.example.org"}]
    with pytest.raises(ValueError, match="in one place"):
        configured({"services": {"g": SERVICE}}, c)


def test_a_service_may_have_scopes_of_jupyterhub_and_custom_ones() -> None:
    scopes = ["self", "list:users!group=team", "custom:notes:read"]
    c = configured({"services": {"g": SERVICE | {"oauth_client_allowed_scopes": scopes}}})
    assert c.JupyterHub.services[0]["oauth_client_allowed_scopes"] == scopes


def test_a_role_of_a_service_is_a_scope_that_its_people_have_and_that_it_sees() -> None:
    roles = {"editor": {"groups": ["team"]}, "admin": {"users": ["ada"]}, "none": {}, "gone": None}
    entry = SERVICE | {"roles": roles, "oauth_client_allowed_scopes": ["self"]}
    c = configured({"services": {"g": entry}})
    assert c.JupyterHub.services == [
        {
            "name": "g",
            "oauth_client_id": "service-g",
            **SERVICE,
            "oauth_client_allowed_scopes": [
                *("self", "custom:g:editor", "custom:g:admin", "custom:g:none"),
            ],
        }
    ]
    access = "access:services!service=g"
    assert c.JupyterHub.load_roles == [
        {
            "name": "service-g-role-editor",
            "scopes": [access, "custom:g:editor"],
            "groups": ["team"],
        },
        {"name": "service-g-role-admin", "scopes": [access, "custom:g:admin"], "users": ["ada"]},
    ]
    before = copy.deepcopy(c)
    configured({"services": {"g": entry}}, c)
    assert c == before


@pytest.mark.parametrize(
    ("name", "roles", "words"),
    [
        ("g", {"editor": {"group": ["team"]}}, r"roles\.editor has unknown keys: group; it takes"),
        ("g", {"Editor": {}}, "takes no scope custom:g:Editor; use lower-case"),
        ("g", {"editor-": {}}, "takes no scope custom:g:editor-"),
        ("g.h", {"editor": {}}, "takes no scope custom:g.h:editor"),
    ],
)
def test_a_role_that_cannot_be_is_said(name: str, roles: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        configured({"services": {name: SERVICE | {"roles": roles}}})


@pytest.mark.parametrize("roles", [["editor"], "editor", {"editor": ["ada"]}, {"editor": "ada"}])
def test_roles_that_are_no_map_stop_the_hub(roles: Any) -> None:
    with pytest.raises(ValueError, match=r"services\.g\.roles\S* must be a map"):
        configured({"services": {"g": SERVICE | {"roles": roles}}})


@pytest.mark.parametrize("scopes", ["read:users", [5], {"read:users": None}])
def test_scopes_that_are_no_list_stop_the_hub(scopes: Any) -> None:
    words = r"services\.g\.oauth_client_allowed_scopes must be a list of scopes; write"
    with pytest.raises(ValueError, match=words):
        configured({"services": {"g": SERVICE | {"oauth_client_allowed_scopes": scopes}}})


def test_only_the_people_named_may_use_a_service() -> None:
    async def start() -> None:
        who = {"users": ["ada"], "groups": ["team"], "api_token": "0" * 64}
        given = settings(config={"allowed_users": ["ada", "bob"]})
        async with running(configured(given | {"services": {"g": SERVICE | who}})) as (hub, _):
            assert may_use(hub, "ada")
            assert not may_use(hub, "bob")
            team = orm.Group.find(hub.db, "team")
            team.users.append(orm.User.find(hub.db, "bob"))
            assert may_use(hub, "bob")

    run_async(start())


@pytest.mark.parametrize("people", ["olga", {"olga": None}, [["olga"]], [7], 7])
@pytest.mark.parametrize("kind", ["users", "groups"])
def test_people_who_are_no_list_of_names_stop_the_hub(kind: str, people: Any) -> None:
    words = rf"services\.g\.{kind} must be a list of names; write {kind}: \[one, another\]"
    with pytest.raises(ValueError, match=words):
        configured({"services": {"g": SERVICE | {kind: people}}})
    words = words.replace("g\\.", "g\\.roles\\.editor\\.")
    with pytest.raises(ValueError, match=words):
        configured({"services": {"g": SERVICE | {"roles": {"editor": {kind: people}}}}})


@pytest.mark.parametrize(
    ("own", "other", "words"),
    [
        ({}, {"oauth_client_id": "service-g"}, "oauth_client_id of the service h"),
        ({"oauth_client_id": "service-h"}, {}, "oauth_client_id of the service h"),
        ({"api_token": "0" * 64}, {"api_token": "0" * 64}, "api_token of the service h"),
    ],
)
def test_two_services_that_could_act_as_each_other_stop_the_hub(
    own: dict[str, str], other: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as error:
        configured({"services": {"g": SERVICE | own, "h": SERVICE | other}})
    assert "0000" not in str(error.value)
    c = Config()
    c.JupyterHub.services = [{"name": "h", **other}]  # of z2jh's values
    with pytest.raises(ValueError, match=words):
        configured({"services": {"g": SERVICE | own}}, c)


def may_use(hub: JupyterHub, name: str) -> bool:
    from jupyterhub import scopes

    user = orm.User.find(hub.db, name)
    return "access:services!service=g" in scopes.get_scopes_for(user)


# --- the tutorial's import ----------------------------------------------------------------

TUTORIAL = """
from custosauthenticator.custos import CustosOAuthenticator
c.JupyterHub.authenticator_class = CustosOAuthenticator
c.CustosOAuthenticator.oauth_callback_url = "https://hub.example.org/hub/oauth_callback"
c.CustosOAuthenticator.client_id = "custos-0123456789abcdefghij-10000007"
c.CustosOAuthenticator.client_secret = "s3cret"
c.CustosOAuthenticator.login_service = "Custos Login"
c.CustosOAuthenticator.custos_host = "custos.scigap.org"
c.CustosOAuthenticator.allowed_groups = ["Group_Id"]
"""


def test_the_tutorial_word_for_word_gets_the_working_class(values: dict[str, Any]) -> None:
    c = Config()
    configure(c)
    exec(TUTORIAL, {"c": c})
    found = authenticator_of(c)
    assert type(found).__module__ == "fedhub_authenticators.custos"
    assert (found.allowed_groups, found.manage_groups) == ({"Group_Id"}, True)


@pytest.mark.parametrize("installed", [True, False])
def test_the_import_works_with_and_without_the_package(installed: bool) -> None:
    script = [
        "import sys, importlib.abc",
        "class Missing(importlib.abc.MetaPathFinder):",
        "    def find_spec(self, name, path, target=None):",
        "        if name.startswith('custosauthenticator'): raise ModuleNotFoundError(name)",
        "" if installed else "sys.meta_path.insert(0, Missing())",
        "from traitlets.config import Config",
        "from fedhub_authenticators import configure",
        "configure(Config(), {}); configure(Config(), {})",
        "assert 'fedhub_authenticators.custos' not in sys.modules, 'loaded too early'",
        "import custosauthenticator.custos",
        "from custosauthenticator.custos import CustosOAuthenticator, CustosLoginHandler",
        "assert custosauthenticator.custos.CustosOAuthenticator is CustosOAuthenticator",
        "print(CustosOAuthenticator.__module__)",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(script)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("fedhub_authenticators.custos\n", 0), done.stderr


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = (
        "import sys, fedhub_authenticators; "
        "print([m for m in ('jupyterhub', 'oauthenticator', 'tornado') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_entry_point_stays_a_function_once_it_was_used() -> None:
    # A submodule of the same name would take its place in the package.
    configured(one("github", {"allow_all": True}))
    import fedhub_authenticators

    fedhub_authenticators.configure(Config(), {})


# --- classes that an operator's code builds on ----------------------------------------------


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("CILogonOAuthenticator", "oauthenticator.cilogon"),
        ("GitHubOAuthenticator", "oauthenticator.github"),
        ("GenericOAuthenticator", "oauthenticator.generic"),
        ("CustosOAuthenticator", "fedhub_authenticators.custos"),
        ("FederatedAuthenticator", "fedhub_authenticators.federated"),
    ],
)
def test_code_can_build_on_our_classes(name: str, module: str) -> None:
    import fedhub_authenticators

    found = getattr(fedhub_authenticators, name)
    assert found.__name__ == name
    assert module in {base.__module__ for base in found.__mro__}
    c = Config()
    c.JupyterHub.authenticator_class = f"fedhub_authenticators.{name}"
    assert JupyterHub(config=c).authenticator_class is found


def test_a_name_that_is_no_class_is_an_error_that_says_so() -> None:
    import fedhub_authenticators

    for name in ("NoSuchOAuthenticator", "nothing"):
        with pytest.raises(AttributeError, match=name):
            getattr(fedhub_authenticators, name)


def test_a_jupyterhub_where_pkce_has_no_place_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("jupyterhub.app.make_provider")
    with pytest.raises(ValueError, match="this version of JupyterHub"):
        configure(Config(), {})
