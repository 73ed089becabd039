"""Files about to be committed: a secret in plaintext is found at its place, without any key."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fedhub.checks.staged import verify
from fedhub.errors import UsageError
from fedhub.hub.encrypted import sops_binary
from tests.previews import EXAMPLES, ROOT
from tests.unit.cli.test_main import imported_by

AGE_KEY = str(pyrage.x25519.Identity.generate())
READERS = str(pyrage.x25519.Identity.generate().to_public())
PEM = "-----BEGIN RSA PRIVATE KEY-----"
PGP = "-----BEGIN PGP PRIVATE KEY BLOCK-----"
PLAIN = """\
# who may know this: nobody
jupyterhub:
  hub:
    config:
      CILogonOAuthenticator:
        client_id: cilogon:/client_id/1
        client_secret: s3cr3t
    extraEnv:
      - name: DB_PASSWORD
        value: s3cr3t
    empty: ["", null, {}, []] # one
"""


def encrypt(text: str, **rule: str) -> str:
    """Encrypt a text with the real sops, by a rule of `.sops.yaml`."""
    command = [sops_binary(), "encrypt", "--input-type", "yaml", "--output-type", "yaml"]
    with tempfile.NamedTemporaryFile("w", suffix=".sops.yaml") as rules:
        json.dump({"creation_rules": [{"age": READERS, **rule}]}, rules)
        rules.flush()
        done = subprocess.run(
            [command[0], "--config", rules.name, *command[1:], "--filename-override", "x.yaml"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("SOPS_")},
        )
    return done.stdout


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def of(text: str, name: str = "enc-x.secret.values.yaml") -> list[str]:
        Path(name).write_text(text)
        return [
            f"{p.position.line}:{p.position.column} {p.id} {p.path}" for p in verify(Path(name))
        ]

    return of


def test_what_sops_has_encrypted_is_fine(judge: Any) -> None:
    assert judge(encrypt(PLAIN)) == []
    assert judge(encrypt(PLAIN), "other.values.yaml") == []


def test_an_encrypted_files_name_promises_encryption(judge: Any) -> None:
    assert judge("a: 1\n") == ["1:1 not-encrypted "]
    assert judge("") == []
    assert judge("a: 1\n", "x.values.yaml") == []


@pytest.mark.parametrize("metadata", ["sops: {}", "sops: {mac: x}", "sops:\n  age: []"])
def test_metadata_alone_encrypts_nothing(judge: Any, metadata: str) -> None:
    found = judge(f"a:\n  b: text\n{metadata}\n")
    assert found == ["2:3 not-encrypted a.b", "3:1 not-encrypted sops"]


def test_a_value_put_in_by_hand_is_found_at_its_place(judge: Any) -> None:
    text = encrypt(PLAIN).replace("sops:\n", "new:\n  - fine\n  - 7\nsops:\n", 1)
    line = text.splitlines().index("new:") + 1
    assert judge(text) == [
        f"{line + 1}:5 not-encrypted new.0",
        f"{line + 2}:5 not-encrypted new.1",
    ]


@pytest.mark.parametrize(
    "value",
    [
        "ENC[x]",
        "ENC[AES256_GCM,data:",
        "xENC[AES256_GCM,data:a,iv:b,tag:c,type:str]",
        "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str] s3cr3t",
    ],
)
def test_what_only_looks_encrypted_is_found(judge: Any, value: str) -> None:
    assert len(judge(encrypt(PLAIN).replace("sops:\n", f"a: {value!r}\nsops:\n", 1))) == 1


RULES = [
    ("unencrypted_suffix", "_plain", "a_plain: {b: c}"),
    ("unencrypted_regex", "^open", "opened: {b: c}"),
    ("encrypted_suffix", "_hidden", "b: c"),
    ("encrypted_regex", "^(secret|data)$", "b: [c]"),
    ("unencrypted_comment_regex", "plain", "# plain\nb: c"),
    ("encrypted_comment_regex", "hide", "b: c"),
]


@pytest.mark.parametrize(("name", "rule", "text"), RULES)
def test_what_a_files_rules_leave_alone_is_fine(
    judge: Any, name: str, rule: str, text: str
) -> None:
    encrypted = encrypt(f"{text}\n", **{name: rule})
    assert "ENC[" not in encrypted.partition("sops:")[0]
    assert judge(encrypted) == []


@pytest.mark.parametrize(("name", "rule", "text"), RULES)
def test_unless_it_is_a_credential(judge: Any, name: str, rule: str, text: str) -> None:
    (found,) = judge(encrypt(f"{text.replace('b:', 'client_secret:')}\n", **{name: rule}))
    assert "client_secret" in found


@pytest.mark.parametrize(
    "text",
    [
        "open: {CryptKeeper: {keys: [abc]}}",
        "open: [{name: DB_PASSWORD, value: abc}]",
        "open: {tokens: {a: abc}}",
    ],
)
def test_credentials_of_every_kind(judge: Any, text: str) -> None:
    assert len(judge(encrypt(text, unencrypted_regex="^open"))) == 1


def test_tokens_that_are_keys_are_not_encrypted_by_sops(judge: Any) -> None:
    (found,) = judge(encrypt("hub: {config: {JupyterHub: {api_tokens: {abc: ada}}}}"))
    assert found.endswith("not-encrypted hub.config.JupyterHub.api_tokens")


def test_a_rule_that_only_go_understands_counts_for_nothing(judge: Any) -> None:
    text = encrypt("a: b\n", unencrypted_regex=r"\pL")
    assert len(judge(text)) == 1


def test_a_values_file_is_judged_as_fedhub_check_does(judge: Any) -> None:
    found = judge(PLAIN, "x.values.yaml")
    assert found == [
        "7:9 plaintext-credential jupyterhub.hub.config.CILogonOAuthenticator.client_secret",
        "10:9 plaintext-credential jupyterhub.hub.extraEnv.0.value",
    ]
    code = "hub:\n  extraConfig:\n    a: |\n      c.GitHubOAuthenticator.client_secret = 's3cr3t'\n"
    assert len(judge(code, "x.values.yaml")) == 1
    silenced = PLAIN.replace("s3cr3t\n", "s3cr3t # fedhub: ignore plaintext-credential\n")
    assert judge(silenced, "x.values.yaml") == []


def test_another_charts_values_are_judged_by_their_names(judge: Any) -> None:
    found = judge("proxy: http://p\nhub: [a]\ndb: {password: s3cr3t, user: a}\n", "values.yaml")
    assert found == ["3:6 plaintext-credential db.password"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_hold_no_secret(name: str) -> None:
    assert verify(ROOT / f"values/{name}.values.yaml") == []


@pytest.mark.parametrize("name", ["enc-x.secret.values.yaml", "x.values.yaml"])
@pytest.mark.parametrize("key", [AGE_KEY, PEM, PGP], ids=["age", "pem", "pgp"])
def test_a_private_key_is_found_wherever_it_stands(judge: Any, name: str, key: str) -> None:
    assert judge(f"{encrypt('a: b')}# {key}\n", name)[-1].split()[1] == "private-key"
    assert "1:3 private-key " in judge(f"# {key}\na: 1\n", name)


def test_a_key_is_not_in_what_is_said_of_it(tmp_path: Path) -> None:
    path = tmp_path / "x.values.yaml"
    path.write_text(f"# {AGE_KEY}\na: {{client_secret: s3cr3t-0f-x}}\n")
    said = repr(verify(path))
    assert AGE_KEY not in said
    assert "s3cr3t-0f-x" not in said


@pytest.mark.parametrize("text", ["a: [", "- a\n", "a: 1\n---\nb: 2\n", "\x00", "a: {b: 1, b: 2}"])
@pytest.mark.parametrize("name", ["enc-x.yaml", "x.values.yaml"])
def test_what_can_not_be_read_is_refused(judge: Any, text: str, name: str) -> None:
    (found,) = judge(text, name)
    assert found.split()[1] == "load"


def test_a_file_that_is_not_there_is_a_wrong_use() -> None:
    with pytest.raises(UsageError):
        verify(Path("nonsense.yaml"))


KEYS = st.sampled_from(
    (
        "hub",
        "config",
        "proxy",
        "global",
        "fedhub",
        "login",
        "extraConfig",
        "jupyterhub",
        "name",
        "a",
    )
) | st.sampled_from(
    ("JupyterHub", "api_tokens", "client_secret", "CryptKeeper", "keys", "sops", "mac", "value")
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "ENC[x]", "("]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from(["enc-x.yaml", "x.values.yaml"]))
def test_any_values_are_judged(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any], name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_text(yaml.safe_dump(values))
    found = verify(path)
    plain = {k: v for k, v in values.items() if k != "sops"}
    if name.startswith("enc-") and any(_texts(plain)):
        assert found


def _texts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [text for below in value.values() for text in _texts(below)]
    if isinstance(value, list):
        return [text for below in value for text in _texts(below)]
    return [value] if value == "a" else []


def test_nothing_slow_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "enc-x.secret.values.yaml"
    path.write_text(encrypt(PLAIN))
    loaded = imported_by("secrets", "verify", str(path), str(ROOT / "values/campus.values.yaml"))
    assert loaded & {"pydantic", "rich", "httpx", "jupyterhub", "flask"} == set()
