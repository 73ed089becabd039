"""`global.fedhub`: what it takes, what it refuses, and the schema that says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from fedhub.errors import Problems
from fedhub.hub import load_hub
from fedhub.hub.model import Fedhub, values_schema

FULL = """\
global:
  fedhub:
    domain: hub.example.org
    login:
      campus:
        authenticator: cilogon
        label: Campus login
        config: {idps: {"https://idp.example.org": {any: [thing]}}, no_such_trait: null}
        credentials: {existingSecret: campus-login, clientIdKey: id}
      staff: {authenticator: my_package.auth.Staff, prefix: ""}
      gone: null
    services:
      grafana:
        url: https://grafana.example.org
        oauth_redirect_uri: https://grafana.example.org/login/generic_oauth
        oauth_no_confirm: true
        api_token: very-secret-token
        users: [olga]
        groups: [instructors]
"""


def fedhub_of(text: str, folder: Path) -> Fedhub:
    (folder / "x.values.yaml").write_text(text)
    found = load_hub("x", folder=folder).fedhub
    assert found is not None
    return found


def problems_of(text: str, folder: Path) -> list[str]:
    with pytest.raises(Problems) as caught:
        fedhub_of(text, folder)
    assert str(caught.value).splitlines() == [str(one) for one in caught.value.errors]
    prefix = f"{folder}/x.values.yaml:"
    return [str(one).removeprefix(prefix) for one in caught.value.errors]


def test_everything_it_takes(tmp_path: Path) -> None:
    fedhub = fedhub_of(FULL, tmp_path)
    assert list(fedhub.login) == ["campus", "staff"]  # null deletes
    campus = fedhub.login["campus"]
    assert campus.config["no_such_trait"] is None  # what is below config is the authenticator's
    assert campus.credentials is not None
    assert campus.credentials.client_id_key == "id"
    assert campus.credentials.client_secret_key == "client_secret"
    assert fedhub.client_id("grafana") == "service-grafana"


def test_prefixes_keep_several_providers_apart(tmp_path: Path) -> None:
    fedhub = fedhub_of(FULL, tmp_path)
    assert (fedhub.prefix("campus"), fedhub.prefix("staff")) == ("campus:", "")
    alone = Fedhub.model_validate({"domain": "a.b", "login": {"x": {"authenticator": "github"}}})
    assert alone.prefix("x") == ""


def test_no_secret_in_a_repr(tmp_path: Path) -> None:
    with_secret = FULL.replace("no_such_trait: null", "client_secret: very-secret-too")
    assert "very-secret" not in repr(fedhub_of(with_secret, tmp_path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("domain: https://hub.example.org", "3:5: global.fedhub.domain: must be a host name alone"),
        ("domain: hub.example.org:443", "3:5: global.fedhub.domain: must be a host name alone"),
        ("domain: hub.example.org/x", "3:5: global.fedhub.domain: must be a host name alone"),
        ("domain: Hub.example.org", "3:5: global.fedhub.domain: must be a host name alone"),
        ("domain: 12", "3:5: global.fedhub.domain: must be text; put quotes round it"),
        ("login: {}", "2:3: global.fedhub.domain: is missing; add it"),
    ],
)
def test_domains_it_refuses(text: str, problem: str, tmp_path: Path) -> None:
    (found,) = problems_of(f"global:\n  fedhub:\n    {text}\n", tmp_path)
    assert found.startswith(problem)


def test_unknown_keys_get_a_suggestion(tmp_path: Path) -> None:
    text = """\
global:
  fedhub:
    domian: hub.example.org
    domain: hub.example.org
    login:
      campus:
        authenticator: cilogon
        lable: x
        credentials:
          existingSecret: a
          clientidkey: b
        qqq: 1
    services:
      grafana:
        oauth_redirect_url: https://a.b/c
        oauth_redirect_uri: https://a.b/c
