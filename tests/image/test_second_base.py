"""The second base: what the chart expects of images, and nothing of the machine that made it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.image.conftest import ROOT, inside, run

IMAGES = ("hub", "singleuser", "proxy")
LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest, second_base: None) -> str:
    return f"fedhub-base/{request.param}"


def test_the_user_is_jovyan(image: str) -> None:
    assert inside(image, "id").startswith("uid=1000(jovyan) gid=1000(jovyan)")


def test_no_dependency_is_missing(image: str) -> None:
    assert "No broken requirements found" in inside(image, "python", "-m", "pip", "check")


def test_packages_are_the_hubs_pins_without_what_our_image_adds(second_base: None) -> None:
    listed = inside("fedhub-base/hub", "python", "-m", "pip", "list", "--format=freeze")
    found = {normal(line) for line in listed.splitlines() if "==" in line}
    pins = {
        normal(line.split(" ")[0])
        for line in (ROOT / "images/hub/requirements.txt").read_text().splitlines()
        if re.match(r"[a-z]", line) and "sys_platform == 'win32'" not in line
    }
    added = {pin for pin in pins if pin.startswith("custos-jupyterhub-authenticator==")}
    assert found >= pins - added
    assert added
    assert not found & added
    of_z2jh = {"pycurl"}  # which its configuration imports
    more = {pin.split("==")[0] for pin in found - pins}
    assert more - {"pip", "setuptools", "wheel"} == of_z2jh


def normal(pin: str) -> str:
    return re.sub(r"[-_.]+(?=.*==)", "-", pin.strip()).lower()


@pytest.mark.parametrize(
    ("name", "command", "version"),
    [
        ("hub", "jupyterhub", "5.5.0"),
        ("singleuser", "jupyterhub-singleuser", "5.5.0"),
        ("proxy", "configurable-http-proxy", "5.2.0"),
    ],
)
def test_what_the_chart_starts_is_on_the_path_and_of_z2jhs_version(
    second_base: None, name: str, command: str, version: str
) -> None:
    assert inside(f"fedhub-base/{name}", command, "--version").strip().endswith(version)


def test_the_hub_may_write_where_its_database_lives(second_base: None) -> None:
    said = inside("fedhub-base/hub", "sh", "-c", "pwd; touch here && echo written")
    assert said.split() == ["/srv/jupyterhub", "written"]
    refused = inside(
        "fedhub-base/hub", "sh", "-c", "touch /usr/local/etc/jupyterhub/here 2>/dev/null || echo no"
    )
    assert refused.strip() == "no"


def test_nothing_of_this_machine_is_in_it(image: str) -> None:
    described = json.loads(run("docker", "image", "inspect", image))[0]["Config"]
    assert [entry.split("=")[0] for entry in described["Env"]] == ["PATH"]
    history = run("docker", "history", "--no-trunc", image)
    assert not re.search(r"PIP_|proxy=|https?://", history, re.IGNORECASE)
    absent = (
        "/etc/apt/sources.list /etc/pip.conf /root/.config /root/.npmrc "
        "/var/log/bootstrap.log /usr/local/share/ca-certificates/*"
    )
    found = inside(
        image, "sh", "-c", f"for path in {absent}; do ls -d $path 2>/dev/null; done; true"
    )
    assert not found.strip()


@pytest.mark.skipif(
    not list(LOCAL_CERTIFICATES.glob("*.crt")),
    reason="this machine trusts no certificate of its own",
)
def test_it_does_not_trust_whom_this_machine_trusts(image: str) -> None:
    trusted = inside(image, "cat", "/etc/ssl/certs/ca-certificates.crt")
    assert "BEGIN CERTIFICATE" in trusted
    for certificate in LOCAL_CERTIFICATES.glob("*.crt"):
        first_line = certificate.read_text().split("-----\n")[1].split("\n")[2]
        assert first_line not in trusted
