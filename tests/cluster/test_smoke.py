"""A hub on a real cluster, as its people see it: in a browser, from the first login to the end.

The provider and an application run elsewhere in the cluster; what is asked of them goes by HTTPS,
with names and certificates as outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from playwright.sync_api import Browser, Page, WebSocket, expect

from fedhub.access.persona import Persona
from fedhub.idp.client import Client
from tests.browser.visits import press_persona
from tests.certificates import Authority
from tests.chart.conftest import merged
from tests.cluster.elsewhere import application, identity_provider
from tests.cluster.hubs import OURS, RELEASE, WITH_KEYS, Hub, Values, left, until
from tests.cluster.steps import Steps, logs
from tests.previews import ROOT

pytestmark = pytest.mark.browser

HUB, PROVIDER, APPLICATION = "hub.example.org", "iam.example.org", "grafana.example.org"
PORTS = {HUB: 30443, PROVIDER: 30444, APPLICATION: 30445}
"""Ports of the node, at which a browser finds each host."""
HOME = f"https://{HUB}/hub/home"
LOGIN = f"https://{HUB}/hub/oauth_login?next=%2Fhub%2Fhome"
STARTS = 60_000
"""Milliseconds that a notebook server may take on a busy machine."""


def example(name: str) -> Values:
    """A worked example, as it is."""
    found: Values = yaml.safe_load((ROOT / "values" / f"{name}.values.yaml").read_text())
    return found


SERVICES = example("external-service")["global"]["fedhub"]["services"]
HUB_VALUES: Values = merged(
    merged(merged(example("keycloak"), OURS), WITH_KEYS),
    {
        "global": {
            "fedhub": {
                "services": merged(SERVICES, {"grafana": {"api_token": "made-up-for-grafana"}}),
                # z2jh's own proxy answers for the domain: there is no ingress controller here.
                "ingress": {"enabled": False},
            }
        },
        "jupyterhub": {
            "proxy": {
                "https": {"enabled": True, "type": "secret", "secret": {"name": "fedhub-tls"}},
                "service": {"nodePorts": {"https": PORTS[HUB]}},
            },
        },
    },
)
"""The example `keycloak` with the service of `external-service`; the rest is this cluster's."""

CHANGED: Values = {
    "global": {"fedhub": {"login": {"keycloak": {"label": "Changed account"}}}},
    # Whoever opens a page is held against the provider again.
    "jupyterhub": {"hub": {"config": {"Authenticator": {"auth_refresh_age": 1}}}},
}
"""What an upgrade changes."""


def client(name: str) -> Client:
    """A registration of the hub in the realm `lab`."""
    callback = f"https://{HUB}/hub/oauth_callback"
    return Client(
        "keycloak", "keycloak", name, f"secret-of-{name}", (callback,), (callback,), "lab"
    )


BEFORE, AFTER = client("hub"), client("hub-next")
"""The hub's credentials before and after they are rotated; the realm knows both."""


def person(name: str, *groups: str) -> Persona:
    claims = {
        "sub": f"sub-of-{name}",
        "preferred_username": name,
        "email": f"{name}@example.org",
        "groups": list(groups),
    }
    issuer = f"https://{PROVIDER}/realms/lab"
    return Persona(name, "keycloak", issuer, "Lab", f"in {', '.join(groups) or 'no group'}", claims)


PEOPLE = [
    person("ada", "researchers"),
    person("bob", "researchers"),
    person("eve", "visitors"),
    person("ivy", "researchers", "instructors"),
]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """A page may take its time on a busy machine."""
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)  # Playwright's own


@pytest.fixture
def elsewhere(hub: Hub) -> Iterator[Hub]:
    """Another namespace of the hub's cluster."""
    other = Hub(hub.cluster, f"{hub.namespace}-elsewhere")
    hub.cluster.kubectl("create", "namespace", other.namespace)
    yield other
    hub.cluster.kubectl("delete", "namespace", other.namespace, "--wait=false")


@pytest.fixture
def browser_there(
    hub: Hub, authority: Authority, launch_browser: Callable[..., Browser], as_it_is: list[str]
) -> Iterator[Browser]:
    """A browser that finds these hosts on the node, and trusts the authority."""
    rules = ",".join(f"MAP {host} {hub.cluster.address}:{port}" for host, port in PORTS.items())
    trusting = f"--ignore-certificate-errors-spki-list={authority.fingerprint}"
    options = [f"--host-resolver-rules={rules}", trusting, "--no-proxy-server"]
    browser = launch_browser(args=[*as_it_is, *options])
    yield browser
    browser.close()


@dataclass
class Watching:
    """Somebody with an open JupyterLab, whom nothing that is done to the hub may disturb.

    Attributes:
        page: JupyterLab's.
        server: the UID of the pod it comes from.
        lines: its connections to the server; those that a page opened and is done with are closed.
    """

    page: Page
    server: str
    lines: list[WebSocket] = field(default_factory=list)

    def is_undisturbed(self, hub: Hub) -> None:
        """The server is the same, the connection stands, and a page of the hub opens at once."""
        assert hub.get("pod", "jupyter-ada")["metadata"]["uid"] == self.server
        assert self.lines
        assert not [line.url for line in self.lines if line.is_closed()]
        other = self.page.context.new_page()
        other.goto(HOME)
        expect(other).to_have_url(HOME)
        expect(other.get_by_text("ada").first).to_be_visible()
        other.close()


