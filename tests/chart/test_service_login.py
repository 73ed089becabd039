"""People log in to an application that the chart runs, with what its pod has and no more.

The hub is a preview of the same values; only addresses differ, since there is no cluster here.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
import yaml

from fedhub.preview.processes import free_port
from tests.chart.conftest import CHART, KEYS, Rendered, helm, merged
from tests.previews import ROOT, RunningHub, Visitor, running_hub

NAME = "fedhub-service-notes"


def hub_values() -> dict[str, Any]:
    """A hub whose instructors may use the scenario's notes."""
    scenario = yaml.safe_load((CHART / "ci/07-service-in-cluster-values.yaml").read_text())
    example = yaml.safe_load((ROOT / "values/external-service.values.yaml").read_text())
    found: dict[str, Any] = merged(example, {"jupyterhub": {"hub": {"config": KEYS}}})
    notes = scenario["global"]["fedhub"]["services"]["notes"]
    found["global"]["fedhub"]["services"] = {"notes": notes | {"groups": ["instructors"]}}
    return found | {"deployments": {"notes": scenario["deployments"]["notes"]}}


def without_token(values: dict[str, Any]) -> dict[str, Any]:
    """The same values, for an application that reads its files."""
    notes = values["deployments"]["notes"] | {"env": []}
    return values | {"deployments": {"notes": notes}}


class Addresses:
    """Where on this machine is what has an address in the cluster."""

    def __init__(self) -> None:
        self.hub, self.service = free_port(), free_port()

    def here(self, text: str) -> str:
        for there, port in (
            ("https://hub.example.org", self.hub),
            ("http://hub:8081", self.hub),
            ("http://0.0.0.0:8000", self.service),
            (f"http://{NAME}:8000", self.service),
        ):
            text = text.replace(there, f"http://127.0.0.1:{port}")
        return text


def as_kubelet(rendered: Rendered, folder: Path) -> dict[str, str]:
    """Write the files that the pod has; return its environment."""
    secret = {
        key: base64.b64decode(value).decode()
        for key, value in rendered.of("Secret", NAME)["data"].items()
    }
    for key, value in secret.items():
        (folder / key).write_text(value)
    (container,) = rendered.of("Deployment", NAME)["spec"]["template"]["spec"]["containers"]
    found = {}
    for one in container["env"]:
        value = one.get("value")
        if value is None:
            assert one["valueFrom"]["secretKeyRef"]["name"] == NAME
            value = secret[one["valueFrom"]["secretKeyRef"]["key"]]
        found[one["name"]] = value
    return found


@contextmanager
def application(environment: dict[str, str], folder: Path) -> Iterator[None]:
    script = Path(__file__).with_name("service_app.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.terminate()
        process.communicate()


def log_in_at_the_service(hub: RunningHub, visitor: Visitor, persona: str) -> httpx.Response:
    """Open the application, and sign in where it leads; return the page where that ends."""
    page = visitor.follow(urljoin(hub.url, "services/notes/"))
    assert str(page.url).startswith(hub.data["identity_provider"]), page.url
    reply = visitor.post(page.url, data={"persona": persona})
    assert reply.is_redirect, reply.text
    return visitor.follow(urljoin(str(reply.url), reply.headers["location"]))


@pytest.mark.parametrize("token", ["in its environment", "in a file"])
def test_those_who_may_use_it_are_logged_in_and_others_are_not(
    on_stand_in: Path, tmp_path: Path, token: str
) -> None:
    values = hub_values() if token == "in its environment" else without_token(hub_values())
    done = helm("template", "myhub", str(on_stand_in), "--values", "-", values=values)
    rendered = Rendered(done.stdout, done.stderr if done.returncode else "")
    addresses = Addresses()
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    environment = {
        key: addresses.here(value) for key, value in as_kubelet(rendered, mounted).items()
    }
    assert ("JUPYTERHUB_API_TOKEN" in environment) is (token == "in its environment")
    file = tmp_path / "myhub.values.yaml"
    file.write_text(addresses.here(yaml.safe_dump(values)))
    with (
        application(environment, mounted),
        running_hub(file, "--port", str(addresses.hub)) as hub,
    ):
        with Visitor() as visitor:
            page = log_in_at_the_service(hub, visitor, "campus-group-instructors")
            person = visitor.user(hub)
            assert person is not None
            assert page.text == f"you are {person['name']}"
            assert str(page.url) == urljoin(hub.url, "services/notes/")
        with Visitor() as visitor:
            page = log_in_at_the_service(hub, visitor, "campus-group-researchers")
            assert page.status_code == 403
            assert "you are" not in page.text
