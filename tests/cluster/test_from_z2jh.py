"""From a plain z2jh release to our chart and back, as docs/install.md says: nobody notices."""

from __future__ import annotations

from typing import Any

from tests.chart.conftest import merged
from tests.cluster.hubs import (
    DUMMY,
    PLAIN,
    RELEASE,
    WITHOUT_PROVIDER,
    Hub,
    Values,
    account,
    has_a_server,
    log_in,
    start_server,
)

BEFORE: Values = merged(PLAIN, DUMMY)


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
        start_server(browser, "ada")
        created, before = account(browser, "ada")["created"], lasting(hub)

        hub.upgrade(WITHOUT_PROVIDER)

        assert hub.get("configmap", "fedhub-test")  # it is our chart now
        assert lasting(hub) == before
        assert has_a_server(browser, "ada")
        assert account(browser, "ada")["created"] == created

        done = hub.helm("rollback", RELEASE, "1", "--wait", "--timeout", "150s")

        assert done.returncode == 0, done.stderr
        assert lasting(hub) == before
        assert has_a_server(browser, "ada")
        assert account(browser, "ada")["created"] == created
