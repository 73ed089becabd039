"""A Docker daemon, a base image that needs no pull, and the hub image built on it.

`make test-image` brings the daemon; without one, each of these tests skips and says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """Return what a command prints; its whole output stands in the failure where it fails."""
    done = subprocess.run(
        command,
        check=False,
        env=os.environ | (env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = done.stdout.decode()
    assert done.returncode == 0, (
        f"{' '.join(map(str, command))} ended with {done.returncode}:\n{said}"
    )
    return said


def inside(image: str, *command: str) -> str:
    """Return what a command prints in a throw-away container without a network."""
    return run("docker", "run", "--rm", "--network=none", "--entrypoint=", image, *command)


@pytest.fixture(scope="session")
def docker() -> None:
    if not shutil.which("docker"):
        pytest.skip("no docker command here; make test-image brings one on Debian, as root")
    if subprocess.run(["docker", "version"], check=False, capture_output=True).returncode:
        pytest.skip("no Docker daemon answers; make test-image brings its own, as root")


@pytest.fixture(scope="session")
def second_base(docker: None) -> None:
    """The images of `ci/base-image/`."""
    if os.geteuid() or not shutil.which("debootstrap") or not shutil.which("npm"):
        pytest.skip("ci/base-image/build needs root, debootstrap and npm")
    run(ROOT / "ci/base-image/build")


@pytest.fixture(scope="session")
def base_image(request: pytest.FixtureRequest) -> str:
    """The image to build on: `$BASE_IMAGE`, or else the second base."""
    if named := os.environ.get("BASE_IMAGE"):
        request.getfixturevalue("docker")
        return named
    request.getfixturevalue("second_base")
    return "fedhub-base/hub"


@pytest.fixture(scope="session")
def build_context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `docker build images/hub` is given, in a folder that a test may change."""
    run("make", "-C", ROOT, "images/hub/wheels/.ready")
    return Path(
        shutil.copytree(
            ROOT / "images/hub",
            tmp_path_factory.mktemp("context") / "hub",
            ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
        )
    )


@pytest.fixture(scope="session")
def hub_image(base_image: str, build_context: Path) -> str:
    build(build_context, "fedhub-test/hub", base_image)
    return "fedhub-test/hub"


def build(context: Path, tag: str, base: str, *options: str) -> str:
    """Build the hub image as `make image` does, with the classic builder."""
    return run(
        *("docker", "build", "--tag", tag, "--build-arg", f"BASE_IMAGE={base}"),
        *("--build-arg", "PIP_NO_INDEX=1", *options, context),
        env={"DOCKER_BUILDKIT": "0"},
    )
