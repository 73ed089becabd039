"""What rules on traits and code find and leave alone, beyond the examples of their pages."""

from __future__ import annotations

import pytest

from tests.unit.checks.hub_texts import plain

# --- traits -------------------------------------------------------------------------------


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
