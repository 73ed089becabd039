"""What a hub on a cluster takes: 500 people who come at 20 a second, each of them once.

Two hubs on one cluster, with one CILogon: z2jh with oauthenticator's CILogonOAuthenticator, and
ours. People come in waves, to one hub and then to the other, so that a slow moment falls on both.
Prints how long they wait at the hub, and the CPU that it takes. Run it with `make bench-hub`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.table import Table

from fedhub.access.persona import Persona
from fedhub.idp.client import Client
from tests.certificates import Authority
from tests.chart.conftest import ARCHIVE, merged, with_dependency
from tests.cluster.elsewhere import identity_provider
from tests.cluster.hubs import OURS, PLAIN, WITH_KEYS, Cluster, Hub, Values, cluster

PEOPLE = 500
A_SECOND = 20
WAVE = 100
"""People who come to one hub before it is the other's turn."""
PROVIDER, PROVIDER_PORT = "cilogon.example.org", 30444
ENTITY = "https://idp.uni.example.edu/idp/shibboleth"
CALLBACK = "https://hub.example.org/hub/oauth_callback"

AUTHENTICATOR: Values = {
    "cilogon_host": PROVIDER,
    "idps": {ENTITY: {"allow_all": True, "username_derivation": {"username_claim": "email"}}},
}
COMMON: Values = {
    "hub": {
        "config": {
            "JupyterHub": {"authenticate_prometheus": False},
            "Authenticator": {"enable_auth_state": True},
        }
    }
}
STOCK: Values = {
    "hub": {
        "config": {
            "JupyterHub": {"authenticator_class": "cilogon"},
            "CILogonOAuthenticator": {
                **AUTHENTICATOR,
                "client_id": "the-hub",
                "client_secret": "s3cret",
                "oauth_callback_url": CALLBACK,
            },
        }
    }
}
FEDHUB: Values = {
    "global": {
        "fedhub": {
            "domain": "hub.example.org",
            "tls": {"enabled": False},
            "login": {"campus": {"authenticator": "cilogon", "config": AUTHENTICATOR}},
        }
    },
    "credentials": {"campus": {"client_id": "the-hub", "client_secret": "s3cret"}},
}


def people() -> list[Persona]:
    return [
        Persona(
            name=f"person-{number}",
            provider="campus",
            idp=ENTITY,
            idp_name="University",
            about="",
            claims={"sub": f"http://cilogon.org/serverT/users/{number}", "idp": ENTITY}
            | {"email": f"person-{number}@uni.example.edu"},
        )
        for number in range(PEOPLE)
    ]


@contextmanager
def hubs() -> Iterator[dict[str, Hub]]:
    """Run a cluster with both hubs and their provider."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place) / "cluster"
        cluster(folder, "up")
        stack.callback(cluster, folder, "down")
        cluster(folder, "load", os.environ["FEDHUB_CLUSTER_IMAGES"])
        running = Cluster(folder, with_dependency(Path(place), ARCHIVE), ARCHIVE)
        found = {name: Hub(running, name) for name in ("elsewhere", "stock", "ours")}
        for name in found:
            running.kubectl("create", "namespace", name)
        authority = Authority()
        client = Client("campus", "cilogon", "the-hub", "s3cret", (CALLBACK,))
        provider = identity_provider(authority, PROVIDER, PROVIDER_PORT, [client], people())
        reached = reached_at(provider.start(found.pop("elsewhere")), authority.certificate)
        found["stock"].upgrade(
            merged(merged(PLAIN, COMMON), {"hub": WITH_KEYS["jupyterhub"]["hub"]}),
            STOCK,
            {"hub": reached},
            chart=ARCHIVE,
        )
        ours = {"jupyterhub": merged(COMMON, {"hub": reached})}
        found["ours"].upgrade(merged(merged(OURS, WITH_KEYS), ours), FEDHUB)
        yield found


def reached_at(address: str, authority: str) -> Values:
    """Return z2jh's values of a hub that finds the provider, and trusts it."""
    return {
        "extraPodSpec": {"hostAliases": [{"ip": address, "hostnames": [PROVIDER]}]},
        "extraFiles": {
            "authorities": {
                "mountPath": "/etc/ssl/certs/ca-certificates.crt",
                "stringData": authority,
            }
        },
    }


