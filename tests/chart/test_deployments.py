"""Services that run in the cluster: what they have, who reaches them, what is refused."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.conftest import CHART, Render, Rendered, helm, merged
from tests.chart.policies import Peer, pod, reaches, selects

VALUES: dict[str, Any] = yaml.safe_load(
    (CHART / "ci" / "07-service-in-cluster-values.yaml").read_text()
)
NOTES, GRAFANA = "fedhub-service-notes", "fedhub-service-grafana"


def changed(path: str, value: Any) -> dict[str, Any]:
    """The scenario with one value changed; the keys of a path stand between slashes."""
    change: Any = value
    for key in reversed(path.split("/")):
        change = {key: change}
    found: dict[str, Any] = merged(copy.deepcopy(VALUES), change)
    return found


def pod_of(rendered: Rendered, name: str) -> dict[str, Any]:
    found: dict[str, Any] = rendered.of("Deployment", name)["spec"]["template"]
    return found


def container_of(rendered: Rendered, name: str) -> dict[str, Any]:
    (found,) = pod_of(rendered, name)["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def environment(rendered: Rendered, name: str) -> dict[str, Any]:
    env = container_of(rendered, name)["env"]
    names = [one["name"] for one in env]
    assert len(names) == len(set(names))
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in env}


# --- what it has ----------------------------------------------------------------------------


def test_its_client_comes_as_files_and_not_as_environment(render: Render) -> None:
    found = render(VALUES)
    data = found.of("Secret", GRAFANA)["data"]
    assert {key: base64.b64decode(value).decode() for key, value in data.items()} == {
        "client_id": "service-grafana",
        "client_secret": "made-up-for-the-grafana",
    }
    (mount,) = (
        one
        for one in container_of(found, GRAFANA)["volumeMounts"]
        if one["mountPath"] == "/var/run/secrets/fedhub"
    )
    assert mount["readOnly"] is True
    (volume,) = (
        one for one in pod_of(found, GRAFANA)["spec"]["volumes"] if one["name"] == mount["name"]
    )
    assert volume["secret"]["secretName"] == GRAFANA
    assert "made-up" not in yaml.safe_dump(found.of("Deployment", GRAFANA))


def test_it_knows_what_jupyterhub_tells_its_own_services(render: Render) -> None:
    given = changed("jupyterhub/hub/baseUrl", "/jupyter/")
    notes = given["global"]["fedhub"]["services"]["notes"]
    notes["oauth_redirect_uri"] = "https://hub.example.org/jupyter/services/notes/oauth_callback"
    notes["oauth_client_allowed_scopes"] = ["list:users"]
    notes["roles"] = {"editor": {"groups": ["writers"]}, "gone": None}
    assert environment(render(given), NOTES) == {
        "JUPYTERHUB_SERVICE_NAME": "notes",
        "JUPYTERHUB_SERVICE_PREFIX": "/jupyter/services/notes/",
        "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:8000/jupyter/services/notes/",
        "JUPYTERHUB_PUBLIC_URL": "https://hub.example.org/jupyter/services/notes/",
        "JUPYTERHUB_HOST": "https://hub.example.org",
        "JUPYTERHUB_BASE_URL": "/jupyter/",
        "JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example.org/jupyter/hub/",
        "JUPYTERHUB_API_URL": "http://hub:8081/jupyter/hub/api",
        "JUPYTERHUB_CLIENT_ID": "service-notes",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": notes["oauth_redirect_uri"],
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:services!service=notes"]',
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": '["list:users","custom:notes:editor"]',
        "JUPYTERHUB_API_TOKEN": {"secretKeyRef": {"name": NOTES, "key": "client_secret"}},
    }


def test_one_with_a_host_of_its_own_is_at_its_root(render: Render) -> None:
    found = environment(render(VALUES), GRAFANA)
    assert found["JUPYTERHUB_SERVICE_PREFIX"] == "/"
    assert found["JUPYTERHUB_PUBLIC_URL"] == "https://grafana.example.org/"
    assert found["JUPYTERHUB_HOST"] == "https://hub.example.org"


def test_the_operators_variables_win(render: Render) -> None:
    env = [{"name": "JUPYTERHUB_API_URL", "value": "https://else"}, {"name": "A", "value": "b"}]
    found = environment(render(changed("deployments/notes/env", env)), NOTES)
    assert (found["JUPYTERHUB_API_URL"], found["A"]) == ("https://else", "b")


def test_its_pod_is_as_the_operator_says(render: Render) -> None:
    found = render(VALUES)
    spec = pod_of(found, NOTES)["spec"]
    assert found.of("Deployment", NOTES)["spec"]["replicas"] == 2
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    container = container_of(found, NOTES)
    assert container["image"] == "registry.example.org/notes:1.2"
    assert container["args"] == ["--base-url", "$(JUPYTERHUB_SERVICE_PREFIX)"]
    assert "command" not in container
    assert container["readinessProbe"] == {"tcpSocket": {"port": "http"}}
    assert container["livenessProbe"]["httpGet"]["path"] == "/services/notes/health"
    assert container["resources"]["requests"] == {"cpu": "50m", "memory": "128Mi"}
    assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]
    assert found.of("PodDisruptionBudget", NOTES)["spec"]["maxUnavailable"] == 1
    grafana = pod_of(found, GRAFANA)["spec"]
    assert grafana["securityContext"]["runAsUser"] == grafana["securityContext"]["fsGroup"] == 472
    assert grafana["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert container_of(found, GRAFANA)["resources"]["limits"] == {"memory": "512Mi"}
    assert found.names("PodDisruptionBudget").count(GRAFANA) == 0


def test_large_numbers_stay_whole(render: Render) -> None:
    """As OpenShift gives its users; Helm has numbers as floating-point ones."""
    found = render(changed("deployments/notes/runAsUser", 1000700000))
    assert "runAsUser: 1000700000\n" in found.text


def test_it_can_be_paused(render: Render) -> None:
    found = render(changed("deployments/grafana/replicas", 0))
    assert found.of("Deployment", GRAFANA)["spec"]["replicas"] == 0


@pytest.mark.parametrize("value", [{"notes": None, "grafana": None}, {}])
def test_without_any_there_is_nothing(render: Render, value: Any) -> None:
    found = render({**changed("jupyterhub/custom", {}), "deployments": value})
    names = [one["metadata"]["name"] for one in found.objects]
    assert [name for name in names if name.startswith("fedhub-service")] == []


def hub_and_pods(rendered: Rendered) -> dict[str, Any]:
    return {name: pod_of(rendered, name) for name in ("hub", "proxy", NOTES, GRAFANA)}


def differ(render: Render, given: dict[str, Any]) -> set[str]:
    """Whose pods are replaced when an upgrade has these values."""
    before, after = hub_and_pods(render(VALUES)), hub_and_pods(render(given))
    return {name for name in before if before[name] != after[name]}


def test_a_new_token_replaces_the_pods_that_have_it(render: Render) -> None:
    given = changed("global/fedhub/services/grafana/api_token", "new")
    assert differ(render, given) == {GRAFANA, "hub"}  # the hub's own configuration has it too


def test_a_change_of_a_deployment_does_not_restart_the_hub(render: Render) -> None:
    assert differ(render, changed("deployments/grafana/image/tag", "12.0.0")) == {GRAFANA}
    assert differ(render, changed("deployments/grafana/replicas", 3)) == set()


# --- how people reach it ----------------------------------------------------------------------


def test_a_host_of_its_own_leads_to_it(render: Render) -> None:
    found = render(VALUES)
    assert found.names("Ingress") == found.names("Certificate") == ["fedhub", GRAFANA]
    spec = found.of("Ingress", GRAFANA)["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert spec["tls"] == [{"hosts": ["grafana.example.org"], "secretName": f"{GRAFANA}-tls"}]
    (rule,) = spec["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"]) == ("grafana.example.org", "/")
    assert path["backend"]["service"] == {"name": GRAFANA, "port": {"name": "http"}}
    certificate = found.of("Certificate", GRAFANA)["spec"]
    assert certificate["dnsNames"] == ["grafana.example.org"]
    assert certificate["secretName"] == f"{GRAFANA}-tls"
    assert certificate["issuerRef"]["name"] == "letsencrypt"
    (port,) = found.of("Service", GRAFANA)["spec"]["ports"]
    assert (port["name"], port["port"]) == ("http", 3000)


def test_a_gateway_leads_to_it_like_to_the_hub(render: Render) -> None:
    route = {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateways"}]}
    found = render(changed("global/fedhub/httpRoute", route))
    assert found.names("Ingress") == []
    spec = found.of("HTTPRoute", GRAFANA)["spec"]
    assert spec["hostnames"] == ["grafana.example.org"]
    assert spec["parentRefs"] == found.of("HTTPRoute", "fedhub")["spec"]["parentRefs"]
    assert spec["rules"][0]["backendRefs"] == [{"name": GRAFANA, "port": 3000}]
    (grant,) = (one for one in found.objects if one["kind"] == "ReferenceGrant")
    assert [to["name"] for to in grant["spec"]["to"]] == ["fedhub-tls", f"{GRAFANA}-tls"]


def test_the_address_that_the_hubs_proxy_leads_to_is_the_services(render: Render) -> None:
    found = render(VALUES)
    url = VALUES["global"]["fedhub"]["services"]["notes"]["url"]
    (port,) = found.of("Service", NOTES)["spec"]["ports"]
    assert url == f"http://{NOTES}:{port['port']}"
    assert selects(
        {"matchLabels": found.of("Service", NOTES)["spec"]["selector"]}, pod(found, NOTES).labels
    )


# --- the network, on z2jh's own policies --------------------------------------------------------

Z2JH = {"app": "jupyterhub", "release": "myhub"}
NOTEBOOK = Peer(
    {**Z2JH, "component": "singleuser-server", "hub.jupyter.org/network-access-hub": "true"},
    {"notebook-port": 8888},
)
CONTROLLER = Peer()
"""Somebody of another namespace, such as an ingress controller."""


@pytest.fixture(scope="module")
def render_z2jh(on_z2jh: Path) -> Callable[[dict[str, Any]], Rendered]:
    def run(given: dict[str, Any]) -> Rendered:
        done = helm("template", "myhub", str(on_z2jh), "--values", "-", values=given)
        return Rendered(done.stdout, done.stderr if done.returncode else "")

    return run


RenderZ2jh = Callable[[dict[str, Any]], Rendered]
CHP = "jupyterhub/proxy/chp/networkPolicy"


@pytest.mark.parametrize("address", ["10.1.2.3", "100.64.1.2"])
@pytest.mark.parametrize("privately", [True, False])
def test_the_hubs_proxy_reaches_what_it_leads_to(
    render_z2jh: RenderZ2jh, address: str, privately: bool
) -> None:
    found = render_z2jh(changed(f"{CHP}/egressAllowRules", {"privateIPs": privately}))
    assert reaches(found, pod(found, "proxy"), pod(found, NOTES, address), 8000)


def test_a_proxy_without_a_policy_gets_none(render_z2jh: RenderZ2jh) -> None:
    """One that lets it out to a service would keep it from everything else."""
    found = render_z2jh(changed(f"{CHP}/enabled", False))
    proxy = pod(found, "proxy")
    assert reaches(found, proxy, pod(found, NOTES), 8000)
    assert reaches(found, proxy, NOTEBOOK, 8888)


@pytest.mark.parametrize("name", [NOTES, GRAFANA])
def test_it_reaches_the_hub_and_name_servers_and_nothing_else(
    render_z2jh: RenderZ2jh, name: str
) -> None:
    found = render_z2jh(VALUES)
    service = pod(found, name)
    assert reaches(found, service, pod(found, "hub"), 8081)
    assert reaches(found, service, Peer(address="10.96.0.10"), 53)
    assert not reaches(found, service, Peer(address="93.184.216.34"), 443)
    assert not reaches(found, service, pod(found, "proxy"), 8001)
    assert not reaches(found, service, NOTEBOOK, 8888)


def test_it_reaches_what_the_operator_names(render_z2jh: RenderZ2jh) -> None:
    found = render_z2jh(VALUES)
    prometheus = Peer({"app": "prometheus"})
    assert reaches(found, pod(found, GRAFANA), prometheus, 9090)
    assert not reaches(found, pod(found, NOTES), prometheus, 9090)


def test_only_the_hub_and_its_proxy_reach_one_behind_the_proxy(render_z2jh: RenderZ2jh) -> None:
    found = render_z2jh(VALUES)
    notes = pod(found, NOTES)
    assert reaches(found, pod(found, "hub"), notes, 8000)  # whether it is there, every minute
    assert not reaches(found, CONTROLLER, notes, 8000)
    assert not reaches(found, NOTEBOOK, notes, 8000)
    assert not reaches(found, pod(found, GRAFANA), notes, 8000)


def test_any_controller_reaches_one_with_a_host_by_its_port_alone(render_z2jh: RenderZ2jh) -> None:
    found = render_z2jh(VALUES)
    assert reaches(found, CONTROLLER, pod(found, GRAFANA), 3000)
    assert not reaches(found, CONTROLLER, pod(found, GRAFANA), 3001)


def test_no_selector_takes_pods_of_another(render_z2jh: RenderZ2jh) -> None:
    found = render_z2jh(VALUES)
    for one in found.objects:
        selector = one["spec"].get("selector") if one["kind"] in {"Service", "Deployment"} else None
        if not selector:
            continue
        selector = selector if "matchLabels" in selector else {"matchLabels": selector}
        for name in (NOTES, GRAFANA, "hub", "proxy"):
            own = one["metadata"]["name"] in {name, f"{name}-public", f"{name}-api"}
            assert selects(selector, pod(found, name).labels) is own, (one["metadata"], name)


# --- what can't work ------------------------------------------------------------------------

PORTAL = {"image": {"name": "portal", "tag": "1"}, "port": 80}
DECLARED = "global/fedhub/services"
WRONG: list[tuple[dict[str, Any], str]] = [
    (
        changed("deployments/nots", PORTAL),
        "deployments.nots is of no service under global.fedhub.services, which has grafana, notes",
    ),
    (
        merged(
            changed("deployments/My_App", PORTAL | {"host": "a.example.org"}),
            changed(f"{DECLARED}/My_App", {"oauth_redirect_uri": "https://a.example.org/cb"}),
        ),
        "deployments.My_App is no name for objects of Kubernetes; call the service, there and "
        "under global.fedhub.services, by at most 48 lower-case letters",
    ),
    (
        changed(f"{DECLARED}/notes/url", "http://notes:8000"),
        "deployments.notes can't be reached; set global.fedhub.services.notes.url to "
        "http://fedhub-service-notes:8000, and the hub's proxy leads to it at /services/notes/, "
        "or set deployments.notes.host",
    ),
    (changed("deployments/notes/port", 8001), "url to http://fedhub-service-notes:8001, and"),
    (changed(f"{DECLARED}/notes/url", None), "deployments.notes can't be reached"),
    (
        changed(f"{DECLARED}/grafana/url", "http://fedhub-service-grafana:3000"),
        "deployments.grafana.host and global.fedhub.services.grafana.url are two ways to it",
    ),
    (
        changed("deployments/grafana/host", "hub.example.org"),
        "deployments.grafana.host is the hub's own, global.fedhub.domain; give it another",
    ),
    (
        merged(
            changed("deployments/portal", PORTAL | {"host": "grafana.example.org"}),
            changed(f"{DECLARED}/portal", {"oauth_redirect_uri": "https://grafana.example.org/cb"}),
        ),
        "deployments.grafana and deployments.portal have the same host",
    ),
    (
        changed("global/fedhub/ingress/enabled", False),
        "deployments.grafana.host needs global.fedhub.ingress or global.fedhub.httpRoute",
    ),
    (
        changed(f"{DECLARED}/grafana/oauth_redirect_uri", "https://grafana.example.org.evil/cb"),
        "services.grafana.oauth_redirect_uri is not below https://grafana.example.org/, where",
    ),
    (
        changed(f"{DECLARED}/notes/oauth_redirect_uri", "https://hub.example.org/cb"),
        "oauth_redirect_uri is not below https://hub.example.org/services/notes/, where people "
        "reach the service; correct it, such as to "
        "https://hub.example.org/services/notes/oauth_callback",
    ),
    (changed("deployments/notes/image/tag", "latest"), "deployments.notes.image.tag is latest"),
    (
        changed("deployments/notes/volumes", [{"name": "tmp", "hostPath": {"path": "/"}}]),
        "deployments.notes.volumes has hostPath, which the Pod Security Standard restricted",
    ),
    (
        changed("deployments/notes/livenessProbe/httpGet/host", "169.254.169.254"),
        "deployments.notes.livenessProbe.httpGet.host would have the node ask another host",
    ),
    (
        changed("deployments/grafana/pdb", {"enabled": True}),
        "deployments.grafana.pdb with one pod would keep its node from being drained",
    ),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_what_can_not_work_is_said(render: Render, given: dict[str, Any], said: str) -> None:
    found = render(given)
    assert said in found.error
    assert "the values can't work:" in found.error
    assert found.text == ""


def test_the_checks_find_nothing_in_what_works(render: Render) -> None:
    assert render(changed(f"{DECLARED}/notes/url", "http://fedhub-service-notes:8000/")).objects
    assert render(changed("deployments/notes/port", 8000)).objects
