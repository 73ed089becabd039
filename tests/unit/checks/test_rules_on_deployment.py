"""What rules on addresses, secrets and services find and leave alone, beyond their pages."""

from __future__ import annotations

import pytest

from tests.unit.checks.hub_texts import plain

# --- addresses ----------------------------------------------------------------------------

CALLBACK = "oauth_callback_url: https://hub.example.org/hub/oauth_callback"


@pytest.mark.parametrize(
    ("more", "number"),
    [
        ("ingress: {hosts: [hub.example.org]}", 0),
        ("ingress: {hosts: ['*.example.org']}", 0),
        ("ingress: {hosts: [jupyter.example.org]}", 1),
        ("ingress: {enabled: false, hosts: [jupyter.example.org]}", 0),
        ("ingress: {tls: [{hosts: [jupyter.example.org]}]}", 1),
        ("httpRoute: {hostnames: [jupyter.example.org]}", 1),
        ("proxy: {https: {hosts: [jupyter.example.org]}}", 1),
        ("global: {fedhub: {domain: jupyter.example.org}}", 1),
        ("{}", 0),
    ],
)
def test_the_callback_is_on_the_hubs_host(messages, more, number):
    text = plain("github", "GitHubOAuthenticator", CALLBACK, more="" if more == "{}" else more)
    assert len(messages(text, "callback-host")) == number


def test_the_certificate_covers_the_ingress_host(messages):
    text = "ingress: {hosts: [a.org, b.org], tls: [{hosts: [a.org]}]}"
    (found,) = messages(text, "host-mismatch")
    assert "the ingress host b.org is not covered by the ingress TLS host a.org" in found


@pytest.mark.parametrize(("base", "number"), [("/", 0), ("/jupyter/", 1)])
def test_the_callback_is_below_the_base_url(messages, base, number):
    text = plain("github", "GitHubOAuthenticator", CALLBACK, more=f"  baseUrl: {base}\n")
    assert len(messages(text, "callback-path")) == number


@pytest.mark.parametrize(
    ("address", "severities"),
    [
        ("oauth_callback_url: http://hub.example.org/hub/oauth_callback", ["error"]),
        ("oauth_callback_url: http://localhost:8000/hub/oauth_callback", ["warning"]),
        ("token_url: http://keycloak.auth.svc/token", []),
        ("token_url: http://keycloak.example.org/token", ["error"]),
        ("token_url: https://keycloak.example.org/token", []),
    ],
)
def test_logins_over_plain_http(messages, address, severities):
    found = messages(plain("generic-oauth", "GenericOAuthenticator", address), "plain-http")
    assert [one.partition(":")[0] for one in found] == severities


# --- what was left in ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("custos-xxxx-1000", "xxxx"),
        ("<your client id>", "<your client id>"),
        ("https://<hub>/hub/oauth_callback", "<hub>"),
        ("CHANGE_ME", "CHANGE_ME"),
        ("changeme", "changeme"),
        ("https://your.jupyterhub.com/hub/oauth_callback", "your.jupyterhub.com"),
        ("your-client-id", "your-client-id"),
        ("TODO", "TODO"),
        ("…", "…"),
        ("….", "…."),
        ("...", "..."),
        ("https://hub.example.org/hub/oauth_callback", None),
        ("<b>Welcome</b>", None),
        ("Sign in with your university account", None),
        ("5a6c9f3e-researchers", None),
        ("xxx", None),
        ("More …", None),
    ],
)
def test_placeholders(messages, value, found):
    expected = [f"error: the placeholder {found} was left in; write the real value"]
    text = plain("github", "GitHubOAuthenticator", f'client_id: "{value}"')
    assert messages(text, "placeholder") == (expected if found else [])


