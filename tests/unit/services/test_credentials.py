"""`fedhub service credentials`: all that an owner needs, and the secret only where that is safe."""

from __future__ import annotations

import configparser
import json
import os
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pyrage
import pytest

from fedhub.hub.load import load_hub
from fedhub.preview.processes import proxy_command
from fedhub.services.declared import find
from fedhub.services.forms import CONFIGURATIONS
from tests.unit.services.conftest import CALLBACK, OF_FEDHUB, VALUES, add, hub_of, service

FORMATS = ("text", "env", "json", *CONFIGURATIONS)
ISSUER = OF_FEDHUB.replace("    login:", "    oidc: {enabled: true}\n    login:")


@pytest.fixture
def secret(text: str) -> str:
    add("--users", "olga")
    return find(load_hub("x"), "grafana").token


@pytest.fixture
def own(work: Path) -> str:
    """The same, of a hub with `global.fedhub` that is an issuer."""
    hub_of(ISSUER)
    add("--users", "olga")
    return find(load_hub("x"), "grafana").token


def credentials(*options: str) -> subprocess.CompletedProcess[str]:
    return service("credentials", "x", "grafana", *options)


def test_where_everything_is(secret: str) -> None:
    data: dict[str, Any] = json.loads(credentials("--format", "json").stdout)
    assert data["client_id"] == "service-grafana"
    assert data["redirect_uri"] == CALLBACK
    assert data["authorization_endpoint"] == "https://hub.example.org/hub/api/oauth2/authorize"
    assert data["token_endpoint"] == "https://hub.example.org/hub/api/oauth2/token"
    assert data["userinfo_endpoint"] == "https://hub.example.org/hub/api/user"
    assert data["token_endpoint_auth_method"] == "client_secret_post"
    assert data["access_token_expires_in"] == 14 * 24 * 3600
    assert data["client_secret"] is None


@pytest.mark.parametrize("kind", FORMATS)
def test_the_secret_is_hidden_until_asked_for(own: str, kind: str) -> None:
    done = credentials("--format", kind)
    assert done.returncode == 0
    assert own not in done.stdout + done.stderr
    assert "--output" in done.stderr or "--format text" in done.stderr
    shown = credentials("--format", kind, "--reveal")
    assert (own in shown.stdout) == (kind not in CONFIGURATIONS)
    assert own not in shown.stderr


def test_a_file_is_for_its_owners_eyes_only_and_never_replaced(own: str) -> None:
    done = credentials("--format", "env", "--output", "grafana.env")
    assert (done.returncode, done.stdout) == (0, "")
    file = Path("grafana.env")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"OAUTH_CLIENT_SECRET={own}\n" in file.read_text()
    again = credentials("--format", "env", "--output", "grafana.env")
    assert again.returncode == 2
    assert again.stderr == (
        "grafana.env is there already, and stays as it is; name a new file with --output\n"
    )


def test_a_file_in_a_folder_that_is_not_there(own: str) -> None:
    done = credentials("--output", "gone/grafana.env")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "gone can't be written: No such file or directory; make it\n"


def test_what_is_sealed_only_its_recipient_reads(own: str) -> None:
    owner = pyrage.x25519.Identity.generate()
    done = credentials("--format", "json", "--age", str(owner.to_public()))
    assert done.stdout.startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert own not in done.stdout
    assert json.loads(pyrage.decrypt(done.stdout.encode(), [owner]))["client_secret"] == own
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(done.stdout.encode(), [pyrage.x25519.Identity.generate()])


@pytest.mark.parametrize("key", ["nobody", "age1qqq", "ssh-rsa x", "AGE-SECRET-KEY-1QQ"])
def test_what_is_no_public_key_is_refused(own: str, key: str) -> None:
    done = credentials("--age", key)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--age takes a public key, and this is none" in done.stderr
    assert key not in done.stderr


def test_the_hubs_own_lifetime_and_path_count(work: Path) -> None:
    hub_of(
        OF_FEDHUB + "jupyterhub:\n  hub:\n    baseUrl: /jupyter/\n"
        "    config: {JupyterHub: {oauth_token_expires_in: 90}}\n"
    )
    add()
    data = json.loads(credentials("--format", "json").stdout)
    assert data["access_token_expires_in"] == 90
    assert data["token_endpoint"] == "https://hub.example.org/jupyter/hub/api/oauth2/token"


