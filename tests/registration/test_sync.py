"""`fedhub register sync`, `list`, `show`: a folder of hubs against an administrator's clients."""

from __future__ import annotations

from typing import Any

import pytest

from fedhub.idp.oa4mp.registry import AdminClient
from fedhub.registration.cilogon.client import ClientManagement
from fedhub.registration.clients import RegisteredClient
from fedhub.registration.tag import Tag
from tests.registration.office import SECRETS, Office, pair


@pytest.fixture
def folder(office: Office) -> Office:
    """Hubs in every state."""
    for name in ("good", "moved", "gone"):
        office.hub(name, secrets=SECRETS)
        office.did("create", name)
    office.hub("moved", domain="elsewhere.example.org")
    for name in ("gone.values.yaml", "enc-gone.secret.values.yaml"):
        (office.values / name).unlink()
    office.hub("new")
    office.endpoint.registered(client_name="by hand")
    office.endpoint.registered(client_name="campus", comment="for fedhub/1 owner=ops hub=good")
    tag = f"fedhub/1 owner=others hub=good provider=cilogon registration={'0' * 32}"
    office.endpoint.registered(client_name="others", comment=tag)
    return office


def names(office: Office) -> list[str]:
    return sorted(one["client_name"] for one in office.registered().values())


def steps(data: Any) -> set[tuple[str, str]]:
    return {(item["step"], item["hub"]) for item in data["items"]}


WANTED = {("create", "new"), ("update", "moved"), ("delete", "gone")}
LEFT_ALONE = ["by hand", "campus", "others"]


def test_a_plan_says_what_and_changes_nothing(folder: Office) -> None:
    before = folder.registered()
    said = folder.run("sync", "--all", "--format", "json")
    assert said.code == 1
    assert steps(said.json) == WANTED
    assert said.json["good"] == 1
    assert sorted(one["client_name"] for one in said.json["unknown"]) == LEFT_ALONE
    assert said.json["administrators"] == [{"at": "cilogon.org", "used": 6, "quota": None}]
    assert folder.registered() == before
    text = folder.run("sync", "--all")
    assert "+ create new (cilogon)\n" in text.out
    assert "+ redirect_uris: https://elsewhere.example.org/hub/oauth_callback" in text.out


def test_it_is_carried_out_once(folder: Office) -> None:
    done = folder.did("sync", "--all", "--apply", "--yes")
    assert all(item["error"] is None for item in done["items"])
    assert names(folder) == sorted(
        [*LEFT_ALONE, "good.example.org", "elsewhere.example.org", "new.example.org"]
    )
    assert folder.works("new")
    again = folder.did("sync", "--all", "--apply", "--yes")
    assert again["items"] == []
    assert again["good"] == 3
    assert not list(folder.values.glob("enc-*.registration.yaml"))


def test_some_hubs_only(folder: Office) -> None:
    folder.did("sync", "new", "--apply", "--yes")
    assert steps(folder.run("sync", "--all", "--format", "json").json) == WANTED - {
        ("create", "new")
    }


def test_deletes_need_a_yes(folder: Office) -> None:
    said = folder.run("sync", "--all", "--apply")
    assert said.code == 2
    assert "gone.example.org" in names(folder)


def test_one_failure_does_not_stop_the_others(folder: Office) -> None:
    folder.provider.inject("server-error", endpoint="client-update", times=None)
    said = folder.run("sync", "--all", "--apply", "--yes", "--format", "json")
    assert said.code == 1
    errors = {item["hub"]: item["error"] for item in said.json["items"]}
    assert [hub for hub, error in errors.items() if error] == ["moved"]
    assert folder.works("new")


def test_what_a_broken_hub_has_is_left_alone(folder: Office) -> None:
    """One mistake in a values file must not delete the client of a live hub."""
    for broken in (
        "{",
        "global: 5\n",
        "global: {fedhub: {login: {cilogon: {authenticator: cilogon, config: {scope: openid}}}}}\n",
    ):
        (folder.values / "good.values.yaml").write_text(broken)
        said = folder.run("sync", "--all", "--apply", "--yes", "--format", "json")
        assert said.code == 1
        assert said.json["problems"]
        assert "good" not in {item["hub"] for item in said.json["items"]}
        assert "good.example.org" in names(folder)


