"""What each rule finds and what it leaves alone, beyond the examples of its page."""

from __future__ import annotations

import pytest

CAMPUS = "https://idp.uni.example.edu/idp/shibboleth"
GOOGLE = "http://google.com/accounts/o8/id"
MICROSOFT = "http://login.microsoftonline.com/common/oauth2/v2.0/authorize"


@pytest.fixture
def messages(check):
    """Return `id: message; fix` of each problem of a rule."""

    def of(text: str, rule: str, **others: str) -> list[str]:
        found = check(text, **others).problems
        return [f"{p.severity}: {p.message}; {p.fix}" for p in found if p.id == rule]

    return of


def plain(authenticator: str, section: str, *traits: str, more: str = "") -> str:
    """Return a plain z2jh file; each trait is a line of its class's section."""
    lines = "".join(f"      {trait}\n" for trait in traits)
    return (
        "hub:\n  config:\n"
        f"    JupyterHub: {{authenticator_class: {authenticator}}}\n"
        f"    {section}:\n      enable_pkce: true\n{lines}{more}"
    )


def cilogon(*idps: str) -> str:
    """Return a CILogon hub; each entry is `entity ID: {settings}`."""
    lines = [f'"{idp.split(" ")[0]}": {idp.partition(" ")[2]}' for idp in idps]
    return plain("cilogon", "CILogonOAuthenticator", f"idps: {{{', '.join(lines)}}}")


def by(claim: str = "email", **more: str) -> str:
    derivation = ", ".join(f"{k}: {v}" for k, v in {"username_claim": claim, **more}.items())
    return f"{{allow_all: true, username_derivation: {{{derivation}}}}}"


# --- traits --------------------------------------------------------------------------------


def test_a_misspelt_trait_is_answered_with_the_right_one(messages):
    (found,) = messages(plain("cilogon", "CILogonOAuthenticator", "idpz: {}"), "unknown-trait")
    assert found == "error: CILogonOAuthenticator has no trait idpz; did you mean idps?"


def test_a_trait_of_another_class_is_sent_there(messages):
    text = plain("github", "GitHubOAuthenticator", "shutdown_on_logout: true")
    (found,) = messages(text, "unknown-trait")
    assert found.endswith("it is a trait of JupyterHub: move it there")


def test_a_section_in_a_section_is_sent_one_level_up(messages):
    text = plain("github", "GitHubOAuthenticator", "Authenticator: {admin_users: [a]}")
    (found,) = messages(text, "unknown-trait")
    assert "one level up" in found


def test_a_parents_section_may_hold_a_trait_of_the_class_in_use(messages):
    text = "hub: {config: {JupyterHub: {authenticator_class: github}, Authenticator: {%s: [a]}}}"
    assert messages(text % "allowed_organizations", "unknown-trait") == []
    assert len(messages(text % "allowed_google_groups", "unknown-trait")) == 1


def test_traits_of_a_provider_under_global_fedhub_are_looked_at(check):
    result = check(
        """
        global:
          fedhub:
            domain: hub.example.org
            login:
              lab:
                authenticator: github
                config:
                  allowed_organisations: [example-lab]
        """
    )
    found = [p for p in result.problems if p.id == "unknown-trait"]
    assert [str(p.position) for p in found] == ["values/campus.values.yaml:9:11"]
    assert found[0].path == "global.fedhub.login.lab.config.allowed_organisations"
    assert found[0].fix == "did you mean allowed_organizations?"


