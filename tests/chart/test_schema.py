"""Helm refuses values of a wrong kind, and names the key that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fedhub.hub.model import ChartValues
from tests.chart.conftest import KEYS, Rendered, helm, merged

GOOD: dict[str, Any] = {
    "global": {
        "fedhub": {
            "domain": "hub.example.org",
            "login": {"campus": {"authenticator": "cilogon"}},
            "services": {
                "grafana": {"oauth_redirect_uri": "https://g.example.org/cb", "api_token": "t"}
            },
        }
    },
    "deployments": {
        "grafana": {
            "image": {"name": "grafana", "tag": "1"},
            "port": 3000,
            "host": "g.example.org",
        }
    },
    "jupyterhub": {"hub": {"config": KEYS}},
}


def at(path: str, value: Any) -> dict[str, Any]:
    """The good values with one of them changed; the keys of a path stand between slashes."""
    change: Any = value
    for key in reversed(path.split("/")):
        change = {key: change}
    found: dict[str, Any] = merged(GOOD, change)
    return found


LOGIN = "global/fedhub/login"
CAMPUS = f"{LOGIN}/campus"
CREDENTIALS = f"{CAMPUS}/credentials"
STORE = {"secretStoreRef": {"name": "vault"}, "key": "k"}
GRAFANA = "global/fedhub/services/grafana"
DEPLOYED = "deployments/grafana"
ROUTE = "global/fedhub/httpRoute"
TLS = "global/fedhub/tls"

TYPE = "Invalid type"
MORE = "Additional property {} is not allowed"
PATTERN = "Does not match pattern"
EMPTY = "String length must be greater than or equal to 1"
ONE_OF = "must be one of the following"

WRONG: list[tuple[str, Any, str]] = [
    # the top
    ("hubs", {}, MORE.format("hubs")),
    ("ingress", {"enabled": True}, MORE.format("ingress")),
    ("credential", {}, MORE.format("credential")),
    ("global", [], TYPE),
    ("credentials", [], TYPE),
    ("credentials/campus", "s3cret", TYPE),
    ("credentials/campus", {"client_id": "a"}, "client_secret is required"),
    ("credentials/campus", {"client_secret": "a"}, "client_id is required"),
    ("credentials/campus", {"client_id": 7, "client_secret": "a"}, TYPE),
    ("credentials/campus", {"client_id": "", "client_secret": "a"}, EMPTY),
    ("credentials/campus", {"client_id": "a", "client_secret": "b", "x": 1}, MORE.format("x")),
    ("credentials/Campus", {"client_id": "a", "client_secret": "b"}, MORE.format("Campus")),
    # monitoring
    ("monitoring", True, TYPE),
    ("monitoring/prometheus", {}, MORE.format("prometheus")),
    ("monitoring/serviceMonitor", True, TYPE),
    ("monitoring/serviceMonitor/enabled", "yes", TYPE),
    ("monitoring/serviceMonitor/interval", 30, TYPE),
    ("monitoring/serviceMonitor/interval", "30", PATTERN),
    ("monitoring/serviceMonitor/labels", ["release"], TYPE),
    ("monitoring/serviceMonitor/labels", {"release": 7}, TYPE),
    ("monitoring/serviceMonitor/prometheusNamespace", "My monitoring", PATTERN),
    ("monitoring/serviceMonitor/token", "s3cret", MORE.format("token")),
    ("monitoring/prometheusRule/enabled", 1, TYPE),
    ("monitoring/dashboard/folder", "Hubs", MORE.format("folder")),
    ("monitoring/dashboard/annotations", {"grafana_folder": 7}, TYPE),
    # global.fedhub
    ("global/fedhub", [], TYPE),
    ("global/fedhub/domian", "x", MORE.format("domian")),
    ("global/fedhub/domain", 7, TYPE),
    ("global/fedhub/domain", ["hub.example.org"], TYPE),
    ("global/fedhub/domain", "https://hub.example.org", PATTERN),
    ("global/fedhub/domain", "hub.example.org:443", PATTERN),
    ("global/fedhub/domain", "hub.example.org/hub", PATTERN),
    ("global/fedhub/domain", "Hub.example.org", PATTERN),
    ("global/fedhub/domain", "hub..example.org", PATTERN),
    ("global/fedhub/domain", "-hub.example.org", PATTERN),
    # login
    (LOGIN, "cilogon", TYPE),
    (LOGIN, [{"authenticator": "cilogon"}], TYPE),
    (f"{LOGIN}/My campus", {"authenticator": "cilogon"}, MORE.format("My campus")),
    (f"{LOGIN}/7campus", {"authenticator": "cilogon"}, MORE.format("7campus")),
    (f"{LOGIN}/{'a' * 32}", {"authenticator": "cilogon"}, MORE.format("a" * 32)),
    (f"{LOGIN}/other", {}, "authenticator is required"),
    (CAMPUS, "cilogon", TYPE),
    (f"{CAMPUS}/authenticator", "ci logon", PATTERN),
    (f"{CAMPUS}/authenticator", ["cilogon"], TYPE),
    (f"{CAMPUS}/autenticator", "cilogon", MORE.format("autenticator")),
    (f"{CAMPUS}/label", "", EMPTY),
    (f"{CAMPUS}/label", 7, TYPE),
    (f"{CAMPUS}/prefix", 7, TYPE),
    (f"{CAMPUS}/config", [], TYPE),
    (f"{CAMPUS}/client_secret", "x", MORE.format("client_secret")),
    (CREDENTIALS, "campus-oauth", TYPE),
    (CREDENTIALS, {}, "Must validate one and only one schema"),
    (CREDENTIALS, {"existingSecret": "a", "externalSecret": STORE}, "one and only one schema"),
    (CREDENTIALS, {"existingSecret": "Not a name"}, PATTERN),
    (CREDENTIALS, {"existingSecret": "a", "clientIdKey": "a/b"}, PATTERN),
    (CREDENTIALS, {"existingSecret": "a", "clientidkey": "b"}, MORE.format("clientidkey")),
    (CREDENTIALS, {"externalSecret": {"key": "k"}}, "secretStoreRef is required"),
    (CREDENTIALS, {"externalSecret": {"secretStoreRef": {"name": "v"}}}, "key is required"),
    (CREDENTIALS, {"externalSecret": STORE | {"key": ""}}, EMPTY),
    (CREDENTIALS, {"externalSecret": STORE | {"clientIdProperty": 1}}, TYPE),
    (
        CREDENTIALS,
        {"externalSecret": STORE | {"secretStoreRef": {"name": "v", "kind": "Vault"}}},
        ONE_OF,
    ),
    # services
    ("global/fedhub/services", [], TYPE),
    ("global/fedhub/services/a b", {"oauth_redirect_uri": "https://a/b"}, MORE.format("a b")),
    ("global/fedhub/services/other", {}, "oauth_redirect_uri is required"),
    (f"{GRAFANA}/oauth_redirect_uri", "/cb", PATTERN),
    (f"{GRAFANA}/oauth_redirect_uri", "ftp://g.example.org/cb", PATTERN),
    (f"{GRAFANA}/oauth_redirect_url", "https://a/b", MORE.format("oauth_redirect_url")),
    (f"{GRAFANA}/url", "grafana", PATTERN),
    (f"{GRAFANA}/oauth_client_id", "grafana", PATTERN),
    (f"{GRAFANA}/oauth_no_confirm", "yes", TYPE),
    (f"{GRAFANA}/display", 1, TYPE),
    (f"{GRAFANA}/api_token", "", EMPTY),
    (f"{GRAFANA}/users", "olga", TYPE),
    (f"{GRAFANA}/groups", {"staff": True}, TYPE),
    (f"{GRAFANA}/groups", [7], TYPE),
    # those that run in the cluster
    ("deployment", {}, MORE.format("deployment")),
    ("deployments", ["grafana"], TYPE),
    ("deployments/a b", {"image": {"name": "a", "tag": "1"}, "port": 1}, MORE.format("a b")),
    ("deployments/other", {"port": 1}, "image is required"),
    ("deployments/other", {"image": {"name": "a", "tag": "1"}}, "port is required"),
    (f"{DEPLOYED}/image", "grafana:1", TYPE),
    (f"{DEPLOYED}/image/tag", 11.6, TYPE),
    (f"{DEPLOYED}/image/tag", "", EMPTY),
    (f"{DEPLOYED}/image/pullPolicy", "always", ONE_OF),
    (f"{DEPLOYED}/image/pullSecrets", [{"name": "a"}], TYPE),
    (f"{DEPLOYED}/port", "http", TYPE),
    (f"{DEPLOYED}/port", 0, "Must be greater than or equal to 1"),
    (f"{DEPLOYED}/port", 65536, "Must be less than or equal to 65535"),
    (f"{DEPLOYED}/host", "https://g.example.org", PATTERN),
    (f"{DEPLOYED}/replicas", -1, "Must be greater than or equal to 0"),
    (f"{DEPLOYED}/command", "grafana", TYPE),
    (f"{DEPLOYED}/env", {"A": "b"}, TYPE),
    (f"{DEPLOYED}/env", ["A=b"], TYPE),
    (f"{DEPLOYED}/runAsUser", 0, "Must be greater than or equal to 1"),
    (f"{DEPLOYED}/securityContext", {"privileged": True}, MORE.format("securityContext")),
    (f"{DEPLOYED}/pdb", True, TYPE),
    (f"{DEPLOYED}/pdb", {"minAvailable": 1}, MORE.format("minAvailable")),
    (f"{DEPLOYED}/nodeSelector", {"a": True}, TYPE),
    (f"{DEPLOYED}/egress", {"to": []}, TYPE),
    # routes and certificate
    ("global/fedhub/ingress", True, TYPE),
    ("global/fedhub/ingress/enabled", "true", TYPE),
    ("global/fedhub/ingress/className", "nginx", MORE.format("className")),
    ("global/fedhub/ingress/ingressClassName", "", EMPTY),
    ("global/fedhub/ingress/annotations", ["a"], TYPE),
    ("global/fedhub/ingress/annotations", {"a": 7}, TYPE),
    (f"{ROUTE}/enabled", 1, TYPE),
    (f"{ROUTE}/parentRefs", {"name": "g"}, TYPE),
    (f"{ROUTE}/parentRefs", ["g"], TYPE),
    (f"{ROUTE}/parentRefs", [{"namespace": "g"}], "name is required"),
    (f"{ROUTE}/parentRefs", [{"name": "G"}], PATTERN),
    (f"{ROUTE}/gateway", {"name": "g"}, MORE.format("gateway")),
    (f"{TLS}/enabled", "no", TYPE),
    (f"{TLS}/secretName", "My Secret", PATTERN),
    (f"{TLS}/issuer", "letsencrypt", TYPE),
    (f"{TLS}/issuer", {"kind": "Isuer"}, ONE_OF),
    (f"{TLS}/issuer", {"acme": {}}, "email is required"),
    (f"{TLS}/issuer", {"acme": {"email": "operators"}}, PATTERN),
    (f"{TLS}/issuer", {"acme": {"email": "a@b.org", "server": "letsencrypt"}}, PATTERN),
    # backups
    ("backup", True, TYPE),
    ("backup/enabled", "yes", TYPE),
    ("backup/shedule", "@daily", MORE.format("shedule")),
    ("backup/schedule", "daily", PATTERN),
    ("backup/schedule", "0 3 * *", PATTERN),
    ("backup/schedule", "0 0 3 * * *", PATTERN),
    ("backup/schedule", "@daily at three", PATTERN),
    ("backup/timeZone", "Europe / Berlin", PATTERN),
    ("backup/keep", "14", TYPE),
    ("backup/keep", 0, "Must be greater than or equal to 1"),
    ("backup/storage", "5Gi", TYPE),
    ("backup/storage/size", "5 GB", PATTERN),
    ("backup/storage/size", 5, TYPE),
    ("backup/storage/existingClaim", "My claim", PATTERN),
    ("backup/image", "postgres:17", TYPE),
    ("backup/image/tag", 17, TYPE),
    ("backup/image/tag", "17:bookworm", PATTERN),
    ("backup/resources", [], TYPE),
]


def rendered(chart: Path, values: dict[str, Any]) -> Rendered:
    done = helm("template", "myhub", str(chart), "--values", "-", values=values)
    return Rendered(done.stdout, done.stderr if done.returncode else "")


def test_the_values_that_are_changed_are_good(on_stand_in: Path) -> None:
    assert rendered(on_stand_in, GOOD).objects


def test_there_are_many_ways_to_be_wrong() -> None:
    assert len(WRONG) >= 60


@pytest.mark.parametrize(("path", "value", "said"), WRONG)
def test_a_wrong_value_is_refused_by_its_key(
    on_stand_in: Path, path: str, value: Any, said: str
) -> None:
    error = rendered(on_stand_in, at(path, value)).error
    assert "values don't meet the specifications of the schema" in error
    assert said in error
    # The key, or the one above it where the key itself should not be there.
    dotted = path.replace("/", ".")
    above = dotted.rpartition(".")[0]
    assert f"- {dotted}" in error or f"- {above or '(root)'}" in error


@pytest.mark.parametrize(("path", "value", "said"), WRONG)
def test_the_model_refuses_the_same(path: str, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ChartValues.model_validate(at(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{LOGIN}/other", None),
        (f"{CAMPUS}/label", None),
        (f"{CAMPUS}/config", {"idps": {"https://a": {"allow_all": True}}, "anything": [1]}),
        (f"{CAMPUS}/authenticator", "my_package.auth.Mine"),
        ("global/other", {"of": "another chart"}),
        ("global/fedhub/ingress/annotations", {"a/b": "c"}),
        (f"{TLS}/issuer", None),
        (f"{DEPLOYED}/env", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a"}}}]),
        (f"{DEPLOYED}/pdb", None),
        ("deployments/other", None),
        ("jupyterhub/custom", {"anything": 1}),
    ],
)
def test_what_is_fine_is_taken(on_stand_in: Path, path: str, value: Any) -> None:
    given = at(path, value)
    assert rendered(on_stand_in, given).objects
    ChartValues.model_validate(given)


def test_the_defaults_are_as_the_model_has_them() -> None:
    from tests.chart.conftest import CHART

    ChartValues.model_validate(merged(yaml.safe_load((CHART / "values.yaml").read_text()), GOOD))
