"""How long things take to start, side by side with what they are measured against.

Prints a ratio for each pair, from runs taken in turn, so that a slow moment of the machine
falls on both. Run it with `make bench`.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parent.parent
COMPLETION = {"_FEDHUB_COMPLETE": "complete_bash", "COMP_WORDS": "fedhub ch", "COMP_CWORD": "1"}


def command(*argv: str, env: dict[str, str] | None = None) -> Callable[[], float]:
    def run() -> float:
        begun = time.perf_counter()
        subprocess.run(
            argv, check=False, cwd=ROOT, env=os.environ | (env or {}), capture_output=True
        )
        return time.perf_counter() - begun

    return run


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status == 200
    except OSError:  # HTTP errors too: a proxy answers before its hub does
        return False


def until_login_page(argv: list[str], port: int, cwd: Path) -> float:
    """Return seconds from the start of a command until its login page answers."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(argv, cwd=cwd, stdout=log, stderr=log, start_new_session=True)
        try:
            while not answers(f"http://127.0.0.1:{port}/hub/login"):
                if process.poll() is not None:
                    log.seek(0)
                    raise SystemExit(log.read().decode())
                time.sleep(0.01)
            return time.perf_counter() - begun
        finally:
            process.terminate()
            process.wait()


def preview() -> float:
    argv = [str(BIN / "fedhub"), "run", "campus", "--port", "18000"]
    return until_login_page(argv, 18000, ROOT)


def plain_jupyterhub() -> float:
    proxy = ROOT / "node_modules/.bin/configurable-http-proxy"
    with tempfile.TemporaryDirectory() as folder:
        argv = [
            str(BIN / "python"),
            "-m",
            "jupyterhub",
            "--JupyterHub.authenticator_class=dummy",
            "--JupyterHub.spawner_class=simple",
            "--JupyterHub.bind_url=http://127.0.0.1:18001",
            "--JupyterHub.hub_port=18011",
            "--ConfigurableHTTPProxy.api_url=http://127.0.0.1:18021",
            f"--ConfigurableHTTPProxy.command={proxy}",
        ]
        return until_login_page(argv, 18001, Path(folder))


def compare(name: str, ours: Callable[[], float], theirs: Callable[[], float], runs: int) -> None:
    ours()
    theirs()
    pairs = [(ours(), theirs()) for _ in range(runs)]
    row = {
        "pair": name,
        "ours_s": round(statistics.median(a for a, _ in pairs), 3),
        "theirs_s": round(statistics.median(b for _, b in pairs), 3),
        "ratio": round(statistics.median(a / b for a, b in pairs), 2),
        "ratios": [round(a / b, 2) for a, b in pairs],
    }
    print(json.dumps(row))


def main() -> None:
    typer = command(str(BIN / "python"), "-c", "import typer")
    fedhub = str(BIN / "fedhub")
    compare("fedhub --version / import typer", command(fedhub, "--version"), typer, 15)
    compare("fedhub --help / import typer", command(fedhub, "--help"), typer, 15)
    compare("completion / import typer", command(fedhub, env=COMPLETION), typer, 15)
    compare("fedhub check HUB / import typer", command(fedhub, "check", "campus"), typer, 15)
    if shutil.which("node"):
        compare("fedhub run / plain jupyterhub (dummy)", preview, plain_jupyterhub, 5)


if __name__ == "__main__":
    main()