@pytest.mark.parametrize(
    ("trait", "message"),
    [
        ("allow_all: 'true'", "GitHubOAuthenticator.allow_all takes true or false, and this is a "
         "string; write true or false without quotes"),
        ("client_id: 17", "GitHubOAuthenticator.client_id takes a string, and this is a number; "
         "put it between quotes"),
        ("scope: [read:org, 5]", "GitHubOAuthenticator.scope.1 takes a string, and this is a "
         "number; put it between quotes"),
        ("auth_refresh_age: '5'", "GitHubOAuthenticator.auth_refresh_age takes a whole number, "
         "and this is a string; write it without quotes"),
        ("refresh_user_hook: x", "GitHubOAuthenticator.refresh_user_hook takes a Python function, "
         "and this is a string; set it in hub.extraConfig, where a function can be written"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_said_in_words(messages, trait, message):
    found = messages(plain("github", "GitHubOAuthenticator", trait), "trait-type")
    assert found == [f"error: {message}"]


def test_null_deletes_and_is_no_wrong_type(messages):
    assert messages(plain("github", "GitHubOAuthenticator", "scope: null"), "trait-type") == []


def test_a_refused_old_name_is_an_error(messages):
    text = plain("cilogon", "CILogonOAuthenticator", "username_claim: email", "allowed_idps: {}")
    assert messages(text, "deprecated-trait") == [
        "error: CILogonOAuthenticator.username_claim is no longer accepted since 16.0.0; use idps",
        "warning: CILogonOAuthenticator.allowed_idps is deprecated since 17.4.0; use idps",
    ]


def test_a_section_in_lower_case_is_answered_with_the_class(messages):
    (found,) = messages("hub: {config: {jupyterhub: {}}}", "unknown-section")
    assert found == "error: there is no class jupyterhub; did you mean JupyterHub?"


@pytest.mark.parametrize("section", ["TmpAuthenticator", "LTI13Authenticator"])
def test_authenticators_of_other_packages_are_let_be(messages, section):
    assert messages(f"hub: {{config: {{{section}: {{a: 1}}}}}}", "unknown-section") == []


def test_a_class_of_somebody_elses_is_worth_a_note(messages):
    (found,) = messages("hub: {config: {BinderSpawnerMixin: {a: 1}}}", "unknown-section")
    assert found.startswith("info: ")


def test_a_misspelt_authenticator_is_answered_with_the_right_one(messages):
    (found,) = messages(plain("cilogn", "Authenticator"), "unknown-authenticator")
    assert found == "error: no authenticator is registered as cilogn; did you mean cilogon?"


@pytest.mark.parametrize("name", ["tmp", "native", "my.package.OwnAuthenticator", "custos"])
def test_other_authenticators_are_let_be(messages, name):
    assert messages(plain(name, "Authenticator"), "unknown-authenticator") == []


# --- code ---------------------------------------------------------------------------------


def test_code_is_read_like_values(check):
    result = check(
        """
        hub:
          extraConfig:
            00-login: |
              from oauthenticator.cilogon import CILogonOAuthenticator

              c.JupyterHub.authenticator_class = CILogonOAuthenticator
              c.CILogonOAuthenticator.idpz = {}
              if True:
                  c.CILogonOAuthenticator.scope = "openid"
              c.CILogonOAuthenticator.scope = "openid"
            01-broken: |
              x = [1,
                2))
        """
    )
    found = [f"{p.position.line}:{p.position.column} {p.id}" for p in result.problems]
    assert "8:7 unknown-trait" in found
    assert "11:39 trait-type" in found
    assert "14:10 extra-config-syntax" in found
    assert sum("trait-type" in one for one in found) == 1


def test_a_class_that_code_defines_is_known_by_its_parents(messages):
    text = """
        hub:
          extraConfig:
            own: |
              from oauthenticator.github import GitHubOAuthenticator
              class Lab(GitHubOAuthenticator):
                  floor = Int(config=True)
              c.JupyterHub.authenticator_class = Lab
              c.Lab.floor = 5
              c.Lab.allowed_organisations = {"a"}
        """
    (found,) = messages(text, "unknown-trait")
    assert found == "error: Lab has no trait allowed_organisations; did you mean " + (
        "allowed_organizations?"
    )


def test_a_number_as_code_is_an_error(messages):
    (found,) = messages("hub: {extraConfig: {a: 5, b: null, c: 'x = 1'}}", "extra-config-type")
    assert "hub.extraConfig.a is not text" in found


# --- who gets in ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    ["allow_all: true", "allowed_users: [a]", "admin_users: [a]", "allowed_organizations: [a]",
     "allow_existing_users: true", "allowed_groups: [a]"],
)  # fmt: skip
def test_any_rule_lets_somebody_in(messages, rule):
    assert messages(plain("github", "GitHubOAuthenticator", rule), "nobody-allowed") == []


@pytest.mark.parametrize("no_rule", ["allow_all: false", "allowed_users: []", "scope: [a]"])
def test_what_is_no_rule_lets_nobody_in(messages, no_rule):
    (found,) = messages(plain("github", "GitHubOAuthenticator", no_rule), "nobody-allowed")
    assert found.startswith("error: GitHubOAuthenticator lets nobody in")
    assert found.endswith("add allowed_organizations or allowed_users or allow_all")


def test_code_that_can_not_be_followed_may_let_somebody_in(messages):
    code = '  extraConfig: {a: "c.Authenticator.allowed_users = read()"}\n'
    text = plain("github", "GitHubOAuthenticator", more=code)
    assert messages(text, "nobody-allowed") == []
    assert messages(text.replace("read()", "set()"), "nobody-allowed") != []


def test_an_idp_without_a_rule_beside_one_with_a_rule(messages):
    closed = f"{GOOGLE} {{username_derivation: {{username_claim: email}}}}"
    (found,) = messages(cilogon(f"{CAMPUS} {by('eppn')}", closed), "nobody-allowed")
    assert found.startswith(f"warning: nobody of {GOOGLE} is let in")


def test_everybody_at_one_campus_is_a_decision(messages):
    assert messages(cilogon(f"{CAMPUS} {by('eppn')}"), "everybody-allowed") == []


def test_everybody_at_a_social_provider_is_a_warning(messages):
    (found,) = messages(cilogon(f"{GOOGLE} {by()}"), "everybody-allowed")
    assert found.startswith("warning: everybody who has an account at Google is let in")


@pytest.mark.parametrize(("closed", "number"), [("scope: [a]", 1), ("hosted_domain: [a.org]", 0)])
def test_a_workspace_domain_closes_google(messages, closed, number):
    text = plain("google", "GoogleOAuthenticator", "allow_all: true", closed)
    assert len(messages(text, "everybody-allowed")) == number


def test_without_a_login_z2jh_lets_everybody_in(messages):
    (found,) = messages("hub: {db: {type: sqlite-pvc}}", "everybody-allowed")
    assert "no authenticator is chosen" in found


# --- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (by(), by(), True),
        (by("eppn"), by("email"), True),
        (by(), by(action="prefix", prefix="g"), False),
        (by(action="prefix", prefix="g"), by(action="prefix", prefix="g"), True),
        (by(action="strip_idp_domain", domain="a.edu"), by(), False),
        (by(action="strip_idp_domain", domain="a.edu"),
         by(action="strip_idp_domain", domain="b.edu"), True),
        (by("preferred_username"), by(), False),
    ],
)  # fmt: skip
def test_two_idps_that_can_make_the_same_name(messages, first, second, shared):
    found = messages(cilogon(f"{GOOGLE} {second}", f"{CAMPUS} {first}"), "shared-username")
    assert bool(found) is shared
    assert all(f"Google and {CAMPUS} can give two people" in one for one in found)


