"""`fedhub diff`: what an upgrade would change, and no secret in it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fedhub.hub import Hub, load_hub
from fedhub.release.diff import Change, difference
from fedhub.release.helm import run_helm
from fedhub.release.installed import Installed
from fedhub.release.manifests import Manifest, manifests
from fedhub.release.target import release_of
from tests.chart.conftest import KEYS
from tests.unit.release.conftest import KEPT, SECRET, fedhub, seal


def of_now() -> tuple[Hub, Installed]:
    """The hub campus, and what helm makes of it."""
    hub = load_hub("campus")
    release = release_of(hub)
    done = run_helm(["template", release.name, release.chart.reference], hub)
    assert done.returncode == 0, done.stderr
    return hub, Installed(1, "deployed", hub.values, manifests(done.stdout), "")


def amended(work: Path, text: str) -> None:
    file = work / "values/common.values.yaml"
    file.write_text(text)


def changes(before: Installed | None) -> dict[str, Change]:
    hub, after = of_now()
    return {one.subject: one for one in difference(hub, before, after)}


def test_nothing_is_different_where_nothing_was_changed(work: Path, chart: Path) -> None:
    _, before = of_now()
    assert changes(before) == {}


def test_what_is_not_installed_is_all_new(work: Path, chart: Path) -> None:
    found = changes(None)
    assert {one.kind for one in found.values()} == {"added"}
    assert "Secret/fedhub-credentials-values" in found


def test_a_value_an_object_and_what_starts_anew(work: Path, chart: Path) -> None:
    amended(work, "jupyterhub: {hub: {extraEnv: {COLOUR: red}, baseUrl: /a}}\n")
    _, before = of_now()
    amended(work, "jupyterhub: {hub: {extraEnv: {COLOUR: blue}, baseUrl: /a}}\n")
    found = changes(before)
    assert found["values"].lines == (
        "- jupyterhub.hub.extraEnv.COLOUR: red",
        "+ jupyterhub.hub.extraEnv.COLOUR: blue",
    )
    assert found["Secret/hub"].lines == ('~ data."values.yaml"',)


def test_objects_come_and_go(work: Path, chart: Path) -> None:
    _, before = of_now()
    amended(work, "global: {fedhub: {ingress: {enabled: false}}}\nbackup: {enabled: true}\n")
    found = changes(before)
    assert found["Ingress/fedhub"].kind == "removed"
    assert found["CronJob/fedhub-backup"].kind == "added"


def test_a_list_that_shrinks_shows_what_is_gone(work: Path, chart: Path) -> None:
    amended(work, "jupyterhub: {hub: {config: {Authenticator: {blocked_users: [ann, bob]}}}}\n")
    _, before = of_now()
    amended(work, "jupyterhub: {hub: {config: {Authenticator: {blocked_users: [ann]}}}}\n")
    path = "jupyterhub.hub.config.Authenticator.blocked_users[1]"
    assert changes(before)["values"].lines == (f"- {path}: bob",)


def test_a_secret_is_changed_or_not_and_never_shown(work: Path, chart: Path) -> None:
    _, before = of_now()
    credentials = {"campus": {"client_id": "cilogon:/client_id/1", "client_secret": "another-one"}}
    seal(work, "campus", KEPT | {"credentials": credentials})
    found = changes(before)
    assert found["values"].lines == ("~ credentials.campus.client_secret",)
    assert found["Secret/fedhub-credentials-values"].lines == ('~ data."campus.client_secret"',)
    assert [one for one in (SECRET, "another-one") if one in repr(found)] == []


def test_what_was_secret_and_is_no_more_is_not_shown_either(work: Path, chart: Path) -> None:
    kept = {"jupyterhub": {"hub": {"config": KEYS, "extraEnv": {"VAULT": "s.1234567890"}}}}
    seal(work, "campus", KEPT | kept)
    _, before = of_now()
    seal(work, "campus", KEPT)
    found = changes(before)
    assert "- jupyterhub.hub.extraEnv.VAULT: <hidden>" in found["values"].lines
    assert "s.1234567890" not in repr(found)


def of_env(secret: str) -> Installed:
    """A release with a Deployment that has a secret in the open, and a Secret."""
    env = [
        {"name": "VAULT", "value": f"vault://{secret}@x"},
        {"name": "DB_PASSWORD", "value": secret},
    ]
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"template": {"env": env}},
    }
    kept = {"kind": "Secret", "metadata": {"name": "b"}, "data": {"key": secret}}
    values = {"jupyterhub": {"vault": secret}}
    return Installed(1, "deployed", values, [Manifest("", deployment), Manifest("", kept)], "")


TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=30)


@settings(max_examples=100, deadline=None)
@given(old=TEXTS, new=TEXTS, still_there=st.booleans())
def test_no_secret_is_shown_wherever_it_stands(old: str, new: str, still_there: bool) -> None:
    old, new = f"old-{old}", f"new-{new}"
    with tempfile.TemporaryDirectory() as folder:
        values = Path(folder) / "values"
        values.mkdir()
        (values / "x.values.yaml").write_text("jupyterhub: {}\n")
        kept = {"jupyterhub": {"vault": new} if still_there else {}}
        (values / "enc-x.secret.values.yaml").write_text(yaml.safe_dump(kept))
        hub = load_hub("x", folder=values)
    found = difference(hub, of_env(old), of_env(new if still_there else "none-at-all-here"))
    assert {one.subject for one in found} == {"values", "Deployment/a", "Secret/b"}
    assert [one.subject for one in found if not one.lines] == []
    assert old not in repr(found)
    assert new not in repr(found)
    (deployment,) = (one for one in found if one.subject == "Deployment/a")
    assert deployment.restarts


# --- the command -------------------------------------------------------------------------

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: gone, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: gone, context: {cluster: gone, user: me}}]
users: [{name: me, user: {token: a}}]
current-context: gone
"""


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (
            ["campus", "--kube-context", "gone"],
            1,
            "the cluster of context gone does not answer: dial tcp 127.0.0.1:1: connect: conn",
        ),
        (["campus", "--kube-context", "lab"], 2, "there is no context lab"),
        (["campsu"], 2, "there is no hub campsu"),
        ([], 2, "name hubs, or say --all"),
    ],
)
def test_no_cluster_is_said_in_a_line(
    argv: list[str], code: int, said: str, work: Path, chart: Path
) -> None:
    (work / "kubeconfig").write_text(KUBECONFIG)
    done = fedhub("diff", *argv, KUBECONFIG=str(work / "kubeconfig"))
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(said), done.stderr
    assert done.stderr.count("\n") == 1