@dataclass
class Scene:
    """A hub, what is elsewhere, and people's browsers."""

    hub: Hub
    elsewhere: Hub
    authority: Authority
    browser: Browser
    values: Values = field(default_factory=dict)

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A page in a browser of its own."""
        with self.browser.new_context() as context:
            yield context.new_page()

    def log(self) -> str:
        (pod,) = self.hub.kubectl("get", "pods", "-l", "component=hub", "-o", "name").split()
        return logs(self.hub, pod)

    def helm(self, *command: str) -> str:
        done = self.hub.helm(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def begin(page: Page) -> str:
    """Go to the provider's sign-in page; return the client that the hub is there."""
    with page.expect_request(
        lambda request: "/protocol/openid-connect/auth?" in request.url
    ) as asked:
        page.goto(LOGIN)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    return parse_qs(urlsplit(asked.value.url).query)["client_id"][0]


def sign_in(page: Page, name: str) -> None:
    begin(page)
    press_persona(page, name)


def install(scene: Scene) -> None:
    hub = scene.hub
    provider = identity_provider(
        scene.authority, PROVIDER, PORTS[PROVIDER], [BEFORE, AFTER], PEOPLE
    )
    address = provider.start(scene.elsewhere)
    give_credentials(hub, BEFORE)
    tls = scene.authority.issue(HUB)
    folder = hub.cluster.folder.parent / hub.namespace
    folder.mkdir()
    (folder / "tls.crt").write_text(tls.certificate)
    (folder / "tls.key").write_text(tls.key)
    hub.kubectl(
        *("create", "secret", "tls", "fedhub-tls"),
        *(f"--cert={folder / 'tls.crt'}", f"--key={folder / 'tls.key'}"),
    )
    known = {"ip": address, "hostnames": [PROVIDER]}
    scene.values = merged(
        HUB_VALUES,
        {
            "jupyterhub": {
                "hub": {
                    "extraPodSpec": {"hostAliases": [known]},
                    # docs/trust.md, "A provider with a certificate of your own authority"
                    "extraFiles": {
                        "authorities": {
                            "mountPath": "/etc/ssl/certs/ca-certificates.crt",
                            "stringData": scene.authority.certificate,
                        }
                    },
                }
            }
        },
    )
    hub.upgrade(scene.values)


def give_credentials(hub: Hub, registration: Client) -> None:
    """Put them into the Secret that the operator keeps."""
    manifest = hub.cluster.folder.parent / f"{hub.namespace}-credentials.yaml"
    manifest.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "fedhub-credentials"},
                "stringData": {
                    "keycloak.client_id": registration.client_id,
                    "keycloak.client_secret": registration.client_secret,
                },
            }
        )
    )
    hub.kubectl("apply", "-f", str(manifest))


def log_in_and_watch(scene: Scene, page: Page) -> Watching:
    """Log in as a person does: through the hub's front door, to a notebook server."""
    lines: list[WebSocket] = []
    page.on("websocket", lines.append)
    page.goto(f"https://{HUB}/")
    page.locator(".fedhub-choice").get_by_role("link", name=re.compile("Lab account")).click()
    press_persona(page, "ada")
    expect(page).to_have_url(re.compile(r"/user/ada/lab"), timeout=STARTS)
    expect(page.locator("#jp-top-panel")).to_be_visible(timeout=STARTS)
    assert "/user/ada/lab" in logs(scene.hub, "pod/jupyter-ada")
    until(lambda: lines, "JupyterLab has no connection to its server")
    return Watching(page, scene.hub.get("pod", "jupyter-ada")["metadata"]["uid"], lines)


def refuse(scene: Scene) -> None:
    with scene.page() as page:
        sign_in(page, "eve")
        expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
        page.goto(HOME)
        expect(page).to_have_url(re.compile(r"/hub/login"))


def log_out(scene: Scene) -> None:
    with scene.page() as page:
        sign_in(page, "bob")
        expect(page).to_have_url(HOME)
        page.locator("#logout").click()
        expect(page).to_have_url(re.compile(rf"https://{HUB}/hub/login"))
        page.goto(HOME)
        expect(page).to_have_url(re.compile(r"/hub/login"))
        begin(page)  # the provider asks as well who is there


def use_application(scene: Scene) -> None:
    callback = SERVICES["grafana"]["oauth_redirect_uri"]
    proxy = scene.hub.get("service", "proxy-public")["spec"]["clusterIP"]
    application(
        *(scene.authority, callback, PORTS[APPLICATION], "made-up-for-grafana"),
        hub=HUB,
        reached_at=proxy,
    ).start(scene.elsewhere)
    for name, status in {"ivy": 200, "bob": 403}.items():
        with scene.page() as page:
            page.goto(f"https://{APPLICATION}/")
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
            with page.expect_response(
                lambda answer: (
                    answer.request.is_navigation_request() and not 300 <= answer.status < 400
                )
            ) as answered:
                press_persona(page, name)
            assert answered.value.status == status, answered.value.url
            if status == 200:
                expect(page.get_by_text(f"this is {name}")).to_be_visible()