@pytest.mark.parametrize(
    ("first", "second", "number"),
    [("null", "null", 0), ("''", "null", 0), ("''", "''", 1), ("'a'", "'ab:'", 1)],
)
def test_prefixes_tell_providers_apart(messages, first, second, number):
    text = f"""
        global:
          fedhub:
            domain: hub.example.org
            login:
              one: {{authenticator: github, prefix: {first}, config: {{allowed_users: [a]}}}}
              two: {{authenticator: google, prefix: {second}, config: {{allowed_users: [a]}}}}
        """
    assert len(messages(text, "shared-username")) == number


def test_microsofts_common_tenant_proves_no_address(messages):
    rule = "{allowed_domains: [a.edu], username_derivation: {username_claim: %s}}"
    assert len(messages(cilogon(f"{MICROSOFT} {rule % 'email'}"), "chosen-email")) == 1
    assert messages(cilogon(f"{MICROSOFT} {rule % 'eppn'}"), "chosen-email") == []
    assert messages(cilogon(f"{CAMPUS} {rule % 'email'}"), "chosen-email") == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://google.com/accounts/o8/id", f"did you mean {GOOGLE}?"),
        ("https://accounts.google.com", f"did you mean {GOOGLE}?"),
        ("https://github.com/login/oauth/authorize",
         "did you mean http://github.com/login/oauth/authorize?"),
        ("google.com", f"did you mean {GOOGLE}?"),
        ("urn:mace:incommon:uiuc.edus", "did you mean urn:mace:incommon:uiuc.edu?"),
        ("https://login.cmu.edu/idp/shibboleth/", "did you mean https://login.cmu.edu/idp/"
         "shibboleth?"),
        ("uni.example.edu", "look it up at https://cilogon.org/idplist/; it starts with https:// "
         "or urn:"),
    ],
)  # fmt: skip
def test_an_entity_id_that_nobody_has(messages, written, meant):
    (found,) = messages(cilogon(f"{written} {by()}"), "unknown-idp")
    assert found == f"error: no identity provider has the entity ID {written}; {meant}"


