"""A service in the cluster, behind the hub's proxy, that people log in to by the hub."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.cluster.hubs import WITH_KEYS, WITHOUT_PROVIDER, Hub, Values, log_in

APPLICATION = Path(__file__).with_name("notes.py")
HUB = "https://hub.example.org"

NOTES: Values = {
    "global": {
        "fedhub": {
            "services": {
                "notes": {
                    "url": "http://fedhub-service-notes:8000",
                    "oauth_redirect_uri": f"{HUB}/services/notes/oauth_callback",
                    "oauth_no_confirm": True,
                    "users": ["ada"],
                    "api_token": "made-up-for-the-notes",
                }
            }
        }
    },
    "deployments": {
        "notes": {
            "image": {"name": "localhost/fedhub/hub", "tag": "test"},
            "port": 8000,
            "command": ["python3", "-B", "/application/notes.py"],
            "volumes": [{"name": "application", "configMap": {"name": "application"}}],
            "volumeMounts": [{"name": "application", "mountPath": "/application"}],
        }
    },
}


def followed(browser: httpx.Client, path: str) -> httpx.Response:
    """Where a browser ends, for which the domain leads to the proxy.

    In front of this proxy is no TLS, and the service, which knows its address, asks for cookies
    that need it.
    """
    answer = browser.get(path)
    while answer.is_redirect:
        for cookie in browser.cookies.jar:
            cookie.secure = False
        answer = browser.get(answer.headers["location"].removeprefix(HUB))
    return answer


def test_only_whom_the_values_name_gets_through_to_a_service(hub: Hub) -> None:
    hub.kubectl("create", "configmap", "application", f"--from-file={APPLICATION}")
    hub.upgrade(WITHOUT_PROVIDER, WITH_KEYS, NOTES)

    with hub.browser() as nobody:
        first = nobody.get("/services/notes/")
    address = urlsplit(first.headers["location"])
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{HUB}/hub/api/oauth2/authorize"
    assert asked["client_id"] == "service-notes"
    assert asked["redirect_uri"] == f"{HUB}/services/notes/oauth_callback"
    for name, status, text in [
        ("ada", httpx.codes.OK, "this is ada"),
        ("eve", httpx.codes.FORBIDDEN, "JupyterHub"),
    ]:
        with hub.browser() as browser:
            log_in(browser, name)
            answer = followed(browser, "/services/notes/")
        assert answer.status_code == status, f"{name} at {answer.url}: {answer.text}"
        assert text in answer.text
