"""Which chart a hub is installed with, and its dependency where no repository is reached."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import yaml

from fedhub.errors import FedhubError
from fedhub.hub.files import read_text
from fedhub.hub.values import Hub

Z2JH = "4.4.0"
"""The version of zero-to-jupyterhub's chart that fedhub's wraps."""
_Z2JH_REPOSITORY = "https://hub.jupyter.org/helm-chart/"
_OURS = Path("charts/fedhub")
_assembling = Lock()


@dataclass(frozen=True)
class Chart:
    """A chart, as helm's command line takes it.

    Attributes:
        reference: a folder, an archive, `oci://…`, or a name in a repository.
        options: such as the repository and the version.
    """

    reference: str
    options: tuple[str, ...] = ()


def chart_of(hub: Hub, reference: str | None, version: str | None) -> Chart:
    """Return the chart a hub is installed with.

    Args:
        hub: its values.
        reference: what they name; None for what follows from where this runs.
        version: of one that is in a repository.

    Raises:
        FedhubError: the values don't say which, and it does not follow from where this runs.
    """
    if reference is not None:
        options = ("--version", version) if version else ()
        return Chart(_with_dependencies(reference), options)
    if hub.declares_fedhub and (hub.z2jh_at or hub.values.keys() <= {"global"}):
        return Chart(_with_dependencies(str(_in_checkout(hub))))
    if hub.z2jh_at:
        raise _unknown(hub, "a chart around z2jh's, and the values don't say which")
    version = version or Z2JH
    kept = archive(version=version)
    if kept.is_file():
        return Chart(str(kept))
    return Chart("jupyterhub", ("--repo", _Z2JH_REPOSITORY, "--version", version))


def archive(name: str = "jupyterhub", version: str = Z2JH) -> Path:
    """Return where a chart's archive is kept for closed networks, z2jh's by default."""
    folder = Path(os.environ.get("FEDHUB_CHART_CACHE") or Path.home() / ".cache/fedhub/charts")
    return folder / f"{name}-{version}.tgz"


def _in_checkout(hub: Hub) -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / _OURS / "Chart.yaml").is_file():
            return Path(os.path.relpath(folder / _OURS, here))
    raise _unknown(hub, f"fedhub's chart, and there is no {_OURS} here")


def _unknown(hub: Hub, why: str) -> FedhubError:
    return FedhubError(
        f"{hub.name} is installed with {why}",
        fix="set global.fedhub.release.chart to its folder, to oci://… or to <repository>/<chart>",
        position=hub.position("global", "fedhub"),
    )


def _with_dependencies(reference: str) -> str:
    """Return a chart whose dependencies are in it, where archives of them are kept."""
    folder = Path(reference)
    if not (folder / "Chart.lock").is_file():
        return reference
    with _assembling:
        return _assembled(folder).reference


@dataclass(frozen=True)
class _Assembled:
    """A chart, and the folder of ours it is in, which goes when this process ends."""

    reference: str
    folder: tempfile.TemporaryDirectory[str] | None = None


@cache
def _assembled(chart: Path) -> _Assembled:
    missing = [one for one in _locked(chart) if not _is_in(chart, *one)]
    kept = [archive(*one) for one in missing]
    if not missing or not all(file.is_file() for file in kept):
        return _Assembled(str(chart))  # of what is missing, helm says how to get it
    folder = tempfile.TemporaryDirectory(prefix="fedhub-chart-")
    copy = Path(folder.name) / chart.resolve().name
    shutil.copytree(chart, copy)
    (copy / "charts").mkdir(exist_ok=True)
    for file in kept:
        shutil.copy(file, copy / "charts")
    return _Assembled(str(copy), folder)


def _locked(chart: Path) -> list[tuple[str, str]]:
    """Return name and version of each dependency."""
    try:
        said: Any = yaml.safe_load(read_text(chart / "Chart.lock", "Chart.lock"))
        return [(str(one["name"]), str(one["version"])) for one in said["dependencies"]]
    except (yaml.YAMLError, KeyError, TypeError):
        raise FedhubError(
            f"{chart / 'Chart.lock'} does not list the chart's dependencies",
            fix=f"`helm dependency update {chart}` writes it",
        ) from None


def _is_in(chart: Path, name: str, version: str) -> bool:
    charts = chart / "charts"
    return (charts / name).is_dir() or (charts / f"{name}-{version}.tgz").is_file()
