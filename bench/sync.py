"""`fedhub register sync --all` over many hubs, against the time that its calls take.

A CILogon that answers 50 ms late, and a hundred hubs, each registered, with an encrypted file of
its own. Beside it, what the peer does: one call after another. Run it with `make bench`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pyrage
import yaml

from fedhub.idp.oa4mp.registry import AdminClient
from fedhub.idp.server import IdentityProvider

BIN = Path(sys.executable).parent
HUBS = 100
LATENCY = 0.05
AT_ONCE = 8
ADMIN = AdminClient("cilogon:/adminClient/1/1", "s3cret", max_clients=1000)
VALUES = """\
global:
  fedhub:
    domain: {name}.example.org
    login: {{cilogon: {{authenticator: cilogon, config: {{allow_all: true}}}}}}
"""


@contextmanager
def folder(url: str) -> Iterator[Path]:
    """Hubs that are not registered yet."""
    with tempfile.TemporaryDirectory() as work:
        values = Path(work) / "values"
        values.mkdir()
        identity = pyrage.x25519.Identity.generate()
        os.environ["SOPS_AGE_KEY"] = f"# public key: {identity.to_public()}\n{identity}"
        (values / "enc-admin.yaml").write_text(
            yaml.safe_dump({"client_id": ADMIN.client_id, "client_secret": ADMIN.client_secret})
        )
        sops = [str(BIN / "sops"), "encrypt", "--in-place", "--age", str(identity.to_public())]
        subprocess.run([*sops, str(values / "enc-admin.yaml")], check=True)
        address = f"{url}/oauth2/oidc-cm"
        administrator = {
            "cilogon_host": "cilogon.org",
            "address": address,
            "credentials": {"file": "enc-admin.yaml"},
        }
        settings = {"owner": "bench", "administrators": [administrator]}
        (values / "registration.yaml").write_text(yaml.safe_dump(settings))
        for number in range(HUBS):
            name = f"hub{number}"
            (values / f"{name}.values.yaml").write_text(VALUES.format(name=name))
        yield Path(work)


def sync(work: Path, *arguments: str, code: int = 0) -> float:
    """Return the seconds that it takes; it must end with this exit code."""
    # As it is installed: with the modules compiled, which a first run sees to.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    done = subprocess.run(
        [str(BIN / "fedhub"), "register", "sync", "--all", *arguments],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - begun
    if "Traceback" in done.stderr or done.returncode != code:
        raise SystemExit(done.stderr)
    return taken


def one_by_one(provider: IdentityProvider, calls: int) -> float:
    """Return the seconds that as many calls take, one after another."""
    begun = time.perf_counter()
    with httpx.Client() as client:
        for _ in range(calls):
            client.get(f"{provider.url}/oauth2/oidc-cm")
    return time.perf_counter() - begun


def measured(provider: IdentityProvider, work: Path, what: str, *arguments: str) -> None:
    provider.reset_counters()
    taken = sync(work, *arguments)
    calls = provider.requests()
    limit = calls * LATENCY / AT_ONCE + 2
    print(
        f"{what}: {calls} calls, {taken:.2f} s; limit {limit:.2f} s, ratio {taken / limit:.2f}; "
        f"its calls one by one {one_by_one(provider, calls):.2f} s"
    )


def main() -> None:
    with IdentityProvider(oa4mp="6.3.2") as provider:
        provider.add_admin_client(ADMIN)
        provider.inject("slow", seconds=LATENCY)
        with folder(provider.url) as work:
            sync(work, code=1)  # there is something to do
            measured(provider, work, f"{HUBS} hubs created", "--apply", "--yes")
            for _ in range(3):
                measured(provider, work, f"{HUBS} hubs compared")


if __name__ == "__main__":
    main()
