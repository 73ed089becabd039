"""What make and `ci/with-docker` say, and that the latter leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.image.conftest import ROOT


def ended(*command: str | Path, **env: str) -> tuple[int, str]:
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.skipif(not shutil.which("docker"), reason="no docker command here")
def test_make_image_says_how_to_start_a_daemon(tmp_path: Path) -> None:
    code, said = ended("make", "image", DOCKER_HOST=f"unix://{tmp_path}/none")
    assert code != 0
    assert "No Docker daemon answers. Start one: systemctl start docker" in said
    assert "chartpress" not in said


def test_publish_asks_for_a_registry() -> None:
    code, said = ended("make", "publish", "REGISTRY=")
    assert code != 0
    assert "publish needs a registry: make publish REGISTRY=" in said


own_daemon = pytest.mark.skipif(
    bool(os.geteuid()) or not shutil.which("dockerd"), reason="dockerd needs root, and to be here"
)


@own_daemon
def test_a_daemon_of_its_own_leaves_the_machine_as_it_was(tmp_path: Path) -> None:
    before = machine()
    script = (
        'tar -chP /bin/true $(ldd /bin/true | grep -o "/[^ ]*") | docker import - left:behind'
        ' && docker run --network=host left:behind /bin/true && echo "$DOCKER_HOST"'
    )
    code, said = ended("ci/with-docker", "bash", "-c", script, TMPDIR=str(tmp_path))
    assert code == 0, said
    assert "sha256:" in said
    (socket,) = re.findall(r"unix://(\S+)", said)
    assert not Path(socket).parent.exists()
    assert not list(tmp_path.iterdir())
    assert machine() == before


@own_daemon
def test_the_commands_exit_code_is_passed_on(tmp_path: Path) -> None:
    assert ended("ci/with-docker", "sh", "-c", "exit 7", TMPDIR=str(tmp_path))[0] == 7
    assert not list(tmp_path.iterdir())


@own_daemon
def test_a_daemon_that_does_not_start_is_reported(tmp_path: Path) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "dockerd").write_text("#!/bin/sh\necho no such disk >&2\nexit 1\n")
    (broken / "dockerd").chmod(0o755)
    code, said = ended("ci/with-docker", "true", PATH=f"{broken}:{os.environ['PATH']}")
    assert code == 1
    assert "no such disk\ndockerd did not start, see above" in said


def machine() -> dict[str, str]:
    """What a Docker daemon likes to change."""
    return {
        "forwarding": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
        "firewall": ended("iptables", "-S")[1] if shutil.which("iptables") else "",
        "interfaces": "\n".join(sorted(path.name for path in Path("/sys/class/net").iterdir())),
        "mounts": "\n".join(
            line
            for line in Path("/proc/mounts").read_text().splitlines()
            if "fedhub-docker" in line
        ),
    }
