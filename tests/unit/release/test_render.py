"""`fedhub render`: what helm would apply, the same every time, without secrets."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fedhub.errors import FedhubError
from fedhub.hub import load_hub
from fedhub.hub.credentials import masked, secret_strings
from fedhub.hub.encrypted import sops_binary
from fedhub.release.chart import chart_of
from fedhub.release.manifests import Manifest
from fedhub.release.render import check_readable
from fedhub.secrets.signing import new_signing_key
from tests.chart.conftest import ARCHIVE, KEYS
from tests.previews import EXAMPLES, ROOT
from tests.unit.hub.helm import HELM
from tests.unit.release.conftest import KEPT, SECRET, fedhub, seal

SERVICES = {"global": {"fedhub": {"services": {"grafana": {"api_token": "12" * 32}}}}}
PLAIN = {"hub": {"config": KEYS}}


def rendered(*arguments: str) -> str:
    done = fedhub("render", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text: str) -> dict[str, Any]:
    found = [one for one in yaml.safe_load_all(text) if one]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


def of_helm(chart: str, *files: Path, name: str = "campus") -> dict[str, Any]:
    """What helm makes of files that are not encrypted."""
    given = [part for file in files for part in ("--values", str(file))]
    done = subprocess.run(
        [HELM, "template", name, chart, "--namespace", name, "--skip-tests", *given],
        capture_output=True,
        text=True,
        check=True,
    )
    return objects(done.stdout)


def test_it_is_what_helm_makes_of_the_same_files_without_the_secrets(
    work: Path, chart: Path
) -> None:
    (work / "values/common.values.yaml").write_text("jupyterhub: {hub: {baseUrl: /lab}}\n")
    (work / "kept.yaml").write_text(yaml.safe_dump(KEPT))
    files = ("common.values.yaml", "campus.values.yaml", "../kept.yaml")
    theirs = of_helm(str(chart), *(work / "values" / file for file in files))
    assert "Secret/hub" in theirs
    expected = {key: one for key, one in theirs.items() if one["kind"] != "Secret"}
    assert objects(rendered("campus")) == expected


def test_the_bytes_are_the_same_every_time(work: Path, chart: Path) -> None:
    assert rendered("campus") == rendered("campus")


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_example_renders_differently_the_second_time(
    example: str, work: Path, chart: Path
) -> None:
    if not ARCHIVE.is_file():
        pytest.skip("z2jh chart 4.4.0 not at hand")
    shutil.copy(ROOT / f"values/{example}.values.yaml", work / "values/one.values.yaml")
    made = fedhub("secrets", "generate", "one")
    assert made.returncode == 0, made.stderr
    environment = {"FEDHUB_CHART_CACHE": str(ARCHIVE.parent)}
    first, second = (fedhub("render", "one", **environment) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert "kind: Deployment" in first.stdout
    assert "kind: Secret\n" not in first.stdout


def test_what_would_be_made_up_is_refused(work: Path, chart: Path) -> None:
    seal(
        work, "campus", {"jupyterhub": {"hub": {"config": {"CryptKeeper": {"keys": ["ab" * 32]}}}}}
    )
    done = fedhub("render", "campus")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "JupyterHub.cookie_secret, jupyterhub.hub.config.Configurable" in done.stderr
    assert "`fedhub secrets generate campus`" in done.stderr


def test_the_same_is_refused_of_a_plain_z2jh_file(work: Path) -> None:
    (work / "values/old.values.yaml").write_text("hub: {services: {cat: {url: http://cat}}}\n")
    done = fedhub("render", "old")
    assert done.returncode == 1
    assert "hub.services.cat.api_token would be another one at every render" in done.stderr


def test_a_plain_z2jh_file_is_rendered_with_z2jhs_chart(work: Path) -> None:
    if not ARCHIVE.is_file():
        pytest.skip("z2jh chart 4.4.0 not at hand")
    values = {**PLAIN, "global": {"fedhub": {"release": {"namespace": "hubs", "name": "one"}}}}
    (work / "values/old.values.yaml").write_text(yaml.safe_dump(values))
    text = fedhub("render", "old", FEDHUB_CHART_CACHE=str(ARCHIVE.parent)).stdout
    labels = objects(text)["Deployment/hub"]["metadata"]["labels"]
    assert (labels["release"], labels["helm.sh/chart"]) == ("one", "jupyterhub-4.4.0")
    assert fedhub("check", "old").stdout.count("load") == 0


def test_an_archive_of_another_version_is_not_taken(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "values/old.values.yaml").write_text("hub: {}\n")
    for version in ("4.4.0", "4.3.0"):
        (work / f"jupyterhub-{version}.tgz").touch()
    monkeypatch.setenv("FEDHUB_CHART_CACHE", str(work))
    hub = load_hub("old")
    assert chart_of(hub, None, None).reference == str(work / "jupyterhub-4.4.0.tgz")
    assert chart_of(hub, None, "4.3.0").reference == str(work / "jupyterhub-4.3.0.tgz")
    assert chart_of(hub, None, "4.2.0").options[-2:] == ("--version", "4.2.0")


def test_a_dependency_that_is_kept_is_put_in_place(work: Path, chart: Path) -> None:
    if not ARCHIVE.is_file():
        pytest.skip("z2jh chart 4.4.0 not at hand")
    whole = rendered("campus")
    shutil.rmtree(chart / "charts")
    assert fedhub("render", "campus", FEDHUB_CHART_CACHE=str(ARCHIVE.parent)).stdout == whole
    assert not (chart / "charts").exists()
    done = fedhub("render", "campus", FEDHUB_CHART_CACHE=str(work))
    assert done.returncode == 1
    assert done.stderr == (
        "the chart charts/fedhub lacks its dependency jupyterhub; "
        "`helm dependency build charts/fedhub`\n"
    )


def test_without_a_chart_it_says_what_to_set(work: Path) -> None:
    done = fedhub("render", "campus")
    assert done.returncode == 1
    assert "values/campus.values.yaml:7:3: campus is installed with fedhub's chart" in done.stderr
    assert "set global.fedhub.release.chart" in done.stderr


def test_what_helm_refuses_is_said_at_its_place(work: Path, chart: Path) -> None:
    text = "jupyterhub:\n  hub:\n    concurrentSpawnLimit: many\nbackup: {enabled: true, keep: 0}\n"
    (work / "bad.yaml").write_text(text)
    done = fedhub("render", "campus", "-f", "bad.yaml")
    assert done.returncode == 1
    assert "bad.yaml:4:25: backup.keep: " in done.stderr
    if ARCHIVE.is_file():
        assert "bad.yaml:3:5: jupyterhub.hub.concurrentSpawnLimit: Invalid type" in done.stderr


def test_what_the_chart_refuses_is_said_at_its_place(work: Path, chart: Path) -> None:
    (work / "bad.yaml").write_text(
        f"credentials:\n  nobody: {{client_id: a, client_secret: {SECRET}x}}\n"
    )
    done = fedhub("render", "campus", "-f", "bad.yaml")
    assert done.returncode == 1
    assert done.stderr.startswith("bad.yaml:2:3: credentials.nobody is of no provider")
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stderr


def test_a_secret_that_an_object_would_show_is_refused(work: Path, chart: Path) -> None:
    if not ARCHIVE.is_file():
        pytest.skip("z2jh chart 4.4.0 not at hand")
    kept = KEPT | {"jupyterhub": {"hub": {"config": KEYS, "extraEnv": {"VAULT": "s.1234567890"}}}}
    seal(work, "campus", kept)
    done = fedhub("render", "campus")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "jupyterhub.hub.extraEnv.VAULT is secret" in done.stderr
    assert "readable in Deployment/hub" in done.stderr
    assert "s.1234567890" not in done.stderr


@pytest.mark.parametrize(
    "put",
    [
        lambda key: f"signing: |\n{textwrap.indent(key, '  ')}",
        lambda key: json.dumps({"signing": key}),
        lambda key: base64.b64encode(f"{key}and more".encode()).decode(),
    ],
    ids=["indented", "quoted", "base64"],
)
def test_a_key_that_an_object_would_show_is_refused_however_it_stands_there(
    work: Path, put: Callable[[str], str]
) -> None:
    key = new_signing_key()
    (work / "values/x.values.yaml").write_text("jupyterhub: {}\n")
    seal(work, "x", {"global": {"fedhub": {"oidc": {"privateKey": key}}}})
    hub = load_hub("x")
    seen = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"file": put(key)}}
    with pytest.raises(FedhubError, match="privateKey is secret, and would be readable in Conf"):
        check_readable(hub, [Manifest("", seen)])
    check_readable(hub, [Manifest("", seen | {"kind": "Secret"})])
    told = masked(put(key), secret_strings(hub))
    assert not [line for line in key.splitlines()[1:-1] if line in told]
    assert put(key) not in told


def test_a_secret_is_in_no_argument_variable_file_or_output(
    work: Path, chart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A helm that keeps what it was given, and then is the real one.
    spy = work / "bin/helm"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\necho "$@" > {work}/seen\nenv >> {work}/seen\nexec {HELM} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setattr("fedhub.release.helm.helm_binary", lambda: str(spy))
    monkeypatch.setenv("HELM_DEBUG", "1")
    key = (work / ".config/sops/age/keys.txt").read_text()
    monkeypatch.setenv("SOPS_AGE_KEY", key)
    monkeypatch.setenv("FEDHUB_HUB_TOKEN", "token-of-the-hub")
    from fedhub.hub import load_hub
    from fedhub.release.render import render
    from fedhub.release.target import release_of

    hub = load_hub("campus")
    found = render(hub, release_of(hub))
    seen = (work / "seen").read_text()
    assert "--values /dev/fd/" in seen
    ours = (SECRET, KEYS["JupyterHub"]["cookie_secret"], key.split()[-1], "token-of-the-hub")
    for secret in ours:
        assert secret not in seen
        assert not [one.key for one in found if not one.is_secret and secret in one.text]
        assert secret not in repr(found) + repr(hub)


# --- files -------------------------------------------------------------------------------


def test_files_hold_the_secrets_sealed_and_stay_while_they_say_the_same(
    work: Path, chart: Path
) -> None:
    def files() -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in (work / "out").iterdir()}

    done = fedhub("render", "campus", "--out", "out", "--secrets", "sops")
    assert done.returncode == 0, done.stderr
    first = files()
    assert {"manifests.yaml", "secret-hub.yaml"} <= first.keys()
    assert not [name for name, content in first.items() if SECRET.encode() in content]
    assert b"kind: Secret" in first["secret-hub.yaml"]
    assert b"encrypted_regex: ^(data|stringData)$" in first["secret-hub.yaml"]
    again = fedhub("render", "campus", "--out", "out", "--secrets", "sops")
    assert "as it was" in again.stdout
    assert files() == first

    seal(
        work,
        "campus",
        KEPT | {"credentials": {"campus": {"client_id": "a", "client_secret": "b" * 9}}},
    )
    fedhub("render", "campus", "--out", "out", "--secrets", "sops")
    changed = {name for name, content in files().items() if content != first[name]}
    assert "secret-fedhub-credentials-values.yaml" in changed
    opened = subprocess.run(
        [sops_binary(), "decrypt", "out/secret-fedhub-credentials-values.yaml"],
        capture_output=True,
        check=True,
        env=os.environ,
    )
    data = yaml.safe_load(opened.stdout)["data"]
    assert base64.b64decode(data["campus.client_secret"]) == b"b" * 9


def test_a_secret_that_is_no_more_is_taken_away(work: Path, chart: Path) -> None:
    fedhub("render", "campus", "--out", "out", "--secrets", "sops")
    mine = work / "out/secret-mine.yaml"
    mine.write_text("kind: Secret\n")
    seal(work, "campus", {"jupyterhub": {"hub": {"config": KEYS}}})
    fedhub("render", "campus", "--out", "out", "--secrets", "sops")
    assert not (work / "out/secret-fedhub-credentials-values.yaml").exists()
    assert mine.read_text() == "kind: Secret\n"


def test_secrets_that_are_there_do_not_go_by_an_option_left_out(work: Path, chart: Path) -> None:
    fedhub("render", "campus", "--out", "out", "--secrets", "sops")
    before = {file: file.read_bytes() for file in (work / "out").iterdir()}
    (work / "more.yaml").write_text("jupyterhub: {hub: {baseUrl: /lab}}\n")
    done = fedhub("render", "campus", "--out", "out", "-f", "more.yaml")
    assert done.returncode == 1
    assert done.stdout.startswith("failed   campus  out/secret-")
    assert "add --secrets sops, or remove it first" in done.stdout
    assert {file: file.read_bytes() for file in (work / "out").iterdir()} == before


def test_a_file_of_somebody_else_is_not_written_over(work: Path, chart: Path) -> None:
    (work / "out").mkdir()
    (work / "out/manifests.yaml").write_text("a: b\n")
    done = fedhub("render", "campus", "--out", "out")
    assert done.returncode == 1
    assert "out/manifests.yaml is not one that fedhub wrote" in done.stdout
    assert (work / "out/manifests.yaml").read_text() == "a: b\n"


def test_nobody_to_seal_for(work: Path, chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOPS_AGE_RECIPIENTS")
    done = fedhub("render", "campus", "--out", "out", "--secrets", "sops")
    assert done.returncode == 1
    assert "nothing says whom out/secret-" in done.stdout
    assert not list((work / "out").iterdir())


def test_all_hubs_have_a_folder_each_and_one_that_is_wrong_does_not_stop_the_rest(
    work: Path, chart: Path
) -> None:
    shutil.copy(work / "values/campus.values.yaml", work / "values/other.values.yaml")
    (work / "values/wrong.values.yaml").write_text("a: [\n")
    seal(work, "other", {"jupyterhub": {"hub": {"config": KEYS}}})
    done = fedhub("render", "--all", "--out", "out")
    assert done.returncode == 1
    assert sorted(line.split()[:2] for line in done.stdout.splitlines()) == [
        ["failed", "wrong"],
        ["ok", "campus"],
        ["ok", "other"],
    ]
    assert done.stderr == "3 hubs: 2 ok, 1 failed\n"
    assert sorted(file.parent.name for file in work.glob("out/*/manifests.yaml")) == [
        "campus",
        "other",
    ]


def test_after_a_failure_no_other_is_begun_where_that_is_asked_for(work: Path, chart: Path) -> None:
    for name in ("a", "b"):
        (work / f"values/{name}.values.yaml").write_text("a: [\n")
    arguments = ("--all", "--out", "out", "--fail-fast", "--at-once", "1", "--format", "json")
    done = fedhub("render", *arguments)
    assert done.returncode == 1
    states = {one["hub"]: one["state"] for one in json.loads(done.stdout)["hubs"]}
    assert states == {"a": "failed", "b": "skipped", "campus": "skipped"}


@pytest.mark.parametrize(
    "argv",
    [[], ["--all"], ["campus", "--all"], ["campus", "--secrets", "sops"], ["campsu"]],
)
def test_a_wrong_use_exits_with_2(argv: list[str], work: Path) -> None:
    done = fedhub("render", *argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["my_hub", "-x", "a" * 54])
def test_a_hub_that_no_release_can_be_called_like(name: str, work: Path, chart: Path) -> None:
    (work / f"values/{name}.values.yaml").write_text(yaml.safe_dump(PLAIN))
    done = fedhub("render", f"values/{name}.values.yaml")
    assert done.returncode == 1
    assert f"a release can't be called {name}" in done.stderr


def test_what_the_values_say_of_the_release_is_checked(work: Path, chart: Path) -> None:
    (work / "bad.yaml").write_text("global:\n  fedhub:\n    release: {namespce: x, name: A}\n")
    done = fedhub("render", "campus", "-f", "bad.yaml")
    assert done.returncode == 1
    assert "bad.yaml:3:28: global.fedhub.release.name: must be" in done.stderr
    assert "bad.yaml:3:15: unknown key global.fedhub.release.namespce; did you" in done.stderr


@pytest.mark.parametrize("key", ["chart", "version", "context"])
def test_nothing_in_the_values_is_an_option_of_helm(key: str, work: Path, chart: Path) -> None:
    ran = work / "ran"
    evil = work / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    evil.chmod(0o755)
    shutil.copytree(chart, work / "campus")  # helm takes a release's name for a chart's, then
    release = {"global": {"fedhub": {"release": {key: f"--post-renderer={evil}"}}}}
    (work / "bad.yaml").write_text(yaml.safe_dump(release))
    done = fedhub("render", "campus", "-f", "bad.yaml")
    assert done.returncode == 1
    assert f"global.fedhub.release.{key}: must not start with -" in done.stderr
    assert not ran.exists()
