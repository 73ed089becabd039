"""A hub that can't start says why, in one message, and leaves nothing."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.previews import FEDHUB, ROOT


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FEDHUB, "run", *argv], check=False, cwd=ROOT, capture_output=True, text=True
    )


def assert_one_message(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in done.stderr


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("syntax", "hub: {extraConfig: {a: 'not python'}}", "syntax.values.yaml:1:24"),
        (
            "exception",
            "hub:\n  extraConfig:\n    a: |\n      x = 1\n      raise ValueError('no such tenant')",
            "exception.values.yaml:5:7: the hub ended with exit code 1: ValueError: no such tenant",
        ),
        ("exit", "hub: {extraConfig: {a: 'raise SystemExit(3)'}}", "exit code"),
        (
            "trait",
            "hub: {config: {JupyterHub: {authenticator_class: cilogon}, "
            "CILogonOAuthenticator: {idps: {not-an-entity-id: {}}}}}",
            "username_derivation",
        ),
        ("section", "hub: {config: {loadRoles: {}}}", "loadRoles"),
        ("class", "hub: {config: {JupyterHub: {authenticator_class: cilogin}}}", "cilogin"),
    ],
)
def test_the_reason_is_the_hubs_own(tmp_path: Path, name: str, values: str, reason: str) -> None:
    file = tmp_path / f"{name}.values.yaml"
    file.write_text(values)
    assert_one_message(run(str(file)), 1, reason)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_one_message(run("campus", "--port", str(port)), 1, f"port {port}", "--port")


def test_an_unknown_hub_is_a_wrong_use() -> None:
    assert_one_message(run("campsu"), 2, "campsu", "campus")


def test_an_unknown_persona_is_named_with_those_there_are() -> None:
    assert_one_message(run("campus", "--as", "nobody"), 2, "nobody", "google-admin")


def test_a_mistake_in_the_fedhub_section_has_its_place(tmp_path: Path) -> None:
    file = tmp_path / "typo.values.yaml"
    file.write_text("global:\n  fedhub:\n    domian: hub.example.org\n")
    assert_one_message(run(str(file)), 1, "typo.values.yaml:3:5", "domain")
