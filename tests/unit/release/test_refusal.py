"""What helm says (recorded of helm 3.17), as fedhub says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedhub.errors import FedhubError, UsageError
from fedhub.hub import Hub, load_hub
from fedhub.release.chart import Chart
from fedhub.release.refusal import refusal
from fedhub.release.target import Release

RELEASE = Release("one", "hubs", "lab", Chart("charts/fedhub"))
VALUES = """\
global: {fedhub: {domain: hub.example.org}}
jupyterhub:
  hub:
    config: {X: {client_secret: s3cr3t-0f-campus}}
    extraVolumes: 3
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.chdir(tmp_path)
    Path("x.values.yaml").write_text(VALUES)
    return load_hub("x.values.yaml")


def said(hub: Hub, text: str) -> FedhubError:
    return refusal(text, hub, RELEASE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'Error: Kubernetes cluster unreachable: Get "https://127.0.0.1:1/version": dial tcp '
            "127.0.0.1:1: connect: connection refused\n",
            "the cluster of context lab does not answer: dial tcp 127.0.0.1:1: connect: connection "
            "refused; see KUBECONFIG",
        ),
        (
            "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n",
            "one in namespace hubs of context lab is being changed by somebody else, or whoever "
            "did was killed; wait; if nobody is at it, `helm rollback one --namespace hubs`",
        ),
        (
            'Error: UPGRADE FAILED: "one" has no deployed releases\n',
            "one in namespace hubs of context lab was never installed in full; `helm uninstall",
        ),
        (
            "Error: values don't meet the specifications of the schema(s) in the following "
            "chart(s):\njupyterhub:\n- hub.extraVolumes: Invalid type. Expected: array, given: "
            "integer\n",
            "x.values.yaml:5:5: jupyterhub.hub.extraVolumes: Invalid type. Expected: array",
        ),
        (
            "Error: execution error at (fedhub/templates/checks.yaml:6:4): the values can't work:\n"
            "- global.fedhub.domain is short; make it long\n\n\nUse --debug flag\n",
            "x.values.yaml:1:19: global.fedhub.domain is short; make it long",
        ),
        (
            'I1127 03:00:00.1 1 warn.go:1] "would violate PodSecurity"\nError: UPGRADE FAILED: '
            "create: failed to create: secrets is forbidden: User\n  cannot create\n",
            "helm refuses one in namespace hubs of context lab: UPGRADE FAILED: create: failed to "
            "create: secrets is forbidden: User cannot create",
        ),
        ("Error: it has s3cr3t-0f-campus in it", "helm refuses one in namespace hubs of context "
         "lab: it has <hidden> in it"),
        ("", "helm refuses one in namespace hubs of context lab"),
    ],
)  # fmt: skip
def test_what_helm_says_is_said_plainly(hub: Hub, text: str, expected: str) -> None:
    error = said(hub, text)
    assert str(error).startswith(expected)
    assert str(error).count("\n") == 0


def test_all_problems_are_told_at_once_each_at_its_place(hub: Hub) -> None:
    text = (
        "Error: values don't meet the specifications of the schema(s) in the following chart(s):\n"
        "fedhub:\n- global.fedhub: Additional property x is not allowed\n"
        "jupyterhub:\n- hub: Additional property confg is not allowed\n- (root): wrong\n"
    )
    assert str(said(hub, text)).splitlines() == [
        "x.values.yaml:1:10: global.fedhub: Additional property x is not allowed",
        "x.values.yaml:3:3: jupyterhub.hub: Additional property confg is not allowed",
        "x.values.yaml:2:1: (root): wrong",
    ]


def test_a_context_that_is_not_there_is_a_wrong_use(hub: Hub) -> None:
    error = said(hub, 'Error: Kubernetes cluster unreachable: context "foo" does not exist\n')
    assert isinstance(error, UsageError)
    assert str(error).startswith("there is no context foo; ")
