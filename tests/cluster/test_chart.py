"""The chart on a real Kubernetes: what stays over an upgrade, and what is left when it goes."""

from __future__ import annotations

import hashlib

import httpx

from tests.cluster.hubs import (
    CAMPUS,
    CREDENTIALS,
    RELEASE,
    WITH_KEYS,
    WITHOUT_PROVIDER,
    Hub,
    Values,
    account,
    left,
    log_in,
    start_server,
    until,
)

PROMETHEUS: Values = {"jupyterhub": {"hub": {"services": {"prometheus": {}}}}}
NOTES: Values = {
    "global": {
        "fedhub": {
            "services": {
                "notes": {
                    "url": "http://fedhub-service-notes:8000",
                    "oauth_redirect_uri": "https://hub.example.org/services/notes/oauth_callback",
                    "api_token": "made-up-for-the-notes",
                }
            }
        }
    },
}
BESIDE: Values = {
    "backup": {"enabled": True, "keep": 3},
    "monitoring": {"dashboard": {"enabled": True}},
    "deployments": {
        "notes": {
            "image": {"name": "localhost/fedhub/hub", "tag": "test"},
            "port": 8000,
            "command": ["python3", "-m", "http.server", "8000"],
        }
    },
}
"""What is beside the hub: a change there must not restart it."""


def kept(hub: Hub) -> dict[str, str]:
    """Fingerprints of what z2jh made up, by key."""
    data = hub.get("secret", "hub")["data"]
    return {
        key: hashlib.sha256(value.encode()).hexdigest()
        for key, value in data.items()
        if key != "values.yaml"
    }


def test_made_up_secrets_stay_and_the_first_upgrade_replaces_the_pods_once(hub: Hub) -> None:
    hub.upgrade(CAMPUS, PROMETHEUS)
    made_up, first = kept(hub), hub.pods("hub", "proxy")
    assert made_up.keys() >= {
        "hub.config.JupyterHub.cookie_secret",
        "hub.config.CryptKeeper.keys",
        "hub.config.ConfigurableHTTPProxy.auth_token",
        "hub.services.prometheus.apiToken",
    }

    hub.upgrade(CAMPUS, PROMETHEUS)
    second = hub.pods("hub", "proxy")
    hub.upgrade(CAMPUS, PROMETHEUS, CREDENTIALS)

    assert kept(hub) == made_up
    assert not first.keys() & second.keys()  # docs/install.md says so
    assert hub.pods("hub", "proxy") == second


def test_with_the_keys_in_the_values_no_change_beside_the_hub_restarts_it(hub: Hub) -> None:
    hub.upgrade(CAMPUS, NOTES, WITH_KEYS)
    pods = hub.pods("hub", "proxy")
    assert sorted(pods.values()) == ["hub", "proxy"]

    hub.upgrade(CAMPUS, NOTES, WITH_KEYS, CREDENTIALS, BESIDE)

    assert hub.get("cronjob", "fedhub-backup")
    assert hub.get("deployment", "fedhub-service-notes")["status"]["readyReplicas"] == 1
    assert hub.pods("hub", "proxy") == pods


def test_credentials_that_come_later_open_the_login_without_a_restart(hub: Hub) -> None:
    hub.upgrade(CAMPUS)
    pods = hub.pods("hub", "proxy")
    browser = hub.browser()
    assert browser.get("/hub/oauth_login").status_code == httpx.codes.SERVICE_UNAVAILABLE
    said = hub.helm("test", RELEASE, "--logs")
    assert said.returncode != 0
    assert "FAILED" in said.stdout
    assert "registered" in said.stdout

    hub.kubectl(
        *("create", "secret", "generic", "fedhub-credentials"),
        *("--from-literal=campus.client_id=one", "--from-literal=campus.client_secret=two"),
    )
    # The kubelet looks about once a minute.
    until(
        lambda: browser.get("/hub/oauth_login").status_code == httpx.codes.FOUND,
        "the hub does not know its credentials",
        seconds=180,
    )

    location = browser.get("/hub/oauth_login").headers["location"]
    assert location.startswith("https://cilogon.org/authorize?")
    assert hub.pods("hub", "proxy") == pods


def test_helm_test_passes_where_pods_are_restricted(hub: Hub) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    hub.cluster.kubectl("label", "namespace", hub.namespace, level)
    hub.upgrade(CAMPUS, NOTES, CREDENTIALS, BESIDE)

    said = hub.helm("test", RELEASE, "--logs")

    assert said.returncode == 0, said.stdout
    lines = said.stdout.splitlines()
    assert sum(line.startswith("ok") for line in lines) >= 4, said.stdout
    assert not [line for line in lines if line.startswith("FAILED")]


def test_the_next_release_has_the_users_of_the_one_that_was_uninstalled(hub: Hub) -> None:
    values = [WITHOUT_PROVIDER, {"backup": {"enabled": True}}]
    hub.upgrade(*values)
    with hub.browser() as browser:
        log_in(browser, "ada")
        start_server(browser, "ada")
        before = account(browser, "ada")["created"]
    assert hub.helm("test", RELEASE).returncode == 0

    assert hub.helm("uninstall", RELEASE, "--wait").returncode == 0
    assert left(hub) == [
        "ConfigMap/kube-root-ca.crt",
        "PersistentVolumeClaim/fedhub-backup",
        "PersistentVolumeClaim/hub-db-dir",
        "Pod/fedhub-test",
        "Pod/jupyter-ada",
    ]
    hub.upgrade(*values)

    with hub.browser() as browser:
        log_in(browser, "ada")
        assert account(browser, "ada")["created"] == before
