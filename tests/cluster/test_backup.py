"""docs/backup.md, followed to the letter on a real cluster."""

from __future__ import annotations

import re

from tests.cluster.hubs import WITHOUT_PROVIDER, Hub, log_in, until
from tests.previews import ROOT

PAGE = ROOT / "docs/backup.md"
EXAMPLE = "hub-20261126T031500Z.sqlite.gz"


def commands(heading: str) -> list[str]:
    """The fenced commands below a heading of the page."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    return re.findall(r"^```\n(.*?)^```", section, re.M | re.S)


def users(hub: Hub) -> set[str]:
    script = (
        "import sqlite3; "
        "print(*(name for name, in sqlite3.connect('/srv/jupyterhub/jupyterhub.sqlite')"
        ".execute('select name from users')))"
    )
    return set(hub.kubectl("exec", "deploy/hub", "--", "python3", "-c", script).split())


def test_the_page_is_right(hub: Hub) -> None:
    (make,) = commands("Make one now")
    stop_and_list, restore = commands("Restore")
    hub.upgrade(WITHOUT_PROVIDER, {"backup": {"enabled": True}})
    with hub.browser() as browser:
        log_in(browser, "ada")
    done = hub.run(make)
    assert done.returncode == 0, done.stdout + done.stderr
    (name,) = re.findall(r"made (hub-\S+\.gz)", done.stdout)
    with hub.browser() as browser:
        log_in(browser, "eve")
    assert users(hub) == {"ada", "eve"}

    # While the hub runs a restore waits, and says why.
    waiting = restore.replace(EXAMPLE, name).split("| kubectl create -f -")[0]
    assert hub.run(f"{waiting} | kubectl create -f -").returncode == 0
    until(
        lambda: "didn't match pod anti-affinity rules" in hub.kubectl("get", "events"),
        "the scheduler does not say that it waits for the hub",
    )
    assert users(hub) == {"ada", "eve"}
    hub.kubectl("delete", "job", "restore-now")

    done = hub.run(stop_and_list)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"there are: {name}" in done.stdout
    done = hub.run(restore.replace(EXAMPLE, name))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"restored {name}" in done.stdout
    hub.kubectl("rollout", "status", "deployment/hub", "--timeout=120s")

    assert users(hub) == {"ada"}