def test_the_current_context_is_said_by_its_name(work: Path, chart: Path) -> None:
    (work / "kubeconfig").write_text(KUBECONFIG)
    kubectl = work / "bin/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text('#!/bin/sh\n[ "$*" = "config current-context" ] && echo gone\n')
    kubectl.chmod(0o755)
    path = f"{kubectl.parent}:{os.environ['PATH']}"
    done = fedhub("diff", "campus", KUBECONFIG=str(work / "kubeconfig"), PATH=path)
    assert done.returncode == 1
    assert done.stderr.startswith("the cluster of context gone does not answer")


def test_the_values_say_which_context(work: Path, chart: Path) -> None:
    (work / "kubeconfig").write_text(KUBECONFIG)
    amended(work, "global: {fedhub: {release: {context: lab, namespace: hubs}}}\n")
    done = fedhub("diff", "campus", KUBECONFIG=str(work / "kubeconfig"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("there is no context lab")


def test_of_all_hubs_each_has_a_line(work: Path, chart: Path) -> None:
    (work / "kubeconfig").write_text(KUBECONFIG)
    (work / "values/wrong.values.yaml").write_text("a: [\n")
    done = fedhub("diff", "--all", KUBECONFIG=str(work / "kubeconfig"))
    assert done.returncode == 1
    assert sorted(line.split()[:2] for line in done.stdout.splitlines()) == [
        ["failed", "campus"],
        ["failed", "wrong"],
    ]
    assert done.stderr == "2 hubs: 2 failed\n"
