"""Values in which a client's id and secret can't be kept, or are kept elsewhere."""

from __future__ import annotations

import pytest

from tests.registration.office import SECRETS, Office

PLAIN = """\
hub:
  config:
    JupyterHub: {authenticator_class: cilogon}
    CILogonOAuthenticator:
      oauth_callback_url: https://campus.example.org/hub/oauth_callback
      client_id: CLIENT
"""


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        ("credentials: {cilogon: {client_id: 5, client_secret: s3cret}}", "client_id is not text"),
        ("credentials: {cilogon: {client_id: a, client_secret: 5}}", "client_secret is not text"),
        ("credentials: {cilogon: {client_id: [a], client_secret: b}}", "client_id is not text"),
        ("credentials: {cilogon: [a]}", "credentials.cilogon is a map"),
        ("credentials: {cilogon: a}", "credentials.cilogon is a map"),
        ("credentials: [a]", "credentials is a map"),
        ("credentials: 5", "credentials is a map"),
    ],
)
@pytest.mark.parametrize("command", ["create", "rotate"])
def test_what_is_no_pair_of_texts_stays(
    office: Office, secrets: str, words: str, command: str
) -> None:
    office.hub(secrets=secrets)
    before = (office.values / "enc-campus.secret.values.yaml").read_bytes()
    said = office.run(command, "campus")
    assert said.code == 1
    assert words in said.err
    assert office.registered() == {}
    assert (office.values / "enc-campus.secret.values.yaml").read_bytes() == before
    assert office.run("sync", "--all", "--apply", "--yes").code == 1
    assert office.registered() == {}


@pytest.mark.parametrize("secrets", ["credentials:", "credentials: {cilogon: }", "credentials: {}"])
def test_null_is_as_good_as_absent(office: Office, secrets: str) -> None:
    office.hub(secrets=secrets)
    assert office.did("create", "campus")["did"] == "created"
    assert office.works()


def test_an_id_in_plain_values_is_moved_first(office: Office) -> None:
    """It would count no more, or still count, when another is stored in the encrypted file."""
    office.hub(secrets=SECRETS)
    office.did("create", "campus")
    stored = office.stored()
    assert stored
    name = "enc-campus.secret.values.yaml"
    (office.values / name).unlink()
    office.encrypt(
        name, f"hub: {{config: {{CILogonOAuthenticator: {{client_secret: {stored[1]}}}}}}}"
    )
    (office.values / "campus.values.yaml").write_text(PLAIN.replace("CLIENT", stored[0]))
    for command in (["rotate"], ["delete", "--force", "--yes"]):
        said = office.run(command[0], "campus", *command[1:])
        assert said.code == 1
        assert said.err.startswith("values/campus.values.yaml:6:7: client_id is not in the hub's")
    assert set(office.registered()) == {stored[0]}
    assert not office.journal().exists()
