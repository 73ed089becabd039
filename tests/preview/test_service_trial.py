"""`fedhub service test`: the application is played, and every persona tries to get in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.oidc_hub import write_values
from tests.preview.test_service_credentials import fedhub_service, values_of
from tests.previews import FEDHUB, ROOT
from tests.unit.new.conftest import nobody, work

__all__ = ["nobody", "work"]

FILE = "x.values.yaml"


def fates(
    file: str = FILE, service: str = "app", *, returncode: int = 0
) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [FEDHUB, "service", "test", file, service, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == returncode, done.stderr
    return {one["persona"]: one for one in json.loads(done.stdout)}


@pytest.mark.parametrize("option", ["", "--confirm"])
def test_what_becomes_of_each_persona(work: Path, option: str) -> None:
    Path(FILE).write_text(yaml.safe_dump(values_of("fedhub")))
    callback = "https://app.example.org/callback"
    options = ("--groups", "instructors", *filter(None, [option]))
    fedhub_service("add", FILE, "app", "--redirect-uri", callback, *options)
    found = fates()
    assert {name: one["fate"] for name, one in found.items()} == {
        "campus-group-instructors": "gets in",
        "campus-group-researchers": "is refused",
        "campus-outsider": "is not let into the hub",
        "campus-admin": "gets in",
    }
    assert found["campus-group-instructors"]["groups"] == ["instructors"]
    assert found["campus-group-instructors"]["confirmed"] is bool(option)
    assert found["campus-group-instructors"]["claims"] is None


def test_where_nobody_is_named_admins_alone_get_in(work: Path) -> None:
    Path(FILE).write_text(yaml.safe_dump(values_of("plain")))
    fedhub_service("add", FILE, "app", "--redirect-uri", "https://app.example.org/callback")
    assert [name for name, one in fates().items() if one["fate"] == "gets in"] == [
        "oauth-2-0-admin"
    ]


def test_where_the_hub_is_an_issuer_they_log_in_by_openid_connect_too(tmp_path: Path) -> None:
    found = fates(str(write_values(tmp_path)), "asks")
    claims = found["campus-group-instructors"]["claims"]
    assert (claims["aud"], claims["preferred_username"]) == ("service-asks", "gil-instructors")
    assert found["campus-group-instructors"]["confirmed"]
    assert found["campus-outsider"]["claims"] is None


def test_a_browser_is_opened_for_a_hub_that_runs_alone(tmp_path: Path) -> None:
    command = [FEDHUB, "service", "test", str(write_values(tmp_path)), "asks", "--open"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "add --live" in done.stderr


def test_the_shipped_example_is_tried_as_it_is() -> None:
    found = fates(str(ROOT / "values/external-service.values.yaml"), "grafana")
    assert "gets in" in {one["fate"] for one in found.values()}
