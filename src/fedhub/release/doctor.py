"""What works from here: tools, keys, the chart, the cluster."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fedhub import __version__
from fedhub.errors import FedhubError
from fedhub.findings import Finding, failed, ok, skipped
from fedhub.hub.document import parse
from fedhub.hub.encrypted import decrypted_text, is_encrypted, sops_binary
from fedhub.hub.files import read_text
from fedhub.hub.sops import recipients
from fedhub.release.chart import Z2JH, archive
from fedhub.release.kubectl import run_quietly

_NEEDED = (
    ("create", "deployments.apps"),
    ("create", "secrets"),
    ("create", "services"),
    ("create", "roles.rbac.authorization.k8s.io"),
    ("create", "persistentvolumeclaims"),
    ("create", "networkpolicies.networking.k8s.io"),
)
"""What `helm install` of the chart creates, as `kubectl auth can-i` asks for it."""
Look = Callable[[], list[Finding]]


def examine(folder: Path, namespace: str | None = None) -> list[Finding]:
    """Look at what this machine has for a folder of hubs.

    Args:
        folder: where the values are; it need not be there.
        namespace: where releases are installed; None asks the current context.
    """
    looks: list[Look] = [
        lambda: [_python()],
        lambda: [_sops()],
        lambda: [_tool("helm", "version", "--short", why="installs a hub")],
        lambda: [_tool("kubectl", "version", "--client", why="looks at a cluster")],
        lambda: [_tool("git", "--version", why="keeps the values")],
        lambda: _keys(folder),
        lambda: [_chart()],
        lambda: _cluster(namespace),
    ]
    with ThreadPoolExecutor(len(looks)) as pool:
        return [one for found in pool.map(lambda look: look(), looks) for one in found]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return ok("tool", "fedhub", f"{__version__}, Python {version}")


def _sops() -> Finding:
    try:
        binary = sops_binary()
    except FedhubError as error:
        return failed("tool", "sops", "not found: secrets can't be opened", error.fix)
    return _said("sops", [binary, "--disable-version-check", "--version"])


def _tool(name: str, *arguments: str, why: str) -> Finding:
    # The one that was installed with fedhub goes first, as for sops.
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    found = beside or shutil.which(name)
    if found is None:
        return skipped("tool", name, f"not found; it {why}")
    return _said(name, [found, *arguments])


def _said(name: str, command: list[str]) -> Finding:
    done = run_quietly(command)
    if done is None or done.returncode != 0:
        return failed("tool", name, f"{command[0]} does not run", f"try `{' '.join(command)}`")
    return ok("tool", name, (done.stdout.strip().splitlines() or ["of no version"])[0])


def _keys(folder: Path) -> list[Finding]:
    """Which encrypted files a key at hand opens."""
    files = sorted(folder.glob("enc-*.yaml")) if folder.is_dir() else []
    if not files:
        return [skipped("keys", str(folder), "there is no encrypted file")]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(_opens, files))
    bad = [one for one in found if one.state == "failed"]
    good = len(found) - len(bad)
    summary = [ok("keys", str(folder), f"{good} encrypted files open")] if good else []
    return [*summary, *bad]


def _opens(file: Path) -> Finding:
    try:
        root = parse(read_text(file), str(file))
        if not is_encrypted(root):
            fix = f"`sops encrypt --in-place {file}`"
            return failed("keys", file.name, "is not encrypted", fix)
        decrypted_text(file, root)
    except FedhubError as error:
        return failed("keys", file.name, error.message, error.fix)
    return ok("keys", file.name, f"for {len(recipients(root))} keys")


def _chart() -> Finding:
    if archive().exists():
        return ok("chart", f"z2jh {Z2JH}", str(archive()))
    why = "not kept here; `helm dependency build` gets it from its repository"
    return skipped("chart", f"z2jh {Z2JH}", why)


def _cluster(namespace: str | None) -> list[Finding]:
    """Whether the current context's cluster answers, and lets a hub be installed."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return [skipped("cluster", "", "there is no kubectl")]
    context = run_quietly([kubectl, "config", "current-context"])
    if context is None or context.returncode != 0:
        return [skipped("cluster", "", "kubectl has no current context")]
    name = context.stdout.strip()
    ready = run_quietly([kubectl, "get", "--raw", "/readyz", "--request-timeout", "5s"])
    if ready is None or ready.returncode != 0:
        fix = "`kubectl get --raw /readyz` says why"
        return [failed("cluster", name, "does not answer", fix)]
    return [ok("cluster", name, "answers"), _permissions(kubectl, name, namespace)]


def _permissions(kubectl: str, name: str, namespace: str | None) -> Finding:
    place = ["--namespace", namespace] if namespace else []
    lacking = [
        f"{verb} {what}"
        for verb, what in _NEEDED
        if (done := run_quietly([kubectl, "auth", "can-i", verb, what, *place])) is None
        or done.stdout.strip() != "yes"
    ]
    if lacking:
        fix = "ask the cluster's administrators for them"
        return failed("permissions", name, f"you may not {', '.join(lacking)}", fix)
    return ok("permissions", name, "enough to install a hub")
