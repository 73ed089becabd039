"""`fedhub service rotate`: a new secret in the old one's place, and who must change what."""

from __future__ import annotations

import json
from pathlib import Path

from jupyterhub import orm
from jupyterhub.oauth.provider import make_provider
from jupyterhub.utils import compare_token

from fedhub.hub.load import load_hub
from fedhub.hub.merge import plain
from fedhub.secrets.encrypt import encrypted
from fedhub.secrets.files import secrets_of
from fedhub.services.declared import find
from tests.unit.services.conftest import PLAIN, SECRETS, VALUES, add, hub_of, service


def token(name: str = "grafana") -> str:
    return find(load_hub("x"), name).token


def test_the_secret_is_new_and_nothing_else(text: str) -> None:
    add("--users", "olga")
    add(name="superset", callback="https://superset.example.org/oauth-authorized/hub")
    values, old, other = VALUES.read_text(), token(), token("superset")
    done = service("rotate", "x", "grafana", "--yes")
    assert (done.returncode, done.stdout) == (0, f"grafana has a new secret in {SECRETS}\n")
    assert len(token()) == 64
    assert token() != old
    assert token("superset") == other
    assert VALUES.read_text() == values
    for secret in (old, token()):
        assert secret not in done.stdout + done.stderr


def test_a_script_is_told_the_same_without_the_secret(text: str) -> None:
    add()
    before = token()
    planned = json.loads(service("rotate", "x", "grafana", "--dry-run", "--format", "json").stdout)
    assert (planned["done"], token()) == (False, before)
    done = service("rotate", "x", "grafana", "--yes", "--format", "json")
    said = json.loads(done.stdout)
    assert said == planned | {"done": True}
    assert said["secrets"] == str(SECRETS)
    assert "commit" in said["consequences"][0]
    assert token() not in done.stdout + done.stderr


def test_it_says_who_must_change_what(text: str) -> None:
    add()
    said = service("rotate", "x", "grafana", "--yes").stderr
    assert f"commit {SECRETS}, and deploy; the hub restarts" in said
    assert "The owner of grafana: put the new client secret into the application" in said
    assert "JupyterHub knows one at a time" in said
    assert "has leaked" not in said


def test_a_service_with_a_role_is_told_what_a_leaked_token_still_can(work: Path) -> None:
    role = "  loadRoles:\n    watch: {scopes: ['read:users'], services: [grafana]}\n"
    hub_of(PLAIN.replace("\ningress", f"{role}\ningress"))
    add()
    said = service("rotate", "x", "grafana", "--yes").stderr
    assert "as an API token it keeps the scopes of the role watch" in said


def test_pods_need_nobody_to_hand_it_over(x: str) -> None:
    add()
    with VALUES.open("a") as file:
        file.write("deployments:\n  grafana: {image: {name: a, tag: b}, port: 1}\n")
    said = service("rotate", "x", "grafana", "--yes").stderr
    assert "The pods of grafana get the new one" in said
    assert "The owner" not in said


def test_nothing_changes_without_being_asked(x: str) -> None:
    add()
    before = SECRETS.read_bytes()
    assert service("rotate", "x", "grafana").returncode == 2
    assert service("rotate", "x", "grafana", "--dry-run").returncode == 0
    assert SECRETS.read_bytes() == before


def test_the_older_name_of_a_token_is_kept(work: Path) -> None:
    """z2jh takes `apiToken` as well; a second one beside it would be a riddle."""
    hub_of(PLAIN.replace("apiToken: plain-token-of-other", "oauth_redirect_uri: https://o.org/"))
    old = "0" * 64
    SECRETS.write_bytes(
        encrypted(f"hub: {{services: {{other: {{apiToken: '{old}'}}}}}}\n", SECRETS)
    )
    assert service("rotate", "x", "other", "--yes").returncode == 0
    assert token("other") != old
    (kept,) = plain(secrets_of("x", Path("values")).root)["hub"]["services"]["other"]
    assert kept == "apiToken"


def test_a_token_in_plaintext_is_not_left_beside_the_new_one(work: Path) -> None:
    hub_of(PLAIN.replace("apiToken", "oauth_redirect_uri: https://o.org/\n      apiToken"))
    done = service("rotate", "x", "other", "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{VALUES}:10:7: the token stands in {VALUES}")
    assert "plain-token-of-other" not in done.stderr
    assert not SECRETS.exists()


def test_jupyterhub_knows_one_secret_of_a_client_at_a_time() -> None:
    database = orm.new_session_factory(url="sqlite:///:memory:")()
    provider = make_provider(lambda: database, url_prefix="", login_url="")
    for secret in ("old", "new"):
        provider.add_client("service-grafana", secret, "https://grafana.example.org/")
    (client,) = database.query(orm.OAuthClient)
    assert compare_token(client.secret, "new")
    assert not compare_token(client.secret, "old")
