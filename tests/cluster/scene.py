"""The smoke test's hub, the people around it, and what they see.

The hub is a worked example; what differs is due to a cluster that has no ingress controller and
no way out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import yaml
from playwright.sync_api import Browser, Page, WebSocket, expect

from fedhub.access.persona import Persona
from fedhub.idp.client import Client
from tests.browser.visits import press_persona
from tests.certificates import Authority
from tests.chart.conftest import merged
from tests.cluster.hubs import OURS, WITH_KEYS, Hub, Values
from tests.previews import ROOT

HUB, PROVIDER, APPLICATION = "hub.example.org", "iam.example.org", "grafana.example.org"
PORTS = {HUB: 30443, PROVIDER: 30444, APPLICATION: 30445}
"""Ports of the node, at which a browser finds each host."""
HOME = f"https://{HUB}/hub/home"
LOGIN = f"https://{HUB}/hub/oauth_login?next=%2Fhub%2Fhome"


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


def secret(name: str, data: dict[str, str], kind: str = "Opaque") -> Values:
    """A Secret, as Kubernetes has it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "metadata": {"name": name},
        "stringData": data,
    }


@dataclass
class Watching:
    """Somebody with an open JupyterLab, whom nothing that is done to the hub may disturb.

    Attributes:
        page: JupyterLab's.
        server: the UID of the pod it comes from.
        lines: its connections to the server.
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

    def give_credentials(self, registration: Client) -> None:
        """Put them into the Secret that an operator keeps."""
        pair = {
            "keycloak.client_id": registration.client_id,
            "keycloak.client_secret": registration.client_secret,
        }
        self.hub.apply(secret("fedhub-credentials", pair))

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A page in a browser of its own."""
        with self.browser.new_context() as context:
            yield context.new_page()

    def log(self) -> str:
        """What the hub says."""
        return self.hub.kubectl("logs", "deployment/hub")

    def helm(self, *command: str) -> str:
        """Run helm, which must succeed; return what it says."""
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
