"""Two hundred hubs through `fedhub check` and `fedhub render`, against a loop of `helm template`.

Each hub has a values file, one in common, and the keys that z2jh would make up; the loop has helm
render the same files, one hub after another, as a shell script does. FEDHUB_BENCH_KUBECONFIG names
a cluster to measure `fedhub diff` at as well. Run it with `make bench`; it fails where a ratio is
missed.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
ARCHIVE = (
    Path(os.environ.get("FEDHUB_CHART_CACHE") or Path.home() / ".cache/fedhub/charts")
    / "jupyterhub-4.4.0.tgz"
)
HUBS = 200
ROUNDS = 2
CHECK_IS_FASTER = 10.0
RENDER_TAKES_AT_MOST = 1.2
MEMORY = 500  # MB
_LOOK_AGAIN = 0.02  # seconds
KEYS = {
    "JupyterHub": {"cookie_secret": "ab" * 32},
    "CryptKeeper": {"keys": ["cd" * 32]},
    "ConfigurableHTTPProxy": {"auth_token": "ef" * 32},
}


def folder(work: Path) -> None:
    """Lay out the hubs, and the chart with its dependency."""
    chart = work / "charts/fedhub"
    shutil.copytree(ROOT / "charts/fedhub", chart, ignore=shutil.ignore_patterns("charts"))
    (chart / "charts").mkdir()
    shutil.copy(ARCHIVE, chart / "charts")
    (work / "values").mkdir()
    common = {"jupyterhub": {"hub": {"config": KEYS}, "cull": {"timeout": 3600}}}
    (work / "values/common.values.yaml").write_text(yaml.safe_dump(common))
    text = (ROOT / "values/campus.values.yaml").read_text()
    for number in range(HUBS):
        own = text.replace("hub.example.org", f"hub{number}.example.org")
        (work / f"values/hub{number}.values.yaml").write_text(own)


def timed(work: Path, *command: str) -> tuple[float, float]:
    """Return the seconds that a command takes, and the most memory of it and its children, in MB.

    What they share is counted for each of them.
    """
    most = 0.0
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL, stderr=said)
        while process.poll() is None:
            most = max(most, _resident(process.pid))
            time.sleep(_LOOK_AGAIN)
        taken = time.perf_counter() - begun
        said.seek(0)
        if "Traceback" in (text := said.read()) or process.returncode > 1:
            raise SystemExit(text)
    return taken, most


def _resident(pid: int) -> float:
    """Return the memory of a process and all below it, in MB."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has ended meanwhile
        return 0.0
    return pages * resource.getpagesize() / 1e6 + sum(map(_resident, children))


def loop(work: Path) -> float:
    """Return the seconds that helm takes for all hubs, one after another."""
    script = (
        f"for number in $(seq 0 {HUBS - 1}); do "
        f'"{BIN}/helm" template "hub$number" charts/fedhub --namespace "hub$number" '
        '--values values/common.values.yaml --values "values/hub$number.values.yaml" '
        '> "loop-$number.yaml" || exit; done'
    )
    begun = time.perf_counter()
    subprocess.run(["sh", "-c", script], cwd=work, check=True)
    return time.perf_counter() - begun


def main() -> None:
    if not ARCHIVE.is_file():
        print("fleet: skipped, z2jh chart 4.4.0 not at hand")
        return
    fedhub = str(BIN / "fedhub")
    missed = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder(work)
        for number in range(ROUNDS):
            helm = loop(work)
            check, checking = timed(work, fedhub, "check")
            out = f"out{number}"
            render, rendering = timed(work, fedhub, "render", "--all", "--out", out)
            assert len(list((work / out).glob("*/manifests.yaml"))) == HUBS
            print(
                f"{HUBS} hubs: helm template {helm:.1f} s; check {check:.1f} s, "
                f"{helm / check:.1f} times as fast ({checking:.0f} MB); render {render:.1f} s, "
                f"{render / helm:.2f} of it ({rendering:.0f} MB)"
            )
            if helm / check < CHECK_IS_FASTER:
                missed.append("check")
            if render / helm > RENDER_TAKES_AT_MOST:
                missed.append("render")
            if max(checking, rendering) > MEMORY:
                missed.append("memory")
        if kubeconfig := os.environ.get("FEDHUB_BENCH_KUBECONFIG"):
            os.environ["KUBECONFIG"] = kubeconfig
            diff, comparing = timed(work, fedhub, "diff", "--all")
            print(f"diff {diff:.1f} s, {diff / helm:.1f} times helm template ({comparing:.0f} MB)")
            if comparing > MEMORY:
                missed.append("memory of diff")
    if missed:
        raise SystemExit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