def upgrade(scene: Scene, watching: Watching) -> None:
    before = scene.hub.pods("hub")
    scene.hub.upgrade(scene.values, CHANGED)
    assert not before.keys() & scene.hub.pods("hub").keys()
    assert login_button(scene) == "Changed account"
    watching.is_undisturbed(scene.hub)


def login_button(scene: Scene) -> str:
    with scene.page() as page:
        page.goto(f"https://{HUB}/hub/login")
        found = page.locator(".fedhub-choice").get_by_role("link").first.inner_text()
    return found.removeprefix("Sign in with ").strip()


def rotate(scene: Scene, watching: Watching) -> None:
    pods = scene.hub.pods("hub", "proxy")
    with scene.page() as begun, scene.page() as later:
        assert begin(begun) == BEFORE.client_id
        give_credentials(scene.hub, AFTER)
        until(lambda: begin(later) == AFTER.client_id, "the hub has its old credentials")
        press_persona(begun, "bob")
        expect(begun).to_have_url(HOME)
        press_persona(later, "ivy")
        expect(later).to_have_url(HOME)
    watching.is_undisturbed(scene.hub)
    assert scene.hub.pods("hub", "proxy") == pods


def kill_the_hub(scene: Scene, watching: Watching) -> None:
    with scene.page() as page:
        begin(page)
        scene.hub.kubectl("delete", "pod", "-l", "component=hub", "--grace-period=1")
        with page.expect_navigation(url=re.compile(rf"https://{HUB}/")):
            press_persona(page, "bob")
        assert page.url != HOME, "the hub was not away"

        def in_by_trying_again() -> bool:
            page.reload()
            return page.url == HOME

        until(in_by_trying_again, "the login is lost", seconds=60)
    watching.is_undisturbed(scene.hub)


def take_the_provider_away(scene: Scene, watching: Watching) -> None:
    def lead_to(name: str) -> None:
        patch = f'{{"spec":{{"selector":{{"app":"{name}"}}}}}}'
        scene.elsewhere.kubectl("patch", "service", "idp", "--patch", patch)

    lead_to("nothing")

    def stays_in_by_grace() -> bool:
        watching.is_undisturbed(scene.hub)
        return "refresh grace provider=keycloak" in scene.log()

    until(stays_in_by_grace, "the hub did not ask the provider")
    lead_to("idp")
    with scene.page() as page:
        until(lambda: answers(page), "the provider is not back")
        press_persona(page, "bob")
        expect(page).to_have_url(HOME)
    watching.is_undisturbed(scene.hub)


def answers(page: Page) -> bool:
    """Whether the provider asks who is there."""
    try:
        page.goto(LOGIN)
    except Exception as error:  # noqa: BLE001
        assert "ERR_CONNECTION" in str(error)
        return False
    return page.get_by_role("heading", name="Sign in").is_visible()


def roll_back(scene: Scene, watching: Watching) -> None:
    scene.helm("rollback", RELEASE, "1", "--wait", "--timeout", "150s")
    assert login_button(scene) == "Lab account"
    watching.is_undisturbed(scene.hub)


def uninstall(scene: Scene) -> None:
    scene.helm("uninstall", RELEASE, "--wait")
    assert left(scene.hub) == [
        "ConfigMap/kube-root-ca.crt",
        "PersistentVolumeClaim/hub-db-dir",
        "Pod/fedhub-test",
        "Pod/jupyter-ada",
        "Secret/fedhub-credentials",
        "Secret/fedhub-tls",
    ]


def test_smoke(
    hub: Hub,
    elsewhere: Hub,
    authority: Authority,
    browser_there: Browser,
    report: Callable[[list[str]], Any],
) -> None:
    scene = Scene(hub, elsewhere, authority, browser_there)
    steps = Steps(ROOT / "artifacts" / "smoke", [hub, elsewhere], browser_there)
    report(steps.lines)
    with scene.page() as page:
        with steps.step("install"):
            install(scene)
        with steps.step("log in, spawn, JupyterLab answers"):
            watching = log_in_and_watch(scene, page)
        with steps.step("refusal"):
            refuse(scene)
        with steps.step("log out"):
            log_out(scene)
        with steps.step("application in another namespace"):
            use_application(scene)
        with steps.step("helm test"):
            scene.helm("test", RELEASE, "--logs")
        with steps.step("helm upgrade with changed values"):
            upgrade(scene, watching)
        with steps.step("credentials rotated"):
            rotate(scene, watching)
        with steps.step("hub killed in the middle of a login"):
            kill_the_hub(scene, watching)
        with steps.step("provider away during a refresh"):
            take_the_provider_away(scene, watching)
        with steps.step("helm rollback"):
            roll_back(scene, watching)
        with steps.step("helm uninstall"):
            uninstall(scene)
