"""What a login costs: oauthenticator's CILogonOAuthenticator and ours, in turn, in one run.

What counts is the CPU time of the hub's process (see `hubs.py`). Both sides are measured in short
turns, so that a slow moment of the machine falls on both, and a ratio is the median of the ratios
of single rounds. Prints a table, with the limits that the project has set itself, and ends with 1
where one is broken. Run it with `make bench`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx
from hubs import PEOPLE, SIDES, hubs
from rich.console import Console
from rich.table import Table

ROUNDS = 10
LOGINS = {1: 25, 20: 60, 100: 100}
"""How many logins a round has, by how many go on at once."""

REFRESHED = 25
"""People who are refreshed, all at once, a few times in a round."""

TLS = ssl.create_default_context()
"""Not used, and slow to make: httpx would make one for each visitor."""

MOST_CPU = 1.15
FEWEST_REFRESHES = 2000
MOST_IMPORT = 100.0

Figures = dict[str, float]


# --- the visitors -------------------------------------------------------------------------


async def log_in(hub: str, number: int) -> tuple[float, str]:
    """Log somebody in with a browser of their own; return seconds at the hub, and its cookies."""
    async with httpx.AsyncClient(trust_env=False, timeout=120, verify=TLS) as visitor:
        begun = time.perf_counter()
        reply = await visitor.get(f"{hub}/hub/oauth_login")
        at_hub = time.perf_counter() - begun
        reply = await visitor.post(
            reply.headers["location"], data={"persona": f"person-{number % PEOPLE}"}
        )
        begun = time.perf_counter()
        reply = await visitor.get(urljoin(hub, reply.headers["location"]))
        assert reply.is_redirect, reply.text
        at_hub += time.perf_counter() - begun
        kept = [one for one in visitor.cookies.jar if one.path.startswith("/hub")]
        return at_hub, "; ".join(f"{one.name}={one.value}" for one in kept)


async def logins(hub: str, concurrent: int, count: int) -> list[float]:
    numbers = iter(range(count))

    async def one_after_another() -> list[float]:
        return [(await log_in(hub, number))[0] for number in numbers]

    found = await asyncio.gather(*(one_after_another() for _ in range(concurrent)))
    return sorted(seconds for each in found for seconds in each)


async def come_back(hub: str, cookies: Iterable[str]) -> None:
    """Have people who are logged in look at a page, long after they looked at one before."""
    async with httpx.AsyncClient(trust_env=False, timeout=120, verify=TLS) as visitor:
        (await visitor.get(f"{hub}/hub/later")).raise_for_status()

        async def look(who: str) -> None:
            reply = await visitor.get(f"{hub}/hub/home", headers={"Cookie": who})
            assert reply.status_code == 200, reply.text

        await asyncio.gather(*map(look, cookies))


# --- what they cost -----------------------------------------------------------------------


async def costs(hub: str, *, tidy: bool = False) -> Figures:
    """Return what a hub has cost so far; `tidy` has it free first what it does not need."""
    async with httpx.AsyncClient(trust_env=False, timeout=120, verify=TLS) as asking:
        if tidy:
            (await asking.get(f"{hub}/hub/tidy")).raise_for_status()
        found: Figures = (await asking.get(f"{hub}/hub/costs")).json()
        return found


async def measured(hub: str, count: int, what: Awaitable[Any]) -> tuple[Figures, Any]:
    """Return what one of `count` things costs, done by awaiting `what`."""
    before = await costs(hub, tidy=True)
    done = await what
    after = await costs(hub)
    used = {name: (after[name] - before[name]) / count for name in before}
    cpu = (used["user"] + used["system"]) * 1000
    return {"cpu": cpu, "user": used["user"] * 1000, "requests": used["asked"]}, done


async def measure_logins(hub: str, concurrent: int) -> Figures:
    count = LOGINS[concurrent]
    figures, seconds = await measured(hub, count, logins(hub, concurrent, count))
    return figures | {
        "p50": seconds[len(seconds) // 2] * 1000,
        "p95": seconds[int(len(seconds) * 0.95)] * 1000,
    }


async def measure_refreshes(hub: str, cookies: list[str]) -> Figures:
    async def a_few_times() -> None:
        for _ in range(4):
            await come_back(hub, cookies)

    figures, _ = await measured(hub, 4 * len(cookies), a_few_times())
    return figures | {"a minute": 60_000 / figures["cpu"]}


def import_times() -> Figures:
    """Return the CPU time of a hub's imports, and how much ours add."""
    code = (
        "from time import process_time as now; begun = now();"
        "import jupyterhub.app, oauthenticator.cilogon; hub = now();"
        "import fedhub_authenticators.providers, fedhub_authenticators.federated;"
        "print(hub - begun, now() - hub)"
    )
    child = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    hub, ours = map(float, child.stdout.split())
    return {"hub": hub * 1000, "ours add": ours * 1000}


