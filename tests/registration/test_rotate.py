"""`fedhub register rotate`, seen by a hub that logs people in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest

from fedhub.registration import rotate
from fedhub.registration.journal import Journal, Unfinished
from tests.registration.office import SECRETS, VALUES, Office


class Hub:
    """What of a hub a rotation sees: the redirect of its login."""

    def __init__(self, authorize: str) -> None:
        self.authorize = authorize
        self.client_id = ""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {"client_id": hub.client_id, "redirect_uri": hub.callback}
                query |= {"response_type": "code", "scope": "openid"}
                self.send_response(302 if self.path == "/hub/oauth_login" else 404)
                self.send_header("Location", f"{hub.authorize}?{urlencode(query)}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.callback = f"http://127.0.0.1:{self.server.server_port}/hub/oauth_callback"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hub(office: Office) -> Iterator[Hub]:
    running = Hub(f"{office.provider.url}/authorize")
    office.hub(secrets=SECRETS)
    text = VALUES.format(domain="campus.example.org")
    (office.values / "campus.values.yaml").write_text(
        f"{text}          oauth_callback_url: {running.callback}\n"
    )
    running.client_id = office.did("create", "campus")["client_id"]
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_step_by_step(office: Office, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    old = hub.client_id
    new = office.did("rotate", "campus")["client_id"]
    assert set(office.registered()) == {old, new}
    assert office.stored() is not None and office.stored()[0] == new  # type: ignore[index]
    assert office.works()
    # Not deployed yet: nothing goes on, and nothing is deleted.
    said = office.run("rotate", "campus")
    assert said.code == 1
    assert "still uses the old client" in said.err
    assert set(office.registered()) == {old, new}
    hub.client_id = new
    # Deployed, but somebody may still be at the provider with the old one.
    done = office.did("rotate", "campus")
    assert "the old client stays until" in done["todo"][0]
    assert set(office.registered()) == {old, new}
    monkeypatch.setattr(rotate, "LOGINS_LAST", timedelta(0))
    assert office.did("rotate", "campus")["did"] == "rotated"
    assert set(office.registered()) == {new}
    assert office.works()
    assert not office.journal().exists()


def test_a_hub_with_a_client_of_nobody(office: Office, hub: Hub) -> None:
    office.did("rotate", "campus")
    hub.client_id = "cilogon:/client_id/other"
    said = office.run("rotate", "campus")
    assert said.code == 1
    assert "neither the old nor the new" in said.err


def test_a_new_client_that_the_provider_does_not_take(office: Office, hub: Hub) -> None:
    old, new = hub.client_id, office.did("rotate", "campus")["client_id"]
    hub.client_id = new
    office.endpoint.delete(new)
    said = office.run("rotate", "campus")
    assert said.code == 1
    assert "does not take the login" in said.err
    assert set(office.registered()) == {old}


def test_a_hub_that_is_not_reached(office: Office, hub: Hub) -> None:
    office.did("rotate", "campus")
    hub.server.shutdown()
    hub.server.server_close()
    said = office.run("rotate", "campus")
    assert said.code == 1
    assert "does not answer" in said.err
    assert "--unseen" in said.err
    done = office.did("rotate", "campus", "--unseen", "--now")
    assert done["did"] == "rotated"
    assert "enc-campus.registration.yaml" in done["todo"][0]


@pytest.mark.parametrize("seen", [True, False])
def test_going_back(office: Office, hub: Hub, seen: bool) -> None:
    old, new = hub.client_id, office.did("rotate", "campus")["client_id"]
    if seen:
        hub.client_id = new
        office.did("rotate", "campus")
        done = office.did("rotate", "campus", "--abort")
        assert done["did"] == "begun"
        assert "--abort` again" in done["todo"][1]
        assert set(office.registered()) == {old, new}  # people log in with the new one
        hub.client_id = old
    done = office.did("rotate", "campus", "--abort")
    assert done["client_id"] == old
    assert "enc-campus.registration.yaml" in done["todo"][0]
    assert set(office.registered()) == {old}
    assert office.works()
    assert not office.journal().exists()
    assert office.run("rotate", "campus", "--abort").code == 1


def files(office: Office) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in office.values.iterdir()}


def put_back(office: Office, files: dict[str, bytes]) -> None:
    """Have files as they were: those of a colleague who has not pulled."""
    for name, content in files.items():
        (office.values / name).write_bytes(content)


def test_old_files_do_not_go_back_to_a_client_that_is_gone(office: Office, hub: Hub) -> None:
    new = office.did("rotate", "campus")["client_id"]
    old_files = files(office)
    office.did("rotate", "campus", "--unseen", "--now")
    put_back(office, old_files)
    said = office.run("rotate", "campus", "--abort", "--unseen")
    assert said.code == 1
    assert f"{hub.client_id} is not registered any more" in said.err
    assert set(office.registered()) == {new}
    assert office.works()


def test_old_files_do_not_go_on_to_a_client_that_is_gone(office: Office, hub: Hub) -> None:
    office.did("rotate", "campus")
    old_files = files(office)
    office.did("rotate", "campus", "--abort")
    put_back(office, old_files)
    assert office.run("rotate", "campus", "--unseen", "--now").code == 1
    assert set(office.registered()) == {hub.client_id}


def test_a_hub_that_was_rolled_back_keeps_its_client(office: Office, hub: Hub) -> None:
    old, new = hub.client_id, office.did("rotate", "campus")["client_id"]
    hub.client_id = new
    office.did("rotate", "campus")
    hub.client_id = old
    said = office.run("rotate", "campus", "--now")
    assert "still uses the old client" in said.err
    assert set(office.registered()) == {old, new}


def test_a_dry_run_changes_nothing(office: Office, hub: Hub) -> None:
    begun = files(office)
    new = office.did("rotate", "campus")["client_id"]
    hub.client_id = new
    stored = files(office)
    # Killed before the new one was stored.
    office.did("rotate", "campus", "--abort", "--dry-run")
    name = "enc-campus.secret.values.yaml"
    put_back(office, {name: begun[name]})
    office.did("rotate", "campus", "--dry-run")
    assert files(office) == stored | {name: begun[name]}
    # Not seen yet.
    put_back(office, stored)
    office.did("rotate", "campus", "--dry-run")
    office.did("rotate", "campus", "--dry-run", "--now")
    assert files(office) == stored


def test_a_clock_that_was_ahead(office: Office, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.client_id = office.did("rotate", "campus")["client_id"]
    office.did("rotate", "campus")
    journal = Journal("campus", office.values)
    rotation = journal["cilogon"].rotation
    assert rotation
    ahead = replace(rotation, verified=datetime.now(UTC) + timedelta(days=400))
    journal.write("cilogon", replace(journal["cilogon"], rotation=ahead))
    assert office.did("rotate", "campus")["did"] == "begun"
    monkeypatch.setattr(rotate, "LOGINS_LAST", timedelta(0))
    assert office.did("rotate", "campus")["did"] == "rotated"


def test_a_journal_does_not_delete_what_is_not_the_hubs(office: Office, hub: Hub) -> None:
    """Whoever may commit can encrypt a file for others."""
    by_hand = office.endpoint.registered()["client_id"]
    Journal("campus", office.values).write("cilogon", Unfinished(deleting=(by_hand,)))
    office.did("create", "campus")
    assert by_hand in office.registered()
    assert not office.journal().exists()


def test_the_new_client_is_like_the_old(office: Office, hub: Hub) -> None:
    old = office.registered()[hub.client_id]
    cfg = {"tokens": {"identity": {"type": "identity"}}}
    kept = {name: value for name, value in old.items() if not name.startswith("registration_")}
    for name in ("client_id", "client_id_issued_at"):
        kept.pop(name)
    office.endpoint.put(hub.client_id, kept | {"cfg": cfg, "contacts": ["ada@example.edu"]})
    done = office.did("rotate", "campus")
    new = office.registered()[done["client_id"]]
    assert new["cfg"] == cfg
    assert new["contacts"] == ["ada@example.edu"]
    assert new["redirect_uris"] == old["redirect_uris"]
    assert new["comment"] != old["comment"]


def test_what_is_rotated_can_be_deleted(office: Office, hub: Hub) -> None:
    office.did("rotate", "campus")
    office.did("delete", "campus", "--force", "--yes")
    assert office.registered() == {}
    assert office.stored() is None
    assert not office.journal().exists()


@pytest.mark.parametrize("flag", ["--now", "--unseen"])
def test_the_last_step_repeated_begins_nothing(office: Office, hub: Hub, flag: str) -> None:
    said = office.run("rotate", "campus", flag)
    assert said.code == 1
    assert "is not being rotated" in said.err
    assert set(office.registered()) == {hub.client_id}
