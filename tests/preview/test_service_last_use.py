"""`fedhub service list` asks a hub that runs when each service was last used."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.oidc_hub import GRAFANA, INSIDER, OPERATOR, OTHER, Person, answer_of, write_values
from tests.previews import FEDHUB, RunningHub, running_hub

READER = "token-of-the-reader-" + "0123456789" * 3
"""Of a service that may list people and their tokens."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningHub, Path]]:
    values = write_values(tmp_path_factory.mktemp("hub"))
    role = "reader: {scopes: [list:users, read:tokens], services: [reader]}"
    text = values.read_text()
    text = text.replace("    services:\n      operator", "    services:\n      reader:"
                        f" {{apiToken: {READER}}}\n      operator")  # fmt: skip
    values.write_text(text.replace("    loadRoles:\n", f"    loadRoles:\n      {role}\n"))
    with running_hub(values) as running:
        yield running, values


def listed(hub: tuple[RunningHub, Path], *options: str, token: str | None = READER) -> Any:
    environment = {name: value for name, value in os.environ.items() if "FEDHUB" not in name}
    if token is not None:
        environment["FEDHUB_HUB_TOKEN"] = token
    running, values = hub
    done = subprocess.run(
        [FEDHUB, "service", "list", str(values), "--hub-url", running.url, *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert token is None or token not in done.stdout + done.stderr
    return done


def last_uses(hub: tuple[RunningHub, Path]) -> dict[str, str | None]:
    found = json.loads(listed(hub, "--format", "json").stdout)
    return {one["name"]: one["last_use"] for one in found}


def test_a_login_is_a_use_and_so_is_a_question_of_the_application(
    hub: tuple[RunningHub, Path],
) -> None:
    running, _ = hub
    assert last_uses(hub) == {"grafana": None, "asks": None, "other": None}
    before = datetime.now(UTC) - timedelta(seconds=1)
    with Person(running, INSIDER) as person:
        codes = [
            answer_of(person.go(GRAFANA.address(running)))["code"],
            answer_of(person.go(OTHER.address(running, at="api/oauth2/authorize", scope=None)))[
                "code"
            ],
        ]
    GRAFANA.redeem(running, codes[0])
    token = OTHER.redeem(running, codes[1], at="api/oauth2/token").json()["access_token"]
    at_login = last_uses(hub)
    assert at_login["asks"] is None
    for name in ("grafana", "other"):
        assert before <= datetime.fromisoformat(str(at_login[name])) <= datetime.now(UTC)
    bearer = {"Authorization": f"Bearer {token}"}
    httpx.get(f"{running.url}hub/api/user", headers=bearer, trust_env=False).raise_for_status()
    (other,) = [
        one
        for one in httpx.get(
            f"{running.url}hub/api/users/gil-instructors/tokens",
            headers={"Authorization": f"token {READER}"},
            trust_env=False,
        ).json()["api_tokens"]
        if one["oauth_client"].endswith(" other")
    ]
    asked = datetime.fromisoformat(other["last_activity"])
    assert last_uses(hub)["other"] == asked.isoformat(timespec="seconds")
    head, *rows = listed(hub).stdout.splitlines()
    assert head.endswith("last use")
    local = datetime.fromisoformat(str(at_login["grafana"])).astimezone()
    assert rows[0].endswith(f"  {local:%Y-%m-%d %H:%M}")
    assert rows[1].endswith("  none known")


def test_a_token_that_may_not_look_is_told_what_it_lacks(hub: tuple[RunningHub, Path]) -> None:
    for token in (OPERATOR, "no-token"):
        done = listed(hub, "--format", "json", token=token)
        assert all("last_use" not in one for one in json.loads(done.stdout))
        assert "give it the scopes list:users and read:tokens" in done.stderr


def test_without_a_token_the_column_is_left_out(hub: tuple[RunningHub, Path]) -> None:
    done = listed(hub, token=None)
    assert "last use" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert "set FEDHUB_HUB_TOKEN" in line


def test_nothing_is_sent_unencrypted(hub: tuple[RunningHub, Path]) -> None:
    done = listed(hub, "--hub-url", "http://hub.example.org")
    assert "last use" not in done.stdout
    assert "would travel unencrypted" in done.stderr
