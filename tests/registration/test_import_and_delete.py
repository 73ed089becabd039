"""`fedhub register import` and `delete`."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.registration.office import SECRETS, Office


def by_hand(office: Office, **more: Any) -> tuple[str, str]:
    """Register a client as an administrator does it by hand."""
    said = office.endpoint.registered(**more)
    return said["client_id"], said["client_secret"]


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_client_made_by_hand_is_taken_over(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.hub(secrets=SECRETS)
    client_id, secret = by_hand(office, comment="made by Ada", contacts=["ada@example.edu"])
    give(monkeypatch, f"{secret}\n")
    said = office.run("import", "campus", "--client-id", client_id, "--secret-stdin")
    assert said.code == 0, said.err
    assert office.stored() == (client_id, secret)
    shown = office.registered()[client_id]
    assert shown["comment"].startswith("fedhub/1 owner=ops hub=campus provider=cilogon ")
    assert shown["client_name"] == "hub one"
    assert office.did("update", "campus")["did"] == "updated"
    assert office.registered()[client_id]["contacts"] == ["ada@example.edu"]
    assert office.works()


def test_one_whose_secret_is_stored_needs_none(office: Office) -> None:
    client_id, secret = by_hand(office)
    credentials = {"client_id": client_id, "client_secret": secret}
    office.hub(secrets=f"credentials: {{cilogon: {credentials}}}")
    assert office.did("import", "campus", "--client-id", client_id)["did"] == "imported"
    assert office.did("import", "campus", "--client-id", client_id)["did"] == "unchanged"
    assert office.stored() == (client_id, secret)


def test_a_secret_that_nobody_tells(office: Office) -> None:
    office.hub(secrets=SECRETS)
    client_id, _ = by_hand(office)
    said = office.run("import", "campus", "--client-id", client_id)
    assert said.code == 1
    assert "--secret-stdin" in said.err
    assert "comment" not in office.registered()[client_id]


def test_a_wrong_secret_is_not_stored(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.hub(secrets=SECRETS)
    client_id, _ = by_hand(office)
    give(monkeypatch, "another-secret")
    said = office.run("import", "campus", "--client-id", client_id, "--secret-stdin")
    assert said.code == 1
    assert "this is not the secret of" in said.err
    assert "another-secret" not in said.out + said.err
    assert office.stored() is None
    assert "comment" not in office.registered()[client_id]


def test_anothers_client_stays_theirs(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.hub(secrets=SECRETS)
    tag = f"fedhub/1 owner=others hub=campus provider=cilogon registration={'0' * 32}"
    client_id, secret = by_hand(office, comment=tag)
    give(monkeypatch, secret)
    said = office.run("import", "campus", "--client-id", client_id, "--secret-stdin")
    assert said.code == 1
    assert "is others's" in said.err
    assert office.registered()[client_id]["comment"] == tag


def test_delete_refuses_while_the_values_use_it(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    said = office.run("delete", "campus", "--yes")
    assert said.code == 1
    assert said.err.startswith("values/campus.values.yaml:6:7: ")
    assert office.works()


def test_delete_asks(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    said = office.run("delete", "campus", "--force")
    assert said.code == 2
    assert "--yes" in said.err
    assert office.works()


def test_delete_leaves_other_keys(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    assert office.did("delete", "campus", "--force", "--yes")["did"] == "deleted"
    assert office.registered() == {}
    text = office.decrypt("enc-campus.secret.values.yaml")
    assert "stays the same" in text
    assert "client_secret" not in text
    assert office.did("delete", "campus", "--force", "--yes")["did"] == "unchanged"


def test_a_provider_that_the_values_have_no_more(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    values = office.values / "campus.values.yaml"
    values.write_text(
        values.read_text()
        .replace("cilogon:\n", "google:\n")
        .replace("authenticator: cilogon", "authenticator: google")
    )
    done = office.did("delete", "campus", "--provider", "cilogon", "--yes")
    assert done["did"] == "deleted"
    assert office.registered() == {}
    assert "client_secret" not in office.decrypt("enc-campus.secret.values.yaml")


def test_a_hub_that_is_gone(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    (office.values / "campus.values.yaml").unlink()
    office.did("delete", "campus", "--provider", "cilogon", "--yes")
    assert office.registered() == {}


def test_a_hub_that_is_gone_in_a_rotation_leaves_no_journal(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    office.did("rotate", "campus")
    (office.values / "campus.values.yaml").unlink()
    office.did("delete", "campus", "--provider", "cilogon", "--yes", "--dry-run")
    assert office.journal().exists()
    office.did("delete", "campus", "--provider", "cilogon", "--yes")
    assert office.registered() == {}
    assert not office.journal().exists()


def test_a_hub_that_was_renamed_keeps_its_client(office: Office) -> None:
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    for name in ("{}.values.yaml", "enc-{}.secret.values.yaml"):
        (office.values / name.format("campus")).rename(office.values / name.format("better"))
    said = office.run("delete", "campus", "--provider", "cilogon", "--yes")
    assert said.code == 1
    assert "better (cilogon) uses cilogon:/client_id/" in said.err
    assert office.works("better")


def test_a_stored_client_that_is_not_there(office: Office) -> None:
    credentials = {"client_id": "cilogon:/client_id/none", "client_secret": "gone-secret"}
    office.hub(secrets=f"credentials: {{cilogon: {credentials}}}")
    said = office.run("create", "campus")
    assert said.code == 1
    assert "is not registered" in said.err
    office.did("delete", "campus", "--force", "--yes")
    assert office.did("create", "campus")["did"] == "created"
    assert office.works()


def test_a_secret_that_is_no_text(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.hub(secrets=SECRETS)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
    said = office.run("import", "campus", "--client-id", "x", "--secret-stdin")
    assert said.code == 2
    assert "standard input is not one line" in said.err
