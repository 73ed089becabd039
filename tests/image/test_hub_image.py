"""The hub image: what it adds to its base, and that it takes nothing from it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.image.conftest import build, inside, run

OURS = {"fedhub-authenticators", "custos-jupyterhub-authenticator"}
MEGABYTE = 1_000_000


def config(image: str) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(run("docker", "image", "inspect", image))[0]
    return described


def packages(image: str) -> dict[str, str]:
    listed = json.loads(
        inside(image, "python", "-m", "pip", "list", "--format=json").split("\n")[0]
    )
    return {entry["name"]: entry["version"] for entry in listed}


def test_adds_two_packages_and_moves_none(base_image: str, hub_image: str) -> None:
    before, after = packages(base_image), packages(hub_image)
    assert OURS.isdisjoint(before)
    assert set(after) - set(before) == OURS
    assert {name: after[name] for name in before} == before


def test_adds_at_most_15_megabytes(base_image: str, hub_image: str) -> None:
    added = config(hub_image)["Size"] - config(base_image)["Size"]
    assert 0 < added <= 15 * MEGABYTE


def test_runs_as_the_bases_user_and_a_cluster_can_tell(base_image: str, hub_image: str) -> None:
    assert config(hub_image)["Config"]["User"] == "1000"
    assert inside(hub_image, "id") == inside(base_image, "id")
    assert inside(hub_image, "id", "-un").strip() == "jovyan"


@pytest.mark.parametrize(
    "key", ["Entrypoint", "Cmd", "WorkingDir", "Env", "ExposedPorts", "Volumes"]
)
def test_starts_as_the_base_does(base_image: str, hub_image: str, key: str) -> None:
    assert config(hub_image)["Config"].get(key) == config(base_image)["Config"].get(key)


def test_labels_say_what_it_is_and_of_which_commit(base_image: str, build_context: Path) -> None:
    tag = "fedhub-test/labelled"
    build(
        build_context, tag, base_image, "--build-arg=VERSION=1.2.3", "--build-arg=REVISION=abc1234"
    )
    labels = {
        name.removeprefix("org.opencontainers.image."): value
        for name, value in config(tag)["Config"]["Labels"].items()
    }
    assert labels["version"] == "1.2.3"
    assert labels["revision"] == "abc1234"
    assert labels["base.name"] == base_image
    assert labels["licenses"] == "BSD-3-Clause"
    assert {"title", "description"} <= set(labels)


def test_the_build_leaves_nothing_of_itself(hub_image: str) -> None:
    assert not inside(hub_image, "find", "/tmp", "-mindepth", "1").strip()
    assert "pip" not in "".join(config(hub_image)["Config"]["Env"]).lower()
    absent = ["/build", "/wheels", "/root/.cache"]
    script = "import os, sys; print([path for path in sys.argv[1:] if os.path.exists(path)])"
    assert inside(hub_image, "python", "-c", script, *absent).strip() == "[]"


def test_the_custos_tutorials_import_gets_a_class_that_works(hub_image: str) -> None:
    script = (
        "from fedhub_authenticators import custos_tutorial; custos_tutorial.install();"
        "from custosauthenticator.custos import CustosOAuthenticator as found;"
        "print(found.__module__)"
    )
    assert inside(hub_image, "python", "-c", script).strip() == "fedhub_authenticators.custos"


def test_a_strict_umask_on_the_builders_machine_does_no_harm(
    base_image: str, build_context: Path, tmp_path: Path
) -> None:
    strict = Path(shutil.copytree(build_context, tmp_path / "hub"))
    for path in [strict, *strict.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    build(strict, "fedhub-test/strict", base_image)
    script = (
        "import fedhub_authenticators.configuration as found, pathlib, sys;"
        "[path.read_bytes() for path in pathlib.Path(found.__file__).parent.rglob('*.*')];"
        "print(pathlib.Path(sys.argv[1]).read_text())"
    )
    where = "/usr/local/etc/jupyterhub/jupyterhub_config.d/fedhub.py"
    assert "configure(c)" in inside("fedhub-test/strict", "python", "-c", script, where)


def test_buildkit_builds_the_same(base_image: str, hub_image: str, build_context: Path) -> None:
    """Debian's own docker command reaches the BuildKit that its daemon has inside."""
    command = [
        *("build", "--network=none", "--tag=fedhub-test/buildkit"),
        *(f"--build-arg=BASE_IMAGE={base_image}", "--build-arg=PIP_NO_INDEX=1", str(build_context)),
    ]
    said = ""
    for docker in {shutil.which("docker"), "/usr/bin/docker"} - {None}:
        done = subprocess.run(
            [str(docker), *command],
            check=False,
            env=os.environ | {"DOCKER_BUILDKIT": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said = done.stdout.decode()
        if done.returncode == 0 or "buildx component is missing" not in said:
            break
    else:
        pytest.skip("no docker command here speaks BuildKit")
    assert done.returncode == 0, said
    assert packages("fedhub-test/buildkit") == packages(hub_image)
    mine, theirs = config("fedhub-test/buildkit")["Config"], config(hub_image)["Config"]
    assert {key: mine[key] for key in ("User", "Labels", "Cmd")} == {
        key: theirs[key] for key in ("User", "Labels", "Cmd")
    }
