"""Each scenario under charts/fedhub/ci renders to what it is about, the same every time."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.chart.conftest import CHART, SCENARIOS, Render, helm, merged
from tests.chart.pods import against_restricted, pod_of

VERSIONS = ("1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
"""Kubernetes: what z2jh 4.4.0 asks for, to the newest that there are schemas of."""

CUSTOM = {
    "Certificate",
    "Issuer",
    "ExternalSecret",
    "HTTPRoute",
    "ReferenceGrant",
    "ServiceMonitor",
    "PrometheusRule",
}
"""Kinds of others than Kubernetes itself."""

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.name for one in SCENARIOS])


def decoded(secret: dict[str, Any]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 6


@each_scenario
def test_a_scenario_renders_the_same_twice(render: Render, scenario: Path) -> None:
    first = render(scenario)
    assert first.objects
    assert render(scenario).text == first.text


@cache
def _seen() -> set[str]:
    return set()


@each_scenario
def test_every_object_is_one_of_kubernetes(render: Render, scenario: Path) -> None:
    for one in render(scenario).objects:
        text = yaml.safe_dump(one)
        if one["kind"] in CUSTOM or text in _seen():
            continue
        _seen().add(text)
        for version in VERSIONS:
            kubernetes_validate.validate(one, version, strict=True)


@each_scenario
def test_helm_finds_nothing_to_say_about_it(chart: Path, scenario: Path) -> None:
    done = helm("lint", "--strict", str(chart), "--values", str(scenario))
    assert done.returncode == 0, done.stdout


@each_scenario
def test_nothing_of_ours_runs_with_more_than_it_needs(render: Render, scenario: Path) -> None:
    """z2jh's own pods are z2jh's; ours meet the Pod Security Standard `restricted`."""
    for one in render(scenario).objects:
        ours = one["metadata"].get("labels", {}).get("app.kubernetes.io/name") == "fedhub"
        if ours and (pod := pod_of(one)) is not None:
            assert against_restricted(pod) == [], one["metadata"]["name"]


NUMBERS: dict[str, Any] = {
    "global": {
        "fedhub": {
            "domain": "1.2",
            "ingress": {"ingressClassName": "1"},
            "tls": {"secretName": "1", "issuer": {"name": "1", "group": "1"}},
            "login": {
                "a": {
                    "authenticator": "github",
                    "config": {"allow_all": True},
                    "credentials": {
                        "externalSecret": {"secretStoreRef": {"name": "1"}, "key": "1"}
                    },
                }
            },
            "services": {
                "1": {
                    "oauth_redirect_uri": "https://1.3/x:",
                    "oauth_client_id": "service-1 #: {1}",
                    "api_token": "1",
                }
            },
        }
    },
    "deployments": {"1": {"image": {"name": "1", "tag": "1"}, "port": 1, "host": "1.3"}},
    "backup": {"enabled": True, "storage": {"existingClaim": "1", "storageClassName": "1"}},
    "monitoring": {
        "serviceMonitor": {"enabled": True, "prometheusNamespace": "1"},
        "prometheusRule": {"enabled": True},
    },
    "jupyterhub": {
        "hub": {
            "services": {"prometheus": {"api_token": "1"}},
            "loadRoles": {"prometheus": {"scopes": ["read:metrics"], "services": ["prometheus"]}},
        }
    },
}


def texts(value: Any) -> Iterator[Any]:
    """Yield everything that is neither a map nor a list."""
    if isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from texts(below)
    else:
        yield value


def test_names_that_look_like_numbers_stay_names(render: Render) -> None:
    found = render(NUMBERS, more=("--namespace", "1"))
    for one in found.objects:
        if one["metadata"].get("labels", {}).get("app.kubernetes.io/name") != "fedhub":
            continue
        assert 1.2 not in texts(one), one["kind"]
        if one["kind"] not in CUSTOM:
            kubernetes_validate.validate(one, VERSIONS[-1], strict=True)
    for kind, name in (
        ("Certificate", "fedhub"),
        ("ExternalSecret", "fedhub-credentials-external"),
    ):
        assert 1 not in texts(found.of(kind, name)["spec"])
    pod = found.of("Deployment", "fedhub-service-1")["spec"]["template"]["spec"]
    variables = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
    assert variables["JUPYTERHUB_CLIENT_ID"] == "service-1 #: {1}"
    assert variables["JUPYTERHUB_OAUTH_CALLBACK_URL"] == "https://1.3/x:"


def test_a_route_keeps_texts_that_yaml_reads_otherwise(render: Render) -> None:
    """A Secret `0x10` is not one called 16, and a path does not end at a comment."""
    found = render(
        merged(
            yaml.safe_load((CHART / "ci" / "08-monitoring-values.yaml").read_text()),
            {
                "global": {"fedhub": {"tls": {"secretName": "0x10"}}},
                "jupyterhub": {"hub": {"baseUrl": "/a #b"}},
            },
        )
    )
    spec = found.of("Ingress", "fedhub")["spec"]
    assert spec["tls"][0]["secretName"] == "0x10"
    assert spec["rules"][0]["http"]["paths"][0]["path"] == "/a #b/"
    (endpoint,) = found.of("ServiceMonitor", "fedhub")["spec"]["endpoints"]
    assert endpoint["path"] == "/a #b/hub/metrics"


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("postgresql://hub@db", 5432),
        ("postgresql://hub:p%40ss@db:6432/hub", 6432),
        ("postgresql://hub@[fd00::1]:6432/hub", 6432),
        ("postgresql://hub@db:6432/hub?sslrootcert=//certs/ca.pem&application_name=a@b", 6432),
    ],
)
def test_a_backup_may_go_to_the_port_of_the_database(
    render: Render, address: str, port: int
) -> None:
    scenario = yaml.safe_load((CHART / "ci" / "10-backup-postgres-values.yaml").read_text())
    found = render(merged(scenario, {"jupyterhub": {"hub": {"db": {"url": address}}}}))
    (rule,) = found.of("NetworkPolicy", "fedhub-backup")["spec"]["egress"]
    assert {"protocol": "TCP", "port": port} in rule["ports"]


# --- what each is about ---------------------------------------------------------------------


def scenario(number: str) -> Path:
    (found,) = (CHART / "ci").glob(f"{number}-*-values.yaml")
    return found


def hub_volumes(render: Render, number: str) -> dict[str, Any]:
    pod = render(scenario(number)).of("Deployment", "hub")["spec"]["template"]["spec"]
    return {volume["name"]: volume for volume in pod["volumes"]}


def test_the_domain_leads_to_the_hub_by_an_ingress(render: Render) -> None:
    ingress = render(scenario("01")).of("Ingress", "fedhub")
    assert ingress["metadata"]["annotations"] == {
        "nginx.ingress.kubernetes.io/proxy-body-size": "64m"
    }
    assert ingress["spec"] == {
        "ingressClassName": "nginx",
        "tls": [{"hosts": ["hub.example.org"], "secretName": "fedhub-tls"}],
        "rules": [
            {
                "host": "hub.example.org",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {
                                "service": {"name": "proxy-public", "port": {"name": "http"}}
                            },
                        }
                    ]
                },
            }
        ],
    }


def test_the_certificate_is_of_the_issuer_that_the_operator_names(render: Render) -> None:
    found = render(scenario("01"))
    assert found.of("Certificate", "fedhub")["spec"] == {
        "secretName": "fedhub-tls",
        "dnsNames": ["hub.example.org"],
        "issuerRef": {
            "name": "letsencrypt",
            "kind": "ClusterIssuer",
            "group": "cert-manager.io",
        },
    }
    assert found.names("Issuer") == []


def test_credentials_in_the_values_reach_the_hub_as_files_and_nothing_else(render: Render) -> None:
    found = render(scenario("01"))
    secret = found.of("Secret", "fedhub-credentials-values")
    assert decoded(secret) == {
        "campus.client_id": "cilogon:/client_id/1234",
        "campus.client_secret": "made-up-for-this-scenario",
    }
    hub = found.of("Deployment", "hub")["spec"]["template"]["spec"]
    (volume,) = (one for one in hub["volumes"] if one["name"] == "fedhub-credentials")
    assert {"secret": {"name": "fedhub-credentials-values", "optional": True}} in (
        volume["projected"]["sources"]
    )
    (container,) = hub["containers"]
    (mount,) = (one for one in container["volumeMounts"] if one["name"] == "fedhub-credentials")
    assert mount["readOnly"] is True
    assert mount["mountPath"] == "/usr/local/etc/jupyterhub/fedhub-credentials"
    # Not in what z2jh hands to the hub, whose change restarts it; nor in its environment.
    assert "1234" not in decoded(found.of("Secret", "hub"))["values.yaml"]
    assert "1234" not in yaml.safe_dump(hub)


def test_new_credentials_restart_nothing(render: Render) -> None:
    values = yaml.safe_load(scenario("01").read_text())
    before = render(values).of("Deployment", "hub")
    values["credentials"]["campus"] = {"client_id": "new", "client_secret": "new"}
    assert render(values).of("Deployment", "hub") == before


def test_credentials_of_a_secret_that_is_there_are_mounted_by_z2jh(render: Render) -> None:
    volume = hub_volumes(render, "02")["existing-secret"]
    assert volume["secret"]["secretName"] == "campus-oauth"


def test_credentials_in_a_store_are_brought_by_its_operator(render: Render) -> None:
    spec = render(scenario("02")).of("ExternalSecret", "fedhub-credentials-external")["spec"]
    assert spec["target"] == {"name": "fedhub-credentials-external", "creationPolicy": "Owner"}
    store = {"storeRef": {"name": "vault", "kind": "ClusterSecretStore"}}
    assert spec["data"] == [
        {
            "secretKey": f"staff.{key}",
            "remoteRef": {"key": "hubs/example/github", "property": key},
            "sourceRef": store,
        }
        for key in ("client_id", "client_secret")
    ]
    sources = hub_volumes(render, "02")["fedhub-credentials"]["projected"]["sources"]
    assert {"secret": {"name": "fedhub-credentials-external", "optional": True}} in sources


def test_credentials_may_be_in_a_secret_of_a_fixed_name(render: Render) -> None:
    found = render(scenario("03"))
    assert [name for name in found.names("Secret") if name.startswith("fedhub")] == []
    sources = hub_volumes(render, "03")["fedhub-credentials"]["projected"]["sources"]
    assert {"secret": {"name": "fedhub-credentials", "optional": True}} in sources


def test_the_domain_leads_to_the_hub_by_a_gateway(render: Render) -> None:
    found = render(scenario("03"))
    assert found.names("Ingress") == []
    spec = found.of("HTTPRoute", "fedhub")["spec"]
    assert spec["hostnames"] == ["hub.example.org"]
    gateway = {"name": "public", "namespace": "gateways", "sectionName": "https"}
    assert spec["parentRefs"] == [gateway]
    (rule,) = spec["rules"]
    assert rule["backendRefs"] == [{"name": "proxy-public", "port": 80}]
    grant = found.of("ReferenceGrant", "fedhub-tls-gateways")["spec"]
    assert grant["from"][0]["namespace"] == "gateways"
    assert grant["to"] == [{"group": "", "kind": "Secret", "name": "fedhub-tls"}]


def test_an_issuer_is_made_for_an_acme_account(render: Render) -> None:
    acme = render(scenario("03")).of("Issuer", "fedhub")["spec"]["acme"]
    assert acme["email"] == "operators@example.org"
    assert acme["server"] == "https://acme-v02.api.letsencrypt.org/directory"
    (solver,) = acme["solvers"]
    assert solver["http01"]["gatewayHTTPRoute"]["parentRefs"][0]["name"] == "public"


def test_a_hub_below_a_path_has_its_route_there(render: Render) -> None:
    ingress = render(scenario("04")).of("Ingress", "fedhub")["spec"]
    (path,) = ingress["rules"][0]["http"]["paths"]
    assert path["path"] == "/jupyter/"
    assert ingress["tls"][0]["secretName"] == "wildcard"


def test_z2jhs_own_proxy_can_answer_for_the_domain(render: Render) -> None:
    found = render(scenario("05"))
    assert found.names("Ingress") == found.names("HTTPRoute") == found.names("Certificate") == []


def test_the_hub_has_our_image_and_may_go_only_where_it_must(on_z2jh: Path) -> None:
    done = helm("template", "myhub", str(on_z2jh), "--values", str(scenario("01")))
    objects = [one for one in yaml.safe_load_all(done.stdout) if one]
    (hub,) = (o for o in objects if (o["kind"], o["metadata"]["name"]) == ("Deployment", "hub"))
    (container,) = hub["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("localhost/fedhub/hub:")
    (policy,) = (
        o for o in objects if (o["kind"], o["metadata"]["name"]) == ("NetworkPolicy", "hub")
    )
    outside = [
        rule
        for rule in policy["spec"]["egress"]
        if any(to.get("ipBlock", {}).get("cidr") == "0.0.0.0/0" for to in rule.get("to", []))
    ]
    assert [rule["ports"] for rule in outside] == [[{"protocol": "TCP", "port": 443}]]
    metadata = [
        rule["ports"]
        for rule in policy["spec"]["egress"]
        if any("169.254.169.254" in str(to.get("ipBlock")) for to in rule["to"])
    ]
    assert {port["port"] for ports in metadata for port in ports} <= {53}


def test_who_is_who_outlives_the_release(on_z2jh: Path) -> None:
    done = helm("template", "myhub", str(on_z2jh), "--values", str(scenario("01")))
    (claim,) = (
        one
        for one in yaml.safe_load_all(done.stdout)
        if one and (one["kind"], one["metadata"]["name"]) == ("PersistentVolumeClaim", "hub-db-dir")
    )
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_a_release_of_z2jhs_chart_can_become_one_of_ours(on_z2jh: Path, tmp_path: Path) -> None:
    """Names and selectors, which Kubernetes does not let change, are the same."""
    values = yaml.safe_load(scenario("05").read_text())
    alone = tmp_path / "alone.yaml"
    alone.write_text(yaml.safe_dump(values["jupyterhub"]))
    archive = next((on_z2jh / "charts").iterdir())
    rendered = [
        helm("template", "myhub", str(chart), "--values", str(file)).stdout
        for chart, file in ((archive, alone), (on_z2jh, scenario("05")))
    ]
    before, after = (
        {
            (one["kind"], one["metadata"]["name"]): one.get("spec", {}).get("selector")
            for one in yaml.safe_load_all(text)
            if one and one["metadata"]["labels"].get("app.kubernetes.io/name") != "fedhub"
        }
        for text in rendered
    )
    assert before
    assert after == before
