"""What rules on who gets in, under which name, find and leave alone, beyond their pages."""

from __future__ import annotations

import pytest

from tests.unit.checks.hub_texts import CAMPUS, GOOGLE, MICROSOFT, by, cilogon, plain

# --- who gets in --------------------------------------------------------------------------


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


# --- names --------------------------------------------------------------------------------


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
        ("uni.example.edu", "look it up with `fedhub idp search`; it starts with https:// "
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


def test_people_are_listed_beside_the_identity_providers(messages):
    traits = "idps: {https://a.org/idp: {username_derivation: {username_claim: email}"
    text = plain("cilogon", "CILogonOAuthenticator", traits + ", allowed_users: [ada]}}")
    (found,) = messages(text, "idp-settings")
    assert found.endswith("there is no setting allowed_users here; move it beside idps")
    (found,) = messages(text, "nobody-allowed")
    assert found.endswith("or allowed_users beside idps")


# --- groups -------------------------------------------------------------------------------


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


def test_fedhubs_own_classes_ask_again(messages):
    """As in the Custos tutorial's block, where nobody says a word of auth state."""
    text = plain("custos", "CustosOAuthenticator", "allowed_groups: [a]")
    assert messages(text, "stale-groups") == []


@pytest.mark.parametrize(
    ("traits", "number"),
    [
        (["allowed_organizations: [lab]"], 1),
        (["allowed_organizations: [lab]", "scope: [read:user]"], 1),
        (["allowed_organizations: [lab]", "scope: [read:org]"], 0),
        (["allowed_organizations: [lab]", "scope: [admin:org, user]"], 0),
        (["admin_groups: [lab]", "manage_groups: true"], 1),
        (["allowed_users: [ada]"], 0),
    ],
)
def test_github_needs_a_scope_to_tell_of_organisations(messages, traits, number):
    text = plain("github", "GitHubOAuthenticator", *traits)
    assert len(messages(text, "missing-scope")) == number


def test_group_rules_need_managed_groups(messages):
    text = plain("generic-oauth", "GenericOAuthenticator", "allowed_groups: [a]")
    assert len(messages(text, "groups-not-managed")) == 1