def test_a_client_that_a_hub_here_uses_is_never_deleted(folder: Office) -> None:
    """A hub was renamed: the tag is of the old name, but its client is in use."""
    for name in ("{}.values.yaml", "enc-{}.secret.values.yaml"):
        (folder.values / name.format("good")).rename(folder.values / name.format("better"))
    said = folder.run("sync", "--all", "--apply", "--yes", "--format", "json")
    assert "good.example.org" in names(folder)
    looks = [item["why"][0] for item in said.json["items"] if item["step"] == "look"]
    assert any("there is no such hub here" in why for why in looks), looks
    assert folder.works("better")


def test_a_second_client_of_a_hub_is_deleted(folder: Office) -> None:
    tag = f"fedhub/1 owner=ops hub=good provider=cilogon registration={'1' * 32}"
    second = folder.endpoint.registered(comment=tag)["client_id"]
    folder.did("sync", "good", "--apply", "--yes")
    assert second not in folder.registered()
    assert folder.works("good")


def test_a_client_whose_secret_is_elsewhere_is_left_for_a_person(folder: Office) -> None:
    """A colleague registered it and has not pushed yet."""
    tag = f"fedhub/1 owner=ops hub=new provider=cilogon registration={'1' * 32}"
    theirs = folder.endpoint.registered(comment=tag)["client_id"]
    said = folder.run("sync", "new", "--apply", "--yes", "--format", "json")
    assert [item["step"] for item in said.json["items"]] == ["look"]
    assert theirs in folder.registered()


def test_a_rotation_is_left_to_its_own_command(folder: Office) -> None:
    folder.did("rotate", "good")
    before = names(folder)
    said = folder.run("sync", "good", "--apply", "--yes", "--format", "json")
    assert [item["step"] for item in said.json["items"]] == ["look"]
    assert names(folder) == before


def test_list_and_show(folder: Office) -> None:
    said = folder.run("list")
    assert said.code == 1
    states = {line.split()[0]: " ".join(line.split()[2:-1]) for line in said.out.splitlines()[1:]}
    assert states == {"good": "as wanted", "moved": "differs", "new": "not registered"}
    shown = folder.run("show", "good", "--format", "json")
    assert shown.code == 0
    (row,) = shown.json
    assert row["state"] == "as wanted"
    assert "client_secret" not in shown.out
    moved = folder.run("show", "moved")
    assert moved.code == 1
    assert "https://elsewhere.example.org/hub/oauth_callback  (wanted, not registered)" in moved.out
    assert "(the hub does not ask for it)" in moved.out
    assert folder.run("show", "new").out.startswith("new (cilogon) at cilogon.org: not registered")
    stored = folder.stored("good")
    assert stored
    assert stored[1] in folder.run("show", "good", "--reveal").out


def test_the_quota_is_shown(folder: Office) -> None:
    text = (folder.values / "registration.yaml").read_text()
    (folder.values / "registration.yaml").write_text(
        text.replace("  cilogon_host", "  quota: 100\n  cilogon_host")
    )
    assert "cilogon.org: clients used: 6 of 100" in folder.run("list").err


