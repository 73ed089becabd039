"""A hub on a real cluster, as its people see it: in a browser, from the first login to the end.

The provider and an application run elsewhere in the cluster; what is asked of them goes by HTTPS,
with names and certificates as outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect
from playwright.sync_api import Error as BrowserError

from tests.browser.visits import press_persona
from tests.certificates import Authority
from tests.chart.conftest import merged
from tests.cluster.elsewhere import application, identity_provider
from tests.cluster.hubs import RELEASE, Hub, left, until
from tests.cluster.scene import (
    AFTER,
    APPLICATION,
    BEFORE,
    CHANGED,
    HOME,
    HUB,
    HUB_VALUES,
    LOGIN,
    PEOPLE,
    PORTS,
    PROVIDER,
    SERVICES,
    Scene,
    Watching,
    begin,
    secret,
    sign_in,
)
from tests.cluster.steps import Steps, logs
from tests.previews import ROOT

pytestmark = pytest.mark.browser

STARTS = 60_000
"""Milliseconds that a notebook server may take on a busy machine."""
PATIENCE = 15_000
"""Milliseconds until a person tries again."""


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


def install(scene: Scene) -> None:
    provider = identity_provider(
        scene.authority, PROVIDER, PORTS[PROVIDER], [BEFORE, AFTER], PEOPLE
    )
    known = {"ip": provider.start(scene.elsewhere), "hostnames": [PROVIDER]}
    tls = scene.authority.issue(HUB)
    pair = {"tls.crt": tls.certificate, "tls.key": tls.key}
    scene.hub.apply(secret("fedhub-tls", pair, "kubernetes.io/tls"))
    scene.give_credentials(BEFORE)
    # As docs/trust.md says, where a provider has a certificate of one's own authority.
    authorities = {
        "mountPath": "/etc/ssl/certs/ca-certificates.crt",
        "stringData": scene.authority.certificate,
    }
    hub = {"extraPodSpec": {"hostAliases": [known]}, "extraFiles": {"authorities": authorities}}
    scene.values = merged(HUB_VALUES, {"jupyterhub": {"hub": hub}})
    scene.hub.upgrade(scene.values)
    with scene.page() as page:
        # The pods are ready; the cluster may take a moment to lead there.
        until(lambda: is_open(page), "the hub's login page does not open")


def is_open(page: Page) -> bool:
    """Whether somebody could log in."""
    try:
        page.goto(f"https://{HUB}/hub/login", timeout=PATIENCE)
    except BrowserError:
        return False
    return page.locator(".fedhub-choice").count() > 0


def log_in_and_watch(scene: Scene, page: Page) -> Watching:
    """Log in as a person does: through the hub's front door, to a notebook server."""
    lines: list[WebSocket] = []

    def opened(line: WebSocket) -> None:  # Playwright takes no builtin
        lines.append(line)

    page.on("websocket", opened)
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
        until(lambda: is_open(page), "the hub's login page does not open")
        found = page.locator(".fedhub-choice").get_by_role("link").first.inner_text()
    return found.removeprefix("Sign in with ").strip()


def rotate(scene: Scene, watching: Watching) -> None:
    pods = scene.hub.pods("hub", "proxy")
    with scene.page() as begun, scene.page() as later:
        assert begin(begun) == BEFORE.client_id
        scene.give_credentials(AFTER)
        until(lambda: begin(later) == AFTER.client_id, "the hub has its old credentials")
        press_persona(begun, "bob")
        expect(begun).to_have_url(HOME)
        press_persona(later, "ivy")
        expect(later).to_have_url(HOME)
    watching.is_undisturbed(scene.hub)
    assert scene.hub.pods("hub", "proxy") == pods


def kill_the_hub(scene: Scene, watching: Watching) -> None:
    with scene.page() as page, scene.page() as other:
        begin(page)
        scene.hub.kubectl("scale", "deployment/hub", "--replicas=0")
        scene.hub.kubectl("delete", "pod", "-l", "component=hub", "--grace-period=1")
        # For a moment the cluster still leads to the pod that is gone, where nothing answers.
        until(lambda: is_away(other), "the hub still answers")
        with page.expect_navigation(url=re.compile(rf"https://{HUB}/")):
            press_persona(page, "bob")
        assert page.url != HOME, "the hub was not away"
        scene.hub.kubectl("scale", "deployment/hub", "--replicas=1")

        def in_by_trying_again() -> bool:
            # Connections that begin while kube-proxy writes its rules may lead nowhere for minutes.
            with suppress(BrowserError):
                page.reload(timeout=PATIENCE)
            return page.url == HOME

        until(in_by_trying_again, "the login is lost")
    watching.is_undisturbed(scene.hub)


def is_away(page: Page) -> bool:
    """Whether the hub's proxy says that there is no hub."""
    try:
        found = page.goto(f"https://{HUB}/hub/health", timeout=PATIENCE)
    except BrowserError:
        return False
    return found is not None and found.status == HTTPStatus.SERVICE_UNAVAILABLE


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
        page.goto(LOGIN, timeout=PATIENCE)
    except BrowserError:
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