@pytest.mark.parametrize("entity_id", [CAMPUS, GOOGLE, MICROSOFT, "urn:mace:other:uni.edu"])
def test_an_entity_id_that_may_be_right(messages, entity_id):
    assert messages(cilogon(f"{entity_id} {by()}"), "unknown-idp") == []


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("{}", "username_derivation is missing"),
        ("{username_derivation: {}}", "username_claim is missing"),
        ("{username_derivation: {username_claim: a, action: prefix}}",
         "the action prefix needs prefix"),
        ("{username_derivation: {username_claim: a, action: prefx}}", "there is no action prefx"),
        ("{username_derivation: {username_claim: a}, allow_al: true}",
         "there is no setting allow_al"),
        ("{username_derivation: {username_claim: a}, allowed_domains: ['@a.edu']}",
         "an allowed domain with an @ matches nobody"),
        ("x", "an identity provider's settings are a map"),
    ],
)  # fmt: skip
def test_settings_of_an_idp_that_oauthenticator_refuses(messages, rule, found):
    (one,) = messages(cilogon(f"{CAMPUS} {rule}"), "idp-settings")
    assert one.startswith(f"error: {found}; ")


# --- groups --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("traits", "cause"),
    [
        ([], "auth_state is off"),
        (["enable_auth_state: true"], "oauthenticator refreshes groups without asking again"),
        (["enable_auth_state: true", "auth_refresh_age: 0"], "auth_refresh_age is 0"),
    ],
)
def test_groups_that_are_asked_only_at_login(messages, traits, cause):
    traits = ["manage_groups: true", "allowed_groups: [a]", *traits]
    (found,) = messages(plain("generic-oauth", "GenericOAuthenticator", *traits), "stale-groups")
    assert cause in found


def test_organisations_that_are_asked_only_at_login(messages):
    text = plain("github", "GitHubOAuthenticator", "allowed_organizations: [lab]")
    (found,) = messages(text, "stale-groups")
    assert "allowed_organizations" in found


def test_group_rules_need_managed_groups(messages):
    text = plain("generic-oauth", "GenericOAuthenticator", "allowed_groups: [a]")
    assert len(messages(text, "groups-not-managed")) == 1


# --- addresses -----------------------------------------------------------------------------

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


# --- what was left in ----------------------------------------------------------------------


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
        ("https://hub.example.org/hub/oauth_callback", None),
        ("<b>Welcome</b>", None),
        ("Sign in with your university account", None),
        ("5a6c9f3e-researchers", None),
        ("xxx", None),
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


# --- services ------------------------------------------------------------------------------


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