@pytest.mark.parametrize("options", [[], ["--apply", "--yes"]], ids=["compared", "created"])
def test_no_more_than_eight_calls_at_once(
    folder: Office, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    import threading

    import httpx

    now, most, lock = 0, 0, threading.Lock()
    one_too_many = threading.Event()
    send = httpx.HTTPTransport.handle_request

    def counted(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now > 8:
                one_too_many.set()
        one_too_many.wait(1)  # seconds that each call takes, for others to come
        try:
            return send(self, request)
        finally:
            with lock:
                now -= 1

    for number in range(12):
        if options:
            folder.hub(f"more-{number}", domain=f"more-{number}.example.org")
        else:
            folder.endpoint.registered(client_name=f"more {number}")
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", counted)
    folder.run("sync", "--all", *options)
    assert most == 8


def test_no_file_is_decrypted_twice(folder: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    opened: list[str] = []
    run = subprocess.run

    def counted(command: list[str], *given: Any, **more: Any) -> Any:
        opened.extend(str(part) for part in command if str(part).endswith(".yaml"))
        return run(command, *given, **more)

    monkeypatch.setattr(subprocess, "run", counted)
    folder.run("sync", "--all")
    assert len(opened) == len(set(opened)) == 3  # the administrator's and two hubs'


def test_a_new_client_is_not_asked_for_again(
    folder: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    show = ClientManagement.show

    def counted(self: ClientManagement, client_id: str) -> RegisteredClient:
        asked.append(client_id)
        return show(self, client_id)

    monkeypatch.setattr(ClientManagement, "show", counted)
    folder.run("sync", "--all", "--apply", "--yes")
    new = folder.stored("new")
    assert new is not None
    assert new[0] not in asked
    assert asked  # all others, once more


def test_a_hub_that_somebody_else_registers_meanwhile_is_left_to_them(
    folder: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = f"fedhub/1 owner=ops hub=new provider=cilogon registration={'0' * 32}"
    create = ClientManagement.create

    def just_before(self: ClientManagement, attributes: Any, tag: Tag) -> Any:
        folder.endpoint.registered(client_name="theirs", comment=theirs)
        return create(self, attributes, tag)

    monkeypatch.setattr(ClientManagement, "create", just_before)
    said = folder.run("sync", "--all", "--apply", "--yes")
    assert said.code == 1
    assert "somebody else is registering new" in said.err
    assert folder.stored("new") is None
    of_new = [one for one in folder.registered().values() if "hub=new" in one.get("comment", "")]
    assert [one["client_name"] for one in of_new] == ["theirs"]


def move_credentials(folder: Office, hub: str, other: str) -> None:
    """Have another hub use a hub's client, as after its files were renamed."""
    name = "enc-{}.secret.values.yaml"
    (folder.values / name.format(hub)).rename(folder.values / name.format(other))
    values = (folder.values / f"{hub}.values.yaml").read_text()
    (folder.values / f"{other}.values.yaml").write_text(values)


def test_a_client_that_a_hub_elsewhere_in_the_folder_uses_stays(folder: Office) -> None:
    """Only one hub is asked for, and another one uses what its old provider had."""
    move_credentials(folder, "good", "better")
    values = folder.values / "good.values.yaml"
    values.write_text(values.read_text().replace("cilogon", "google"))
    folder.run("sync", "good", "--apply", "--yes")
    assert folder.works("better")


def test_a_client_that_a_hub_may_use_stays(folder: Office) -> None:
    """A renamed hub has a mistake in its values: nobody can tell which client it uses."""
    move_credentials(folder, "good", "better")
    (folder.values / "good.values.yaml").unlink()
    (folder.values / "better.values.yaml").write_text("{")
    said = folder.run("sync", "--all", "--apply", "--yes")
    assert {"good.example.org", "gone.example.org"} <= set(names(folder))
    assert "it may be in better.values.yaml" in said.out


def test_a_client_whose_encrypted_file_is_still_here_stays(folder: Office) -> None:
    (folder.values / "good.values.yaml").rename(folder.values / "better.values.yaml")
    said = folder.run("sync", "--all", "--apply", "--yes")
    assert "it may be in enc-good.secret.values.yaml" in said.out
    assert "good.example.org" in names(folder)


def test_a_second_client_may_be_of_a_colleagues_rotation(folder: Office) -> None:
    before = {file.name: file.read_bytes() for file in folder.values.iterdir()}
    new = folder.did("rotate", "good")["client_id"]
    for name, content in before.items():
        (folder.values / name).write_bytes(content)
    folder.journal("good").unlink()
    said = folder.run("sync", "--all", "--apply", "--yes")
    assert f"? look good (cilogon) {new}" in said.out
    assert "if nobody is rotating it" in said.out
    assert new in folder.registered()


def test_a_hub_with_two_providers(office: Office) -> None:
    other = AdminClient("cilogon:/adminClient/2/1700000000", "other-admin-s3cret")
    office.provider.add_admin_client(other)
    office.encrypt("enc-admin-2.secret.values.yaml", pair(other))
    (office.values / "enc-admin-2.secret.values.yaml").rename(office.values / "enc-admin-2.yaml")
    address = f"{office.provider.url}/oauth2/oidc-cm"
    office.settings(
        administrators=[
            {"cilogon_host": host, "address": address, "credentials": {"file": file}}
            for host, file in (("cilogon.org", "enc-admin.yaml"), ("test.org", "enc-admin-2.yaml"))
        ]
    )
    office.hub("both")
    values = office.values / "both.values.yaml"
    second = "      second:\n        authenticator: cilogon\n        config:\n"
    values.write_text(f"{values.read_text()}{second}          cilogon_host: test.org\n")
    done = office.did("sync", "--all", "--apply", "--yes")
    assert [item["error"] for item in done["items"]] == [None, None]
    assert office.did("sync", "--all")["good"] == 2
    assert not office.journal("both").exists()
