"""`make publish` to a registry on loopback: its chart names its image."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.image.conftest import ROOT, run

MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """A registry on loopback: `address` in an image's name, `ask` for its API."""

    def __init__(self, port: int) -> None:
        self.address = f"localhost:{port}"

    def ask(self, path: str) -> Any:
        request = Request(f"http://{self.address}/v2/{path}", headers={"Accept": MANIFESTS})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    if not shutil.which("docker-registry"):
        pytest.skip("no docker-registry here; make test-image brings it on Debian, as root")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(settings))
    with subprocess.Popen(
        ["docker-registry", "serve", folder / "config.yml"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        said = ""
        for line in server.stderr:
            said += line
            if "listening on" in line:
                break
        else:
            pytest.fail(f"the registry did not start:\n{said}")
        try:
            yield Registry(port)
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the same files, since chartpress writes tags into the chart."""
    if not (ROOT / "charts/fedhub/Chart.yaml").exists():
        pytest.skip("charts/fedhub is not there")
    copy = tmp_path_factory.mktemp("checkout") / "fedhub"
    listed = run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    for made in (".venv", "node_modules"):
        (copy / made).symlink_to(ROOT / made)
    git = ("git", "-C", copy, "-c", "user.name=t", "-c", "user.email=t@example.org")
    run("git", "init", "--quiet", copy)
    run(*git, "add", "--all")
    run(*git, "commit", "--quiet", "--message", "all of it")
    return copy


@pytest.fixture(scope="module")
def chart_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where z2jh's chart is, or, since what it holds does not matter here, an empty one instead."""
    lock = yaml.safe_load((ROOT / "charts/fedhub/Chart.lock").read_text())
    (version,) = [entry["version"] for entry in lock["dependencies"]]
    cache = Path(os.environ.get("FEDHUB_CHART_CACHE") or Path.home() / ".cache/fedhub/charts")
    if (cache / f"jupyterhub-{version}.tgz").exists():
        return cache
    folder = tmp_path_factory.mktemp("charts")
    (folder / "jupyterhub").mkdir()
    described = {"apiVersion": "v2", "name": "jupyterhub", "version": version}
    (folder / "jupyterhub/Chart.yaml").write_text(yaml.safe_dump(described))
    run(ROOT / ".venv/bin/helm", "package", folder / "jupyterhub", "--destination", folder)
    return folder


@pytest.fixture(scope="module")
def published(
    registry: Registry, checkout: Path, base_image: str, chart_cache: Path
) -> dict[str, Any]:
    """The values of the chart that was published."""
    run(
        *("make", "--directory", checkout, "publish", f"REGISTRY={registry.address}/here"),
        env={"BASE_IMAGE": base_image, "FEDHUB_CHART_CACHE": str(chart_cache)},
    )
    written: dict[str, Any] = yaml.safe_load((checkout / "charts/fedhub/values.yaml").read_text())
    return written


def test_the_published_chart_names_the_published_image(
    registry: Registry, published: dict[str, Any], checkout: Path
) -> None:
    (version,) = registry.ask("here/charts/fedhub/tags/list")["tags"]
    assert version == yaml.safe_load((checkout / "charts/fedhub/Chart.yaml").read_text())["version"]
    shown = subprocess.run(
        [
            *(ROOT / ".venv/bin/helm", "show", "values", "--plain-http", "--version", version),
            f"oci://{registry.address}/here/charts/fedhub",
        ],
        capture_output=True,
        check=True,
    )
    image = yaml.safe_load(shown.stdout)["jupyterhub"]["hub"]["image"]
    assert image == published["jupyterhub"]["hub"]["image"]
    assert image["name"] == f"{registry.address}/here/hub"
    assert registry.ask("here/hub/tags/list")["tags"] == [image["tag"]]
    assert registry.ask(f"here/hub/manifests/{image['tag']}")["layers"]


def test_the_image_that_is_pulled_says_which_commit_it_is_of(
    registry: Registry, published: dict[str, Any], checkout: Path
) -> None:
    image = "{name}:{tag}".format(**published["jupyterhub"]["hub"]["image"])
    run("docker", "rmi", "--force", image)
    run("docker", "pull", "--quiet", image)
    labels = json.loads(run("docker", "image", "inspect", image))[0]["Config"]["Labels"]
    commit = run("git", "-C", checkout, "rev-parse", "HEAD").strip()
    assert commit.startswith(labels["org.opencontainers.image.revision"])
    assert labels["org.opencontainers.image.version"] == image.rpartition(":")[2]


def test_publishing_twice_changes_nothing(
    registry: Registry, published: dict[str, Any], checkout: Path, base_image: str
) -> None:
    tag = published["jupyterhub"]["hub"]["image"]["tag"]
    before = registry.ask(f"here/hub/manifests/{tag}")
    run(
        *("make", "--directory", checkout, "publish", f"REGISTRY={registry.address}/here"),
        env={"BASE_IMAGE": base_image},
    )
    assert registry.ask("here/hub/tags/list")["tags"] == [tag]
    assert registry.ask(f"here/hub/manifests/{tag}") == before
