"""From a plain z2jh release to our chart and back, as docs/install.md says: nobody notices."""

from __future__ import annotations

from typing import Any

import httpx

from tests.chart.conftest import merged
from tests.cluster.hubs import (
    DUMMY,
    PLAIN,
    RELEASE,
    WITHOUT_PROVIDER,
    Hub,
    Values,
    log_in,
    until,
)

BEFORE: Values = merged(PLAIN, DUMMY)


def has_a_server(browser: httpx.Client) -> bool:
    """Whether the hub says that it runs, and the proxy leads to it."""
    (server,) = account(browser)["servers"].values() or [{"ready": False}]
    reached = browser.get("/user/ada/api").status_code == httpx.codes.OK
    return bool(server["ready"]) and reached


def account(browser: httpx.Client) -> dict[str, Any]:
    answer = browser.get("/hub/api/users/ada", headers=same_site(browser))
    assert answer.status_code == httpx.codes.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


def same_site(browser: httpx.Client) -> dict[str, str]:
    """What a page of the hub adds to its requests."""
    return {"X-XSRFToken": browser.cookies.get("_xsrf", path="/hub/") or ""}


def lasting(hub: Hub) -> dict[str, Any]:
    """What must stay: the database's volume, what z2jh made up, the person's server."""
    secret = hub.get("secret", "hub")["data"]
    return {
        "volume": hub.get("pvc", "hub-db-dir")["metadata"]["uid"],
        "keys": {name: value for name, value in secret.items() if name != "values.yaml"},
        "server": hub.get("pod", "jupyter-ada")["metadata"]["uid"],
    }


def test_people_servers_and_keys_stay_on_the_way_there_and_back(hub: Hub) -> None:
    hub.upgrade(BEFORE, chart=hub.cluster.z2jh)
    with hub.browser() as browser:
        log_in(browser, "ada")
        browser.post("/hub/api/users/ada/server", headers=same_site(browser))
        until(lambda: has_a_server(browser), "ada has no server")
        created, before = account(browser)["created"], lasting(hub)

        hub.upgrade(WITHOUT_PROVIDER)

        assert hub.get("configmap", "fedhub-test")  # it is our chart now
        assert lasting(hub) == before
        assert has_a_server(browser)
        assert account(browser)["created"] == created

        done = hub.helm("rollback", RELEASE, "1", "--wait", "--timeout", "150s")

        assert done.returncode == 0, done.stderr
        assert lasting(hub) == before
        assert has_a_server(browser)
        assert account(browser)["created"] == created
