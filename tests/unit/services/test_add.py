"""`fedhub service add`: what is written where, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fedhub.hub.load import load_hub
from fedhub.services.add import Wanted
from fedhub.services.add import add as add_to
from tests.unit.services.conftest import (
    CALLBACK,
    OF_FEDHUB,
    PLAIN,
    SECRETS,
    SERVICES,
    VALUES,
    add,
    hub_of,
    service,
    without_keys,
)


def entry(text: str) -> Any:
    return load_hub("x").get(*SERVICES[text].split("."), "grafana")


def test_the_service_is_declared_and_has_a_token(text: str) -> None:
    said = add("--groups", "operators,staff", "--users", "olga")
    declared = entry(text)
    assert declared["oauth_redirect_uri"] == CALLBACK
    assert declared["oauth_no_confirm"] is True
    assert re.fullmatch("[0-9a-f]{64}", declared["api_token"])
    assert declared["api_token"] not in said + VALUES.read_text() + SECRETS.read_text()
    assert SECRETS.stat().st_mode & 0o777 == 0o600
    assert set(text.splitlines()) <= set(VALUES.read_text().splitlines())


def test_people_are_let_in(text: str) -> None:
    add("--groups", "operators", "--groups", "staff", "--users", "olga, max")
    hub = load_hub("x")
    if text == OF_FEDHUB:
        holder = entry(text)
    else:
        holder = hub.z2jh_get("hub", "loadRoles", "service-grafana-access")
        assert holder["scopes"] == ["access:services!service=grafana"]
        assert entry(text)["oauth_client_id"] == "service-grafana"
        assert hub.z2jh_get("hub", "config", "Authenticator", "auto_login_oauth2_authorize") is True
    assert (holder["users"], holder["groups"]) == (["olga", "max"], ["operators", "staff"])


def test_nobody_named_is_said_plainly(text: str) -> None:
    assert "Nobody but the hub's admins gets into grafana" in add()
    assert "admins gets into" not in add("--users", "olga", name="superset")


def test_options_become_keys(x: str) -> None:
    add("--confirm", "--no-display", "--scope", "read:users:name", "--url", "http://notes:8000")
    declared = entry(x)
    del declared["api_token"]
    assert declared == {
        "url": "http://notes:8000",
        "oauth_redirect_uri": CALLBACK,
        "oauth_client_allowed_scopes": ["read:users:name"],
        "display": False,
    }
    assert load_hub("x").fedhub is not None  # the model takes it


@pytest.mark.parametrize(
    "name", ["Grafana", "-a", "a-", "a/b", "", "a b", "x" * 64, "jupyterhub-idle-culler", "é"]
)
def test_names_that_it_refuses(x: str, name: str) -> None:
    done = service("add", "x", "--redirect-uri", CALLBACK, "--", name)
    assert done.returncode in (1, 2)
    assert "name" in done.stderr
    assert (VALUES.read_text(), SECRETS.exists()) == (x, False)


def test_a_duplicate_is_shown_where_it_is(text: str) -> None:
    add()
    before = VALUES.read_text(), SECRETS.read_bytes()
    line = before[0].splitlines().index(next(i for i in before[0].splitlines() if "grafana:" in i))
    done = service("add", "x", "grafana", "--redirect-uri", "https://other.example.org/")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{VALUES}:{line + 1}:")
    assert "has a service grafana already" in done.stderr
    assert (VALUES.read_text(), SECRETS.read_bytes()) == before


def test_a_name_that_a_service_without_login_has_is_refused(work: Path) -> None:
    hub_of(PLAIN)
    done = service("add", "x", "other", "--redirect-uri", CALLBACK)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{VALUES}:8:5: there is a service other already")


def test_the_client_id_of_another_is_refused(work: Path) -> None:
    other = "    old: {oauth_client_id: service-grafana, oauth_redirect_uri: 'https://a.b/'}\n"
    hub_of(OF_FEDHUB + "    services:\n  " + other)
    done = service("add", "x", "grafana", "--redirect-uri", CALLBACK)
    assert "old has the client id service-grafana already" in done.stderr


def test_a_role_of_that_name_which_lets_others_in_is_refused(work: Path) -> None:
    role = "  loadRoles:\n    service-grafana-access: {scopes: [self], users: [max]}\n"
    hub_of(PLAIN.replace("\ningress", f"{role}\ningress"))
    done = service("add", "x", "grafana", "--redirect-uri", CALLBACK, "--users", "olga")
    assert "there is a role service-grafana-access already" in done.stderr
    assert done.stderr.startswith(f"{VALUES}:11:5")


def test_an_unknown_scope_is_refused(x: str) -> None:
    done = service("add", "x", "grafana", "--redirect-uri", CALLBACK, "--scope", "read:user")
    assert done.returncode == 2
    assert "JupyterHub has no scope read:user; did you mean read:users?" in done.stderr


def test_people_are_not_named_where_the_authenticator_manages_roles(work: Path) -> None:
    hub_of(PLAIN.replace("manage_groups: true", "manage_roles: true"))
    done = service("add", "x", "grafana", "--redirect-uri", CALLBACK, "--users", "olga")
    assert done.stderr.startswith(f"{VALUES}:5:28: the authenticator manages roles")


def test_groups_that_nobody_fills_are_said(work: Path) -> None:
    hub_of(PLAIN.replace("manage_groups: true", "enable_auth_state: true"))
    assert "Nothing in the values puts people into groups" in add("--groups", "operators")


def test_a_user_name_that_no_provider_makes_is_said(work: Path) -> None:
    hub_of(OF_FEDHUB + "      staff: {authenticator: google}\n")
    said = add("--users", "olga,staff:max")
    assert "No login provider makes the user name olga: they begin campus:, staff:" in said
    assert "staff:max:" not in said


def test_a_dry_run_prints_the_difference_and_no_secret(work: Path) -> None:
    text = hub_of(PLAIN)
    done = service("add", "x", "grafana", "--redirect-uri", CALLBACK, "--dry-run")
    assert done.returncode == 0
    added = [line for line in done.stdout.splitlines() if line.startswith("+")]
    assert "+    grafana:" in added
    assert "plain-token-of-other" not in done.stdout
    assert (VALUES.read_text(), SECRETS.exists()) == (text, False)


def test_json_says_what_was_done_on_stdout_alone(x: str) -> None:
    command = ("add", "x", "grafana", "--redirect-uri", CALLBACK, "--format", "json")
    planned = json.loads(service(*command, "--dry-run").stdout)
    done = service(*command)
    data = json.loads(done.stdout)
    assert (planned["done"], data) == (False, planned | {"done": True})
    assert data["client_id"] == "service-grafana"
    assert data["token"] == "global.fedhub.services.grafana.api_token"
    assert entry(x)["api_token"] not in done.stdout + done.stderr


def test_without_a_key_nothing_is_written(text: str) -> None:
    without_keys()
    done = service("add", "x", "grafana", "--redirect-uri", CALLBACK)
    assert done.returncode == 1
    assert "there is no key to encrypt" in done.stderr
    assert (VALUES.read_text(), SECRETS.exists()) == (text, False)


def test_cut_short_between_the_two_files_a_second_run_finishes(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    wanted = Wanted("grafana", CALLBACK, users=("olga",))
    with monkeypatch.context() as context:
        context.setattr("fedhub.services.tokens.create", killed)
        with pytest.raises(KeyboardInterrupt):
            add_to("x", wanted)
    half = VALUES.read_text()
    assert "grafana:" in half
    assert not SECRETS.exists()
    add_to("x", wanted)
    assert VALUES.read_text() == half
    assert len(entry(text)["api_token"]) == 64


def test_other_secrets_and_services_stay(text: str) -> None:
    add()
    first = entry(text)["api_token"]
    add(name="superset", callback="https://superset.example.org/oauth-authorized/hub")
    assert entry(text)["api_token"] == first


def test_an_encrypted_file_in_plaintext_is_refused(text: str) -> None:
    SECRETS.write_text("hub: {}\n")
    done = service("add", "x", "grafana", "--redirect-uri", CALLBACK)
    assert "this file is not encrypted" in done.stderr
    assert VALUES.read_text() == text
