"""Renders the chart with the real helm, on z2jh's chart where it is at hand and on a stand-in.

Hides: where the chart's dependency comes from, and what helm prints around its errors.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.previews import ROOT
from tests.unit.hub.helm import HELM

CHART = ROOT / "charts" / "fedhub"
STAND_IN = Path(__file__).with_name("stand_in") / "jupyterhub"
CACHE = Path(os.environ.get("FEDHUB_CHART_CACHE") or Path.home() / ".cache/fedhub/charts")
Z2JH = str(yaml.safe_load((CHART / "Chart.lock").read_text())["dependencies"][0]["version"])
ARCHIVE = CACHE / f"jupyterhub-{Z2JH}.tgz"

SCENARIOS = sorted((CHART / "ci").glob("*-values.yaml"))

KEYS = {
    "JupyterHub": {"cookie_secret": "ab" * 32},
    "CryptKeeper": {"keys": ["cd" * 32]},
    "ConfigurableHTTPProxy": {"auth_token": "ef" * 32},
}
"""What would be new at every render, if it were not set."""


@dataclass(frozen=True)
class Rendered:
    """What helm made of a values file.

    Attributes:
        text: the manifests.
        error: what helm says instead, "" where all is well.
    """

    text: str
    error: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The Kubernetes objects, in helm's order."""
        assert not self.error, self.error
        return [one for one in yaml.safe_load_all(self.text) if one]

    def of(self, kind: str, name: str) -> dict[str, Any]:
        """The only object of a kind and a name."""
        (found,) = (
            one for one in self.objects if (one["kind"], one["metadata"]["name"]) == (kind, name)
        )
        return found

    def names(self, kind: str) -> list[str]:
        return [one["metadata"]["name"] for one in self.objects if one["kind"] == kind]


Render = Callable[..., Rendered]


def with_dependency(folder: Path, dependency: Path) -> Path:
    """Copy the chart, with its dependency in place as `helm dependency build` leaves it."""
    chart = folder / "fedhub"
    shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("charts"))
    (chart / "charts").mkdir()
    if dependency.is_dir():
        shutil.copytree(dependency, chart / "charts" / dependency.name)
    else:
        shutil.copy(dependency, chart / "charts")
    return chart


@pytest.fixture(scope="session")
def on_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_dependency(tmp_path_factory.mktemp("stand-in"), STAND_IN)


@pytest.fixture(scope="session")
def on_z2jh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not ARCHIVE.is_file():
        pytest.skip(f"z2jh chart {Z2JH} not at hand")
    return with_dependency(tmp_path_factory.mktemp("z2jh"), ARCHIVE)


@pytest.fixture(params=["stand-in", f"z2jh {Z2JH}"])
def chart(request: pytest.FixtureRequest) -> Path:
    """The chart on each dependency."""
    name = "on_stand_in" if request.param == "stand-in" else "on_z2jh"
    found: Path = request.getfixturevalue(name)
    return found


def helm(*arguments: str, values: Any = None) -> subprocess.CompletedProcess[str]:
    """Run helm; values go through its standard input."""
    return subprocess.run(
        [HELM, *arguments],
        input=yaml.safe_dump(values) if values is not None else None,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def render(chart: Path) -> Render:
    """Render a file, or values over the keys that every render needs."""

    def run(
        given: Path | dict[str, Any], *, keys: bool = True, more: tuple[str, ...] = ()
    ) -> Rendered:
        files = ["--values", str(given)] if isinstance(given, Path) else ["--values", "-"]
        values = None
        if isinstance(given, dict):
            values = merged({"jupyterhub": {"hub": {"config": KEYS}}}, given) if keys else given
        done = helm("template", "myhub", str(chart), *files, *more, values=values)
        return Rendered(done.stdout, done.stderr if done.returncode else "")

    return run


def merged(under: Any, over: Any) -> Any:
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    return {
        key: merged(under[key], over[key]) if key in under and key in over else (over | under)[key]
        for key in under | over
    }