"""
    assert sorted(problems_of(text, tmp_path)) == [
        "11:11: unknown key global.fedhub.login.campus.credentials.clientidkey; "
        "did you mean clientIdKey?",
        "12:9: unknown key global.fedhub.login.campus.qqq; "
        "the keys there are authenticator, label, config, credentials, prefix",
        "15:9: unknown key global.fedhub.services.grafana.oauth_redirect_url; "
        "did you mean oauth_redirect_uri?",
        "3:5: unknown key global.fedhub.domian; did you mean domain?",
        "8:9: unknown key global.fedhub.login.campus.lable; did you mean label?",
    ]


@pytest.mark.parametrize(
    ("below", "says"),
    [
        ("login: {Campus: {authenticator: cilogon}}", "a provider's name is lower-case letters"),
        ("login: {a: {}}", "login.a.authenticator: is missing"),
        ("login: {a: cilogon}", "login.a: must be a map"),
        ("login: [a]", "login: must be a map"),
        ("login: {a: {authenticator: 'x y'}}", "must be an authenticator's name"),
        ("login: {a: {authenticator: x, label: ''}}", "label: must not be empty"),
        ("login: {a: {authenticator: x, config: []}}", "config: must be a map"),
        ("services: {g: {}}", "services.g.oauth_redirect_uri: is missing"),
        ("services: {g: {oauth_redirect_uri: /x}}", "must be an address that starts with https://"),
        ("services: {g/h: {oauth_redirect_uri: 'https://a/x'}}", "a service's name is letters"),
        (
            "services: {g: {oauth_redirect_uri: 'https://a/x', oauth_client_id: g}}",
            "must start with service-",
        ),
        (
            "services: {g: {oauth_redirect_uri: 'https://a/x', display: 'yes'}}",
            "display: must be true or false",
        ),
        (
            "services: {g: {oauth_redirect_uri: 'https://a/x', users: olga}}",
            "users: must be a list; write its entries as",
        ),
    ],
)
def test_what_it_refuses(below: str, says: str, tmp_path: Path) -> None:
    (found,) = problems_of(f"global:\n  fedhub:\n    domain: a.b\n    {below}\n", tmp_path)
    assert found.startswith("4:")
    assert says in found


@pytest.mark.parametrize(
    ("key", "value"), [("oauth_client_id", "service-grafana"), ("api_token", "very-secret-token")]
)
def test_two_services_that_could_act_as_each_other(key: str, value: str, tmp_path: Path) -> None:
    other = f"      notes: {{oauth_redirect_uri: 'https://n.example.org/cb', {key}: {value}}}\n"
    (problem,) = problems_of(FULL + other, tmp_path)
    assert f"global.fedhub: the services grafana and notes must each have an {key}" in problem
    assert "very-secret" not in problem


def test_no_secret_in_a_message(tmp_path: Path) -> None:
    text = FULL.replace("api_token: very-secret-token", "api_token: [very-secret-token]")
    assert "very-secret" not in "".join(problems_of(text, tmp_path))


def schema_accepts(declared: Any) -> bool:
    values = {"global": {"fedhub": declared}}
    return bool(jsonschema.Draft7Validator(values_schema()).is_valid(values))


def test_the_schema_takes_what_the_model_takes() -> None:
    declared = yaml.safe_load(FULL)["global"]["fedhub"]
    del declared["login"]["gone"]
    assert schema_accepts(declared)


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"domain": "https://x"},
        {"domain": "a.b", "logins": {}},
        {"domain": "a.b", "login": {"A": {"authenticator": "x"}}},
        {"domain": "a.b", "login": {"a": {"authenticator": "x", "lable": "y"}}},
        {"domain": "a.b", "services": {"a": {}}},
    ],
)
def test_the_schema_refuses_what_the_model_refuses(declared: Any) -> None:
    assert not schema_accepts(declared)


def test_every_field_is_documented() -> None:
    def check(schema: Any, path: str) -> None:
        for key in ("properties", "patternProperties"):
            for name, below in schema.get(key, {}).items():
                assert below.get("description"), f"{path}.{name}"
                check(below, f"{path}.{name}")
        if isinstance(schema.get("items"), dict):
            check(schema["items"], f"{path}[]")

    check(values_schema(), "")
