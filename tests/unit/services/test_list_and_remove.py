"""`fedhub service list` and `remove`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fedhub.hub.load import load_hub
from fedhub.services.remove import removal
from tests.unit.services.conftest import (
    CALLBACK,
    OF_FEDHUB,
    SECRETS,
    SERVICES,
    VALUES,
    add,
    hub_of,
    service,
)


def test_what_there_is_and_who_may_use_it(text: str) -> None:
    add("--users", "olga", "--groups", "operators")
    done = service("list", "x")
    (_, line) = done.stdout.splitlines()
    assert line.split("  ")[0] == "grafana"
    assert "olga, @operators" in line
    assert f"{VALUES}:" in line
    (one,) = json.loads(service("list", "x", "--format", "json").stdout)
    assert (one["client_id"], one["redirect_uri"]) == ("service-grafana", CALLBACK)
    assert (one["users"], one["groups"], one["has_token"]) == (["olga"], ["operators"], True)
    assert load_hub("x").get(*SERVICES[text].split("."), "grafana", "api_token") not in str(one)


def test_who_has_a_role_of_its_own_may_use_it(work: Path) -> None:
    roles = "{editor: {groups: [writers], users: [olga]}, admin: {users: [max]}, gone: null}"
    entry = f"{{oauth_redirect_uri: '{CALLBACK}', users: [olga], roles: {roles}}}"
    hub_of(OF_FEDHUB + f"    services:\n      grafana: {entry}\n")
    (one,) = json.loads(service("list", "x", "--format", "json").stdout)
    assert (one["users"], one["groups"]) == (["olga", "max"], ["writers"])
    assert one["scopes"] == ["custom:grafana:editor", "custom:grafana:admin"]


def test_a_hub_without_services_has_an_empty_list(text: str) -> None:
    done = service("list", "x")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads(service("list", "x", "--format", "json").stdout) == []


def test_a_removed_service_leaves_nothing(text: str) -> None:
    add("--users", "olga")
    add(name="other-one", callback="https://other.example.org/")
    done = service("remove", "x", "grafana", "--yes")
    assert (done.returncode, done.stdout) == (0, "grafana is removed\n")
    assert "grafana" not in VALUES.read_text() + SECRETS.read_text()
    hub = load_hub("x")
    assert len(hub.get(*SERVICES[text].split("."), "other-one", "api_token")) == 64
    assert hub.z2jh_get("hub", "loadRoles") is None


def test_it_is_not_removed_without_being_asked(x: str) -> None:
    add()
    before = VALUES.read_text(), SECRETS.read_bytes()
    done = service("remove", "x", "grafana")
    assert done.returncode == 2
    assert "nobody can be asked here; add --yes" in done.stderr
    shown = service("remove", "x", "grafana", "--dry-run")
    assert "-      grafana:" in shown.stdout
    assert shown.stderr == "Nothing is removed yet; its secret would be, too\n"
    assert (VALUES.read_text(), SECRETS.read_bytes()) == before


def test_a_script_is_told_what_was_removed(text: str) -> None:
    add()
    planned = json.loads(service("remove", "x", "grafana", "--dry-run", "--format", "json").stdout)
    assert planned["done"] is False
    assert " grafana:" in planned["diff"]
    done = service("remove", "x", "grafana", "--yes", "--format", "json")
    assert json.loads(done.stdout) == planned | {"done": True}
    assert "grafana" not in VALUES.read_text()


def test_what_is_not_there_is_not_removed(x: str) -> None:
    done = service("remove", "x", "grafana", "--yes")
    assert done.returncode == 2
    assert "x has no service grafana" in done.stderr


def test_cut_short_a_second_run_finishes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    add("--users", "olga")
    with monkeypatch.context() as context:
        context.setattr("fedhub.services.values.Draft.write", killed)
        with pytest.raises(KeyboardInterrupt):
            removal("x", "grafana").carry_out()
    assert "grafana" not in SECRETS.read_text()
    removal("x", "grafana").carry_out()
    assert "grafana" not in VALUES.read_text()


def test_what_runs_in_the_cluster_stays(work: Path) -> None:
    hub_of(OF_FEDHUB)
    add()
    with VALUES.open("a") as file:
        file.write("deployments:\n  grafana: {image: {name: a, tag: b}, port: 1}\n")
    done = service("remove", "x", "grafana", "--yes")
    assert "deployments.grafana still runs it in the cluster" in done.stderr
    assert done.stderr.startswith(f"{VALUES}:")


def test_what_every_hub_has_is_removed_by_hand(work: Path) -> None:
    hub_of(OF_FEDHUB)
    shared = f"global:\n  fedhub:\n    services:\n      all: {{oauth_redirect_uri: '{CALLBACK}'}}\n"
    VALUES.with_name("common.values.yaml").write_text(shared)
    done = service("remove", "x", "all", "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith("values/common.values.yaml:4:7: global.fedhub.services.all is")
