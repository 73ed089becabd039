"""`fedhub deploy` and `diff` on a cluster: what comes up, what does not, and no secret seen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml

from fedhub.release.rollout import Rollout
from fedhub.secrets.encrypt import encrypted
from tests.chart.conftest import KEYS, merged
from tests.cluster.hubs import DUMMY, OURS, Hub, Values, until
from tests.previews import FEDHUB

PASSWORD = "sesame-opens-it"
VALUES: Values = merged(
    OURS,
    {
        "global": {"fedhub": {"domain": "hub.example.org", "tls": {"enabled": False}}},
        "jupyterhub": {
            "hub": {"config": {"Authenticator": DUMMY["hub"]["config"]["Authenticator"]}}
        },
    },
)
KEPT: Values = {
    "jupyterhub": {"hub": {"config": KEYS | {"DummyAuthenticator": {"password": PASSWORD}}}}
}
NO_SUCH_IMAGE: Values = {"jupyterhub": {"hub": {"image": {"tag": "no-such-tag"}}}}
CRASHES: Values = {
    "jupyterhub": {"hub": {"extraConfig": {"bad": "raise SystemExit('a gremlin is in here')\n"}}}
}
NO_SUCH_SECRET: Values = {"jupyterhub": {"hub": {"existingSecret": "gone"}}}


@dataclass
class Operator:
    """Somebody with a folder of values, and the namespace of a test."""

    hub: Hub
    name: str

    def wants(self, *changes: Values, name: str | None = None) -> None:
        """Have a hub's values say something."""
        release = {"chart": str(self.hub.cluster.chart), "namespace": self.hub.namespace}
        values = merged(VALUES, {"global": {"fedhub": {"release": release}}})
        for change in changes:
            values = merged(values, change)
        name = name or self.name
        Path(f"values/{name}.values.yaml").write_text(yaml.safe_dump(values))
        kept = Path(f"values/enc-{name}.secret.values.yaml")
        if not kept.exists():
            kept.write_bytes(encrypted(yaml.safe_dump(KEPT), kept))

    def begin(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [FEDHUB, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([FEDHUB, *command], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr + self.hub.kubectl("get", "pods")
        assert "Traceback" not in done.stderr
        return done

    def deploy(self, *options: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("deploy", self.name, "--yes", "--no-verify", *options, code=code)

    def status(self) -> str:
        """What helm says of the release; "" where there is none."""
        done = self.hub.helm("status", self.name, "--output", "json")
        return json.loads(done.stdout)["info"]["status"] if done.returncode == 0 else ""


@pytest.fixture
def operator(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    for name in [name for name in os.environ if name.startswith(("SOPS_", "XDG_", "HELM_"))]:
        monkeypatch.delenv(name)
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "keys.txt").write_text(f"# public key: {identity.to_public()}\n{identity}\n")
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "keys.txt"))
    monkeypatch.setenv("SOPS_AGE_RECIPIENTS", str(identity.to_public()))
    kubectl = tmp_path / "bin/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(f'#!/bin/sh\nexec "{hub.cluster.folder}/program" kubectl "$@"\n')
    kubectl.chmod(0o700)
    monkeypatch.setenv("PATH", f"{kubectl.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("KUBECONFIG", str(hub.cluster.folder / "admin.kubeconfig"))
    (tmp_path / "values").mkdir()
    monkeypatch.chdir(tmp_path)
    return Operator(hub, "lab")


def test_a_hub_is_installed_changed_and_brought_back_when_it_fails(operator: Operator) -> None:
    operator.wants()
    new = operator.run("diff", "lab", code=1)
    assert "+ Deployment/hub\n" in new.stdout
    assert "is not installed" in new.stderr

    first = operator.deploy()
    assert "runs, as revision 1" in first.stdout
    assert "hub.example.org must lead" in first.stderr  # what the chart says is left to do
    assert operator.run("diff", "lab").stdout == ""

    operator.wants({"jupyterhub": {"hub": {"extraEnv": {"COLOUR": "blue"}}}})
    changed = operator.run("diff", "lab", code=1).stdout
    assert "+ jupyterhub.hub.extraEnv.COLOUR: blue" in changed
    assert "Deployment/hub (its pods start anew)" in changed
    assert operator.run("deploy", "lab", "--dry-run").stdout == changed
    assert operator.deploy().stdout.endswith("as revision 2\n")
    assert operator.run("diff", "lab").stdout == ""
    before = operator.hub.pods("hub", "proxy")

    operator.wants(NO_SUCH_IMAGE)
    failed = operator.deploy("--timeout", "40s", code=1)
    assert failed.stdout == ""
    assert "no-such-tag" in failed.stderr
    assert any(reason in failed.stderr for reason in ("ErrImagePull", "ImagePullBackOff"))
    assert "what was installed before runs again, as revision 4" in failed.stderr
    assert operator.status() == "deployed"
    assert operator.hub.pods("proxy").items() <= before.items()
    for said in (first, failed, new):
        assert PASSWORD not in said.stdout + said.stderr
        assert KEYS["JupyterHub"]["cookie_secret"] not in said.stdout + said.stderr


def test_a_first_installation_that_fails_says_what_the_log_says_and_leaves_nothing(
    operator: Operator,
) -> None:
    operator.wants(CRASHES)
    failed = operator.deploy("--timeout", "40s", code=1)
    assert "it ended with exit code 1" in failed.stderr
    assert "  | " in failed.stderr
    assert "a gremlin is in here" in failed.stderr
    assert "it was taken away again, since nothing was installed before" in failed.stderr
    assert operator.status() == ""


def test_what_only_an_event_says_is_said(operator: Operator) -> None:
    operator.wants(NO_SUCH_SECRET)
    failed = operator.deploy("--timeout", "20s", code=1)
    assert "FailedMount: MountVolume.SetUp failed" in failed.stderr
    assert 'secret "gone" not found' in failed.stderr


def test_ctrl_c_has_helm_bring_back_what_ran(operator: Operator) -> None:
    operator.wants()
    operator.deploy()
    operator.wants(NO_SUCH_IMAGE)
    process = operator.begin("deploy", "lab", "--yes", "--no-verify")
    until(lambda: operator.status() == "pending-upgrade", "the upgrade has not begun")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert "Stopping: helm takes back what it has begun" in errors
    assert "was stopped; what was installed before runs again, as revision 3" in errors
    assert operator.status() == "deployed"


def test_helm_ends_well_though_its_caller_is_killed(operator: Operator) -> None:
    operator.wants()
    operator.deploy()
    operator.wants(NO_SUCH_IMAGE)
    # Bringing back what ran has as much time as the upgrade.
    process = operator.begin("deploy", "lab", "--yes", "--no-verify", "--timeout", "40s")
    until(lambda: operator.status() == "pending-upgrade", "the upgrade has not begun")
    process.kill()
    process.communicate()
    until(lambda: operator.status() == "deployed", "helm did not roll back", seconds=200)
    operator.wants()
    assert operator.run("diff", "lab").stdout == ""


def test_several_hubs_and_none_is_begun_after_one_that_fails(operator: Operator) -> None:
    operator.wants(CRASHES, name="a")
    operator.wants(name="b")
    options = ("--yes", "--no-verify", "--timeout", "20s", "--at-once", "1", "--fail-fast")
    done = operator.run("deploy", "--all", *options, code=1)
    assert [line.split()[:2] for line in done.stdout.splitlines() if line[0] != " "] == [
        ["failed", "a"],
        ["skipped", "b"],
    ]
    assert done.stderr.endswith("2 hubs: 1 failed, 1 skipped\n")


_watching: list[list[Any]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    for seen in _watching:
        if event == "subprocess.Popen":
            _, command, _, environment = arguments
            seen.append((command, dict(environment or os.environ)))
        elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax"):
            seen.append(("written", str(arguments[0])))


@pytest.fixture
def seen() -> Iterator[list[Any]]:
    """The programs that are started, with their variables, and the files that are written."""
    sys.addaudithook(_audit)
    found: list[Any] = []
    _watching.append(found)
    yield found
    _watching.remove(found)


def test_a_secret_is_in_no_argument_variable_or_file(operator: Operator, seen: list[Any]) -> None:
    operator.wants()
    rollout = Rollout((), None, None, looks=False)
    del seen[:]
    hub, release = rollout.opened("lab")
    done = rollout.deployed(hub, release, lambda _: None)
    assert done.deployed.revision == 1
    assert [one for one in seen if "upgrade" in one[0]]
    assert [one for one in seen if one[0] == "written" and not one[1].isdigit()] == []
    for secret in (PASSWORD, KEYS["JupyterHub"]["cookie_secret"]):
        assert secret not in repr(seen)