def test_a_hub_that_does_not_say_where_it_is(work: Path) -> None:
    hub_of("hub: {config: {JupyterHub: {authenticator_class: github}}}\n")
    add()
    done = credentials()
    assert done.returncode == 2
    assert "add --hub-url https://" in done.stderr
    for address in ("https://hub.example.org/", "https://hub.example.org/hub/"):
        there = credentials("--hub-url", address, "--format", "env")
        assert "OAUTH_TOKEN_URL=https://hub.example.org/hub/api/oauth2/token\n" in there.stdout


def test_a_service_without_a_token_is_said(work: Path) -> None:
    hub_of(OF_FEDHUB + f"    services:\n      grafana: {{oauth_redirect_uri: '{CALLBACK}'}}\n")
    done = credentials()
    assert done.returncode == 1
    assert done.stderr.startswith(f"{VALUES}:8:7: grafana has no token; `fedhub secrets generate")


def test_an_issuer_is_named_where_the_hub_is_one(own: str) -> None:
    issuer = "https://hub.example.org/hub/oidc"
    assert json.loads(credentials("--format", "json").stdout)["issuer"] == issuer
    assert issuer in credentials().stdout
    file = tomllib.loads(credentials("--format", "oauth2-proxy").stdout)
    assert (file["oidc_issuer_url"], file["redirect_url"]) == (issuer, CALLBACK)


@pytest.mark.parametrize(
    ("of_all", "of_one", "needed"),
    [("", "", False), ("", "true", True), ("true", "", True), ("true", "false", False)],
)
def test_whether_pkce_has_to_be_used(own: str, of_all: str, of_one: str, needed: bool) -> None:
    text = VALUES.read_text()
    if of_all:
        text = text.replace("enabled: true", f"enabled: true, requirePkce: {of_all}")
    if of_one:
        text = text.replace("      grafana:\n", f"      grafana:\n        requirePkce: {of_one}\n")
    VALUES.write_text(text)
    said = next(line for line in credentials().stdout.splitlines() if line.startswith("PKCE"))
    assert ("has to be used" if needed else "may be used") in said
    assert json.loads(credentials("--format", "json").stdout)["pkce_required"] is needed


def test_oauth2_proxy_needs_an_issuer(text: str) -> None:
    add()
    assert json.loads(credentials("--format", "json").stdout)["issuer"] is None
    done = credentials("--format", "oauth2-proxy")
    assert (done.returncode, done.stdout) == (2, "")
    assert "oauth2-proxy takes OpenID Connect alone" in done.stderr


def test_grafanas_file_says_the_same(own: str) -> None:
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(credentials("--format", "grafana").stdout)
    section = found["auth.generic_oauth"]
    assert section["client_id"] == "service-grafana"
    assert section["token_url"] == "https://hub.example.org/hub/api/oauth2/token"
    assert (section["scopes"], section["empty_scopes"]) == ("", "true")
    assert section["email_attribute_path"] == "join('@', [name, 'hub.example.org'])"


@pytest.mark.parametrize("kind", ["superset", "authlib"])
def test_programs_are_python_whatever_the_address_holds(x: str, kind: str) -> None:
    add(callback="https://a.example.org/x?a='%22;$(id)&b=%7B")
    compile(credentials("--format", kind).stdout, kind, "exec")


def test_passports_program_is_javascript_whatever_the_address_holds(x: str) -> None:
    add(callback="https://a.example.org/x?a='%22;$(id)&b=%7B")
    program = Path("app.mjs")
    program.write_text(credentials("--format", "passport").stdout)
    node, *_ = proxy_command()
    done = subprocess.run([node, "--check", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("end", ["1;touch$IFS'owned'", "';touch$IFS'owned';'"])
def test_the_shell_runs_no_part_of_an_address(x: str, end: str) -> None:
    add(callback=f"https://a.example.org/x?a={end}")
    Path("login.sh").write_text(credentials("--format", "curl").stdout)
    environment = {"PATH": os.environ["PATH"], "OAUTH_CLIENT_SECRET": "s"}
    done = subprocess.run(
        ["sh", "login.sh"],
        env=environment,
        input="nothing\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("https://hub.example.org/hub/api/oauth2/authorize?")
    assert not Path("owned").exists()