@pytest.mark.parametrize(
    ("more", "number"),
    [
        ("proxy: {secretToken: 0d9c41}", 1),
        ("proxy: {secretToken: ''}", 0),
        ("proxy: {https: {secret: {name: hub-tls}}}", 0),
        ("hub: {existingSecret: hub-credentials}", 0),
        ("hub: {cookieSecret: 0d9c41}", 1),
        ("hub: {services: {grafana: {apiToken: 0d9c41}}}", 1),
        ("hub: {config: {CryptKeeper: {keys: [0d9c41, 7e]}}}", 2),
        ("hub: {config: {SharedPasswordAuthenticator: {user_password: 0d9c41}}}", 1),
        ("hub: {config: {JupyterHub: {service_tokens: {0d9c41: grafana}}}}", 1),
        ("hub: {config: {GenericOAuthenticator: {token_url: https://a.org/token}}}", 0),
        ("hub: {extraEnv: {OAUTH_CLIENT_SECRET: 0d9c41}}", 1),
        ("hub: {extraEnv: [{name: OAUTH_CLIENT_SECRET, value: 0d9c41}]}", 1),
        ("hub: {extraEnv: {X_TOKEN: {valueFrom: {secretKeyRef: {name: a, key: token}}}}}", 0),
        ("hub: {extraConfig: {a: 'c.OAuthenticator.client_secret = \"0d9c41\"'}}", 1),
        ("hub: {extraConfig: {a: 'c.OAuthenticator.client_secret = os.environ[\"A\"]'}}", 0),
        ('hub: {extraConfig: {a: \'c.JupyterHub.services = [{"api_token": "0d9c41"}]\'}}', 1),
        ("ingress: {tls: [{secretName: hub-tls}]}", 0),
        ("imagePullSecret: {password: 0d9c41}", 1),
        ("imagePullSecrets: [{name: registry}]", 0),
        ("hub: {config: {OAuthenticator: {client_secret: xxxxxxxx}}}", 0),
    ],
)
def test_credentials_in_a_plaintext_file(messages, more, number):
    found = messages(more, "plaintext-credential")
    assert len(found) == number
    assert all("values/enc-campus.secret.values.yaml" in one for one in found)


def test_a_plaintext_file_of_secrets_is_one_warning(check):
    secrets = "hub: {cookieSecret: 0d9c41, config: {CryptKeeper: {keys: [7e]}}}"
    found = check(plain("github", "GitHubOAuthenticator", "allow_all: true"), secrets=secrets)
    warned = [p for p in found.problems if "enc-" in p.position.file]
    assert [(p.id, p.severity, p.message) for p in warned] == [
        ("load", "warning", "secrets in plaintext")
    ]


# --- services -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "number"),
    [
        ("{}", 1),
        ("{user: {scopes: [self, 'access:services']}}", 0),
        ("{user: {scopes: [self, 'access:services!service=grafana']}}", 0),
        ("{user: {scopes: [self, 'access:services!service=other']}}", 1),
        ("{user: {scopes: ['access:services']}}", 1),
    ],
)
def test_a_service_needs_a_role(messages, roles, number):
    text = f"""
        hub:
          services: {{grafana: {{oauth_redirect_uri: https://grafana.example.org/login}}}}
          loadRoles: {roles}
        """
    assert len(messages(text, "service-access")) == number


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://grafana.example.org/login", ""),
        ("/services/grafana/oauth_callback", ""),
        ("http://127.0.0.1:3000/login", ""),
        ("http://grafana.example.org/login", "others can read the code"),
        ("https://grafana.example.org/*", "no wildcards"),
        ("https://grafana.example.org/a/../login", "another address"),
        ("grafana.example.org/login", "no https:// address"),
        ("//grafana.example.org/login", "no https:// address"),
        ("/services/grafana/../login", "another address"),
        ("/services/grafana/*", "no wildcards"),
    ],
)
@pytest.mark.parametrize("at", ["hub", "global"])
def test_the_callback_url_of_a_service(messages, address, words, at):
    services = f"services: {{grafana: {{oauth_redirect_uri: '{address}'}}}}"
    text = {"hub": f"hub: {{{services}}}", "global": f"global: {{fedhub: {{{services}}}}}"}[at]
    found = messages(text, "service-callback")
    assert [words in one for one in found] == ([True] if words else [])


@pytest.mark.parametrize(
    ("oidc", "number"),
    [
        ("{enabled: true}", 1),
        ("{enabled: true, privateKey: ''}", 1),
        ("{enabled: false}", 0),
        ("{}", 0),
    ],
)
def test_an_issuer_needs_a_key(messages, oidc, number):
    text = f"global: {{fedhub: {{domain: hub.example.org, oidc: {oidc}}}}}"
    assert len(messages(text, "issuer-key")) == number
    key = "global: {fedhub: {oidc: {privateKey: 0d9c41}}}"
    assert messages(text, "issuer-key", secrets=key) == []