async def in_turn(
    addresses: dict[str, str], measure: Callable[[str], Awaitable[Figures]]
) -> list[tuple[Figures, Figures]]:
    """Measure both sides in each round, the other one first each time: (ours, stock)."""
    rounds = []
    for turn in range(ROUNDS):
        found = {}
        for side in SIDES if turn % 2 else reversed(SIDES):
            found[side] = await measure(addresses[side])
        rounds.append((found["ours"], found["stock"]))
    return rounds


# --- the table ----------------------------------------------------------------------------


@dataclass
class Row:
    """A figure of both sides, or of ours alone, and what it may be."""

    what: str
    ours: list[float]
    stock: list[float] | None = None
    digits: int = 1
    limit: str = ""
    holds: Callable[[Row], bool] = lambda _: True

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.stock or [], strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def median(self) -> float:
        return statistics.median(self.ours)

    def cells(self) -> list[str]:
        def figure(values: list[float] | None) -> str:
            return f"{statistics.median(values):,.{self.digits}f}" if values else ""

        spread = self.ratios if self.stock else self.ours
        digits = 2 if self.stock else self.digits
        between = f"{min(spread):,.{digits}f} - {max(spread):,.{digits}f}"
        verdict = ("holds" if self.holds(self) else "[bold red]broken[/]") if self.limit else ""
        ratio = f"{self.ratio:.2f}" if self.stock else ""
        cells = [self.what, figure(self.ours), figure(self.stock), ratio, between]
        return [*cells, self.limit, verdict]


def compared(what: str, rounds: list[tuple[Figures, Figures]], figure: str, **about: Any) -> Row:
    ours, stock = ([side[figure] for side in sides] for sides in zip(*rounds, strict=True))
    return Row(what, ours, stock, **about)


async def measure_everything() -> list[Row]:
    at_most = {"limit": f"ratio at most {MOST_CPU}", "holds": lambda row: row.ratio <= MOST_CPU}
    no_more = {"limit": "no more", "holds": lambda row: row.ratio <= 1, "digits": 2}
    rows: list[Row] = []
    with hubs() as addresses:
        people = {}
        for hub in addresses.values():
            found = [await log_in(hub, number) for number in range(PEOPLE)]  # caches are warm now
            people[hub] = [cookies for _, cookies in found[:REFRESHED]]
        for concurrent in LOGINS:
            rounds = await in_turn(addresses, lambda hub, n=concurrent: measure_logins(hub, n))
            at_once = f"{concurrent} at once"
            rows += [
                compared(f"CPU of the hub for a login, {at_once}, ms", rounds, "cpu", **at_most),
                compared("  of that in user mode, ms", rounds, "user"),
                compared("  time at the hub, median, ms", rounds, "p50", digits=0),
                compared("  time at the hub, 95th percentile, ms", rounds, "p95", digits=0),
                compared("  requests to the provider", rounds, "requests", **no_more),
            ]
        rounds = await in_turn(addresses, lambda hub: measure_refreshes(hub, people[hub]))
        enough = {
            "limit": f"at least {FEWEST_REFRESHES:,}",
            "holds": lambda row: row.median >= FEWEST_REFRESHES,
        }
        rows += [
            compared("CPU of the hub for a page with a refresh, ms", rounds, "cpu"),
            compared("  requests to the provider", rounds, "requests", **no_more),
            compared("  refreshes a minute on one core", rounds, "a minute", digits=0, **enough),
        ]
    times = [import_times() for _ in range(ROUNDS)]
    soon = {"limit": f"at most {MOST_IMPORT:.0f}", "holds": lambda row: row.median <= MOST_IMPORT}
    rows += [
        Row("CPU of importing a hub's modules, ms", [one["hub"] for one in times], digits=0),
        Row("  and ours on top, ms", [one["ours add"] for one in times], digits=0, **soon),
    ]
    return rows


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def main() -> None:
    before = load()
    rows = asyncio.run(measure_everything())
    table = Table(title=f"Medians of {ROUNDS} rounds; {before} at the start, {load()} at the end")
    for heading in ("", "ours", "oauthenticator", "ratio", "between", "limit", ""):
        table.add_column(heading, justify="left" if heading in ("", "limit") else "right")
    for row in rows:
        table.add_row(*row.cells())
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    broken = [row for row in rows if not row.holds(row)]
    for row in broken:
        console.print(f"Broken: {row.what.strip()}; {row.limit}.")
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
