"""Values that can't work are refused before anything is installed, in words that say what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.conftest import KEYS, Render, merged

CAMPUS = {"authenticator": "cilogon", "config": {"idps": {"https://idp.example.org": {}}}}
HUB: dict[str, Any] = {"domain": "hub.example.org", "login": {"campus": CAMPUS}}


OWN_HTTPS = {
    "enabled": True,
    "hosts": ["hub.example.org"],
    "letsencrypt": {"contactEmail": "a@b.org"},
}


def values(fedhub: dict[str, Any] | None = None, **beside: Any) -> dict[str, Any]:
    return merged({"global": {"fedhub": HUB}}, {"global": {"fedhub": fedhub or {}}, **beside})


def hub(**traits: Any) -> dict[str, Any]:
    return {"jupyterhub": {"hub": traits}}


def backed_up(**db: Any) -> dict[str, Any]:
    return values(**hub(db=db), backup={"enabled": True})


PROMETHEUS: dict[str, Any] = {
    "services": {"prometheus": {"api_token": "made-up"}},
    "loadRoles": {"prometheus": {"scopes": ["read:metrics"], "services": ["prometheus"]}},
}
WATCHED = {"serviceMonitor": {"enabled": True}}


CASES: list[tuple[dict[str, Any], str]] = [
    # the domain and the login
    ({"global": {"fedhub": {"login": {"campus": CAMPUS}}}}, "global.fedhub.domain is missing"),
    ({"global": {"fedhub": {"domain": "hub.example.org"}}}, "names no login provider"),
    (values({"login": {"campus": None}}), "names no login provider"),
    (
        values({"login": {"campus": {"config": {"oauth_callback_url": "http://a.b/c"}}}}),
        "login.campus.config.oauth_callback_url is http://a.b/c, where codes and cookies travel",
    ),
    (
        values(**hub(config={"GitHubOAuthenticator": {"oauth_callback_url": "http://a.b/c"}})),
        "jupyterhub.hub.config.GitHubOAuthenticator.oauth_callback_url is http://a.b/c",
    ),
    # keys that are there, but none
    (
        values(**hub(config={"JupyterHub": {"cookie_secret": "…"}})),
        "jupyterhub.hub.config.JupyterHub.cookie_secret is shorter than 32 characters",
    ),
    (
        values(**hub(config={"CryptKeeper": {"keys": ["ab" * 32, "…."]}})),
        "jupyterhub.hub.config.CryptKeeper.keys is shorter than 32 characters",
    ),
    (
        values(**hub(config={"ConfigurableHTTPProxy": {"auth_token": "secret"}})),
        "jupyterhub.hub.config.ConfigurableHTTPProxy.auth_token is shorter than 32 characters",
    ),
    (values({"oidc": {"enabled": True}}), "global.fedhub.oidc.privateKey, which signs ID tokens"),
    # nobody gets in who is not meant to
    *(
        (
            {"global": {"fedhub": {"domain": "hub.example.org"}}}
            | hub(config={"JupyterHub": {"authenticator_class": dummy}}),
            "names no login provider, so anybody could log in",
        )
        for dummy in ("jupyterhub.auth.DummyAuthenticator", "Dummy")
    ),
    (
        {"global": {"fedhub": {"domain": "hub.example.org"}}}
        | hub(extraConfig={"slow": "c.Spawner.start_timeout = 60"}),
        "names no login provider, so anybody could log in",
    ),
    (
        values({"login": {"guests": {"authenticator": "dummy"}}}),
        "global.fedhub.login.guests lets anybody in under any name",
    ),
    (
        values({"login": {"campus": {"config": {"admin_users": ["olga", "<admin>"]}}}}),
        'global.fedhub.login.campus.config has "<admin>", which is still to be filled in',
    ),
    # routes
    (
        values(jupyterhub={"ingress": {"enabled": True}}),
        "jupyterhub.ingress is enabled beside global.fedhub.ingress; turn",
    ),
    (
        values({"ingress": {"enabled": True}, "httpRoute": {"enabled": True}}),
        "both global.fedhub.ingress and global.fedhub.httpRoute are enabled; turn one off",
    ),
    (
        values(
            {"httpRoute": {"enabled": True, "parentRefs": [{"name": "g"}]}},
            jupyterhub={"ingress": {"enabled": True}},
        ),
        "jupyterhub.ingress is enabled beside global.fedhub.httpRoute",
    ),
    (values({"httpRoute": {"enabled": True}}), "httpRoute.parentRefs is empty"),
    (
        values(jupyterhub={"proxy": {"https": OWN_HTTPS}}),
        "jupyterhub.proxy.https is enabled beside global.fedhub.ingress",
    ),
    (
        values({"tls": {"issuer": {"kind": "ClusterIssuer", "acme": {"email": "a@b.org"}}}}),
        "global.fedhub.tls.issuer.acme makes an Issuer of the hub's namespace",
    ),
    # credentials
    (
        values(credentials={"campsu": {"client_id": "a", "client_secret": "b"}}),
        "credentials.campsu is of no provider under global.fedhub.login, which has campus",
    ),
    (
        values(
            {"login": {"campus": {"credentials": {"existingSecret": "s"}}}},
            credentials={"campus": {"client_id": "a", "client_secret": "b"}},
            jupyterhub={"hub": {"existingSecret": "s"}},
        ),
        "both say where the client comes from; keep one",
    ),
    (
        values(
            {"login": {"campus": {"config": {"client_secret": "b"}}}},
            credentials={"campus": {"client_id": "a", "client_secret": "b"}},
        ),
        "both hold the client; keep credentials.campus",
    ),
    (
        values({"login": {"campus": {"credentials": {"existingSecret": "s"}}}}),
        "existingSecret is s, which the hub does not mount; set jupyterhub.hub.existingSecret to s",
    ),
    (
        values(**hub(extraVolumes=[{"name": "mine", "emptyDir": {}}])),
        "jupyterhub.hub.extraVolumes or extraVolumeMounts lost the entry fedhub-credentials",
    ),
    (values(**hub(extraVolumeMounts=[])), "lost the entry fedhub-credentials"),
    # monitoring
    (
        values(monitoring=WATCHED),
        "has no token to read the hub's metrics with; write jupyterhub.hub.services.prometheus: {}",
    ),
    (
        values(monitoring=WATCHED, **hub(services=PROMETHEUS["services"])),
        "write jupyterhub.hub.loadRoles.prometheus: {scopes: [read:metrics], services: [prometheus",
    ),
    (
        values(
            monitoring=WATCHED,
            **hub(**PROMETHEUS | {"loadRoles": {"other": {"scopes": ["read:metrics"]}}}),
        ),
        "needs a role that lets the service prometheus read metrics",
    ),
    (
        values(monitoring=WATCHED, **hub(**PROMETHEUS | {"services": {"prometheus": {}}})),
        "jupyterhub.hub.services.prometheus.api_token must be set where no cluster can keep them",
    ),
    # services
    (
        values({"services": {"g": {"oauth_redirect_uri": "https://g.org/cb"}}}),
        "global.fedhub.services.g.api_token is missing",
    ),
    (
        values(**hub(services={"announcement": {"url": "http://a"}})),
        "jupyterhub.hub.services.announcement.api_token must be set where no cluster can keep them",
    ),
    # backups
    (backed_up(type="sqlite-memory"), "is sqlite-memory, of which nothing is left to back up"),
    (backed_up(type="mysql", url="mysql://a:b@c/d"), "is mysql, which this chart can't back up"),
    (backed_up(type="other", url="sqlite:////a"), "is other, which this chart can't back up"),
    (backed_up(type="postgres"), "jupyterhub.hub.db.url is missing"),
    (
        backed_up(type="postgres", url="postgresql+psycopg2://hub@db/hub"),
        "there is no password for the database; set jupyterhub.hub.db.password",
    ),
    (
        backed_up(pvc={"accessModes": ["ReadWriteOncePod"]}),
        "accessModes has ReadWriteOncePod, so that nobody but the hub could read",
    ),
]


@pytest.mark.parametrize(("given", "said"), CASES)
def test_what_can_not_work_is_said(render: Render, given: dict[str, Any], said: str) -> None:
    found = render(given)
    assert said in found.error
    assert "the values can't work:" in found.error
    assert found.text == ""


def test_a_dummy_with_a_password_is_somebodys_choice(render: Render) -> None:
    given = {"global": {"fedhub": {"domain": "hub.example.org"}}}
    chosen = merged(given, hub(config={"DummyAuthenticator": {"password": "made-up"}}))

    assert "names no login provider" in render(given).error
    assert not render(chosen).error


def test_all_of_it_is_said_at_once(render: Render) -> None:
    error = render({}, keys=False).error
    assert error.count("\n- ") == 3
    for missing in ("JupyterHub.cookie_secret", "CryptKeeper.keys", "ConfigurableHTTPProxy"):
        assert missing in error


@pytest.mark.parametrize("missing", KEYS)
def test_nothing_is_rendered_that_would_be_another_each_time(render: Render, missing: str) -> None:
    """zero-to-jupyterhub-k8s issue 2887."""
    kept = {key: value for key, value in KEYS.items() if key != missing}
    given = values(**hub(config=kept))
    assert f"jupyterhub.hub.config.{missing}" in render(given, keys=False).error


KINDS = "v1/Secret"
"""What helm knows where it has asked a cluster for its kinds."""


@pytest.mark.parametrize("key", ["serviceMonitor", "prometheusRule"])
def test_the_prometheus_operator_is_named_where_it_lacks(render: Render, key: str) -> None:
    asked = ("--api-versions", KINDS)
    group = ("--api-versions", "monitoring.coreos.com/v1")
    given = values(monitoring={key: {"enabled": True}}, **hub(**PROMETHEUS))
    said = f"monitoring.{key} needs the Prometheus Operator, which this cluster lacks"
    assert said in render(given, more=asked).error
    assert render(given, more=(*asked, *group)).objects
    assert render(given).objects, "without a cluster nobody knows"


@pytest.mark.parametrize(
    ("fedhub", "group", "said"),
    [
        (
            {"httpRoute": {"enabled": True, "parentRefs": [{"name": "g"}]}},
            "gateway.networking.k8s.io/v1",
            "needs the Gateway API, which this cluster lacks",
        ),
        (
            {"tls": {"issuer": {"name": "letsencrypt"}}},
            "cert-manager.io/v1",
            "needs cert-manager, which this cluster lacks",
        ),
        (
            {
                "login": {
                    "campus": {
                        "credentials": {
                            "externalSecret": {"key": "k", "secretStoreRef": {"name": "s"}}
                        }
                    }
                }
            },
            "external-secrets.io/v1",
            "needs the External Secrets Operator, which this cluster lacks",
        ),
    ],
)
def test_kinds_that_the_cluster_lacks_are_named(
    render: Render, fedhub: dict[str, Any], group: str, said: str
) -> None:
    asked = ("--api-versions", KINDS)
    assert said in render(values(fedhub), more=asked).error
    assert render(values(fedhub), more=(*asked, "--api-versions", group)).objects
    assert render(values(fedhub)).objects, "without a cluster nobody knows"
