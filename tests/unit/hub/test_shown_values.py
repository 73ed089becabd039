"""`fedhub values`: what is merged, what set each, and no secrets unless asked for."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from fedhub.cli.values import values
from fedhub.errors import UsageError
from fedhub.hub import Hub, load_hub
from fedhub.hub.show import dotted, find, shown

TEXT = """\
hub:
  config:
    JupyterHub: {authenticator_class: github}
    GitHubOAuthenticator:
      client_secret: hidden-1
      oauth_callback_url: https://hub.example.org/hub/oauth_callback
      allowed_organizations: [lab, "other lab"]
    CryptKeeper: {keys: [hidden-2]}
  existingSecret: shown
  extraConfig:
    10-x: |
      c.a = 1
      c.b = 2
  services: {g: {apiToken: hidden-3, api_token: hidden-4}}
  cookieSecret: hidden-5
proxy: {secretToken: hidden-6, pem: "-----BEGIN PRIVATE KEY-----hidden-7"}
idps: {"https://idp.example.org/x": {password: [hidden-8], allow: true}}
empty: {}
nothing: null
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.chdir(tmp_path)
    Path("x.values.yaml").write_text(TEXT)
    Path("enc-x.secret.values.yaml").write_text("plain: {name: hidden-9}\n")
    return load_hub("./x.values.yaml")


@pytest.mark.parametrize("output", ["text", "yaml", "json"])
def test_secrets_are_hidden_unless_revealed(hub: Hub, output: Any) -> None:
    text = shown(hub, None, output=output, reveal=False)
    assert "hidden-" not in text
    assert text.count("<hidden>") == 9
    assert "shown" in text
    revealed = shown(hub, None, output=output, reveal=True)
    assert all(f"hidden-{number}" in revealed for number in range(1, 10))


def test_text_says_what_set_each_value(hub: Hub) -> None:
    lines = shown(hub, "hub.config", output="text", reveal=False).splitlines()
    assert lines[0].split() == [
        "x.values.yaml:3",
        "hub.config.JupyterHub.authenticator_class:",
        "github",
    ]
    whole = shown(hub, None, output="text", reveal=False)
    assert "hub.config.GitHubOAuthenticator.allowed_organizations[1]: other lab" in whole
    assert "hub.extraConfig.10-x: c.a = 1 …" in whole
    assert "empty: {}" in whole
    assert "enc-x.secret.values.yaml:1  plain.name: <hidden>" in whole


def test_json_has_values_and_positions(hub: Hub) -> None:
    found = json.loads(shown(hub, None, output="json", reveal=True))
    assert found["values"] == hub.values
    assert {"path": ["empty"], "file": "x.values.yaml", "line": 18, "column": 1} in found["set"]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("hub.config.JupyterHub", ("hub", "config", "JupyterHub")),
        ("idps.https://idp.example.org/x.allow", ("idps", "https://idp.example.org/x", "allow")),
        ('idps."https://idp.example.org/x".allow', ("idps", "https://idp.example.org/x", "allow")),
        ("hub.config.CryptKeeper.keys[0]", ("hub", "config", "CryptKeeper", "keys", 0)),
        ("hub.config.CryptKeeper.keys.0", ("hub", "config", "CryptKeeper", "keys", 0)),
    ],
)
def test_keys_may_hold_dots(hub: Hub, key: str, path: tuple[str | int, ...]) -> None:
    assert find(hub, key) == path
    assert find(hub, dotted(path)) == path


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("hub.confg", "hub.config"),
        ("hbu.config", "hub"),
        ("keys", "hub.config.CryptKeeper.keys"),
        ("hub.config.JupyterHubb.x", "hub.config"),
    ],
)
def test_an_unknown_key_names_a_near_one(hub: Hub, key: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean {near}"):
        shown(hub, key, output="text", reveal=False)


def test_a_secret_asked_for_by_its_key_is_hidden_too(hub: Hub) -> None:
    text = shown(hub, "proxy.secretToken", output="text", reveal=False)
    assert text.split() == ["x.values.yaml:16", "proxy.secretToken:", "<hidden>"]
    assert shown(hub, "plain.name", output="yaml", reveal=False).startswith('"<hidden>"')


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
lines = st.lists(st.text("ab: #|-'\"", max_size=6), max_size=4).map("\n".join)
leaves = st.one_of(
    texts, lines, st.sampled_from(["yes", "1", "<<", "~", ""]), st.booleans(), st.none()
)
leaves = st.one_of(leaves, st.integers(-(2**53), 2**53), st.floats(-1e30, 1e30))
some_values = st.dictionaries(
    texts,
    st.recursive(
        leaves,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(made_up=some_values)
def test_the_yaml_says_the_same_values(made_up: dict[str, Any]) -> None:
    made_up = {f"x{key}": value for key, value in made_up.items()}  # no `jupyterhub` or `hub`
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "x.values.yaml"
        escaped = json.dumps(made_up, ensure_ascii=False)
        for code in (0x7F, *range(0x80, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF):
            escaped = escaped.replace(chr(code), f"\\u{code:04x}")
        file.write_text(escaped, encoding="utf-8")
        hub = load_hub(str(file))
        file.write_text(shown(hub, None, output="yaml", reveal=True), encoding="utf-8")
        assert load_hub(str(file)).values == hub.values


def test_the_command_prints_one_value(hub: Hub) -> None:
    app = typer.Typer()
    app.command()(values)
    result = CliRunner().invoke(app, ["./x.values.yaml", "hub.existingSecret", "--format", "json"])
    assert result.exit_code == 0
    assert json.loads(result.output)["values"] == "shown"