async def log_in(hub: str, node: str, number: int) -> float:
    """Log somebody in with a browser of their own; return the seconds that they waited at the hub.

    Names lead to the node; what a browser would say of them stands in `Host`.
    """
    async with httpx.AsyncClient(trust_env=False, timeout=60, verify=TLS) as visitor:
        begun = time.perf_counter()
        reply = await visitor.get(f"{hub}/hub/oauth_login")
        waited = time.perf_counter() - begun
        there = urlsplit(reply.headers["location"])
        reply = await visitor.post(
            f"https://{node}:{PROVIDER_PORT}{there.path}?{there.query}",
            data={"persona": f"person-{number}"},
            headers={"Host": PROVIDER},
        )
        back = urlsplit(reply.headers["location"])
        assert back.path == "/hub/oauth_callback", reply.text
        begun = time.perf_counter()
        reply = await visitor.get(f"{hub}{back.path}?{back.query}")
        waited += time.perf_counter() - begun
        assert reply.is_redirect, reply.text
        return waited


TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE
"""Made once: it takes long. The provider's certificate is for its name, not for the node."""


async def wave(hub: str, node: str, numbers: range) -> list[float]:
    """Have people come, each at their time, whoever is still waiting."""

    async def come(place: int, number: int) -> float:
        await asyncio.sleep(place / A_SECOND)
        return await log_in(hub, node, number)

    return await asyncio.gather(*(come(place, number) for place, number in enumerate(numbers)))


def cpu(browser: httpx.Client) -> float:
    """Return the seconds of CPU that a hub has used, as it tells Prometheus."""
    lines = browser.get("/hub/metrics").raise_for_status().text.splitlines()
    (found,) = (line for line in lines if line.startswith("process_cpu_seconds_total "))
    return float(found.split()[1])


def measure(found: dict[str, Hub]) -> dict[str, dict[str, list[float]]]:
    """Return what people waited, in seconds, and what each of a wave took, in milliseconds."""
    seen: dict[str, dict[str, list[float]]] = {name: {"waited": [], "cpu": []} for name in found}
    order = list(found)
    for begin in range(0, PEOPLE, WAVE):
        for name in order:
            hub = found[name]
            with hub.browser() as browser:
                before = cpu(browser)
                address = str(browser.base_url).rstrip("/")
                numbers = range(begin, begin + WAVE)
                seen[name]["waited"] += asyncio.run(wave(address, hub.cluster.address, numbers))
                seen[name]["cpu"].append((cpu(browser) - before) / WAVE * 1000)
        order.reverse()  # so that neither always comes first
    return seen


def main() -> None:
    with hubs() as found:
        seen = measure(found)
    table = Table(title=f"{PEOPLE} people, {A_SECOND} a second")
    for head in ("", "ours", "oauthenticator", "ratio"):
        table.add_column(head)

    def row(what: str, one: Any, unit: str = "ms") -> None:
        ours, stock = one(seen["ours"]), one(seen["stock"])
        table.add_row(what, f"{ours:.1f} {unit}", f"{stock:.1f} {unit}", f"{ours / stock:.2f}")

    row("waiting at the hub, median", lambda of: statistics.median(of["waited"]) * 1000)
    row("waiting at the hub, p95", lambda of: statistics.quantiles(of["waited"], n=20)[18] * 1000)
    row("CPU of the hub for a login", lambda of: statistics.mean(of["cpu"]))
    row(
        f"CPU of the hub at {A_SECOND} a second",
        lambda of: statistics.mean(of["cpu"]) * A_SECOND / 10,
        "%",
    )
    Console().print(table)


if __name__ == "__main__":
    main()
