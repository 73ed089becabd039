"""Where a rule that decided stands in the values."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedhub.access.places import RulePath, code_place, provider_place, rule_place
from fedhub.hub import Hub, load_hub

IDP = "https://idp.uni.example.edu/idp/shibboleth"


def hub_of(folder: Path, text: str) -> Hub:
    (folder / "lab.values.yaml").write_text(text)
    return load_hub("lab", folder=folder)


def at(hub: Hub, provider: str, *rule: str | int) -> str:
    """The text that stands where a rule is said to be."""
    place = rule_place(hub, provider, rule)
    return text_at(place.file, place.line, place.column)


def text_at(file: str, line: int, column: int) -> str:
    return Path(file).read_text().splitlines()[line - 1][column - 1 :]


FEDHUB = f"""\
global:
  fedhub:
    domain: hub.example.org
    login:
      campus:
        authenticator: cilogon
        config:
          idps:
            {IDP}:
              username_derivation: {{username_claim: email}}
              allow_all: true
              allowed_domains:
                - lab.org
                - "*.Example.EDU"
          allowed_users: [eve, Ada]
          admin_users: &admins
            - olga
hub:
  config:
    Authenticator:
      blocked_users:
        - eve
    OAuthenticator:
      username_pattern: "[a-z]+"
"""
PLAIN = """\
hub:
  config:
    JupyterHub:
      authenticator_class: github
    Authenticator:
      admin_users:
        - olga
    GitHubOAuthenticator:
      allowed_organizations:
        - lab
"""
SEVERAL = """\
hub:
  config:
    Authenticator:
      admin_users: [staff:olga, ada]
global:
  fedhub:
    domain: hub.example.org
    login:
      students:
        authenticator: github
        prefix: ""
        config: {allow_all: true}
      staff:
        authenticator: github
        config:
          admin_users:
            - eve
"""
CODE = """\
hub:
  config:
    JupyterHub:
      authenticator_class: github
    GitHubOAuthenticator:
      allowed_users: [ada]
  extraConfig:
    00-rules: |
      c.GitHubOAuthenticator.allowed_organizations = {"lab"}
      c.GitHubOAuthenticator.admin_users = names()
"""


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (("idps", IDP, "allow_all"), "allow_all: true"),
        (("idps", IDP, "allowed_domains", "lab.org"), "- lab.org"),
        (("idps", IDP, "allowed_domains", "*.example.edu"), '- "*.Example.EDU"'),
        (("idps",), "idps:"),
        (("allowed_users", "ada"), "Ada]"),
        (("admin_users", "olga"), "- olga"),
        (("blocked_users", "eve"), "- eve"),
        (("username_pattern",), 'username_pattern: "[a-z]+"'),
    ],
)
def test_a_rule_stands_where_it_was_written(rule: RulePath, text: str, tmp_path: Path) -> None:
    found = at(hub_of(tmp_path, FEDHUB), "campus", *rule)
    assert found.removeprefix("- ") == text.removeprefix("- ")


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_plain_files_rules_are_found_wrapped_or_not(wrapped: bool, tmp_path: Path) -> None:
    indented = "".join(f"  {line}\n" for line in PLAIN.splitlines())
    hub = hub_of(tmp_path, f"jupyterhub:\n{indented}" if wrapped else PLAIN)
    assert at(hub, "login", "allowed_organizations", "lab") == "lab"
    assert at(hub, "login", "admin_users", "olga") == "olga"


def test_of_several_providers_each_has_its_own(tmp_path: Path) -> None:
    hub = hub_of(tmp_path, SEVERAL)
    assert at(hub, "staff", "admin_users", "eve") == "eve"
    assert at(hub, "staff", "admin_users", "olga") == "staff:olga, ada]"
    assert at(hub, "students", "admin_users", "ada") == "ada]"
    assert at(hub, "students", "allow_all") == "allow_all: true}"


def test_a_rule_that_code_sets_stands_in_the_code(tmp_path: Path) -> None:
    hub = hub_of(tmp_path, CODE)
    assert at(hub, "login", "allowed_organizations", "lab").startswith("c.GitHubOAuthenticator.all")
    assert at(hub, "login", "admin_users", "olga").startswith("c.GitHubOAuthenticator.admin_users")
    assert at(hub, "login", "allowed_users", "ada") == "ada]"


def test_a_rule_that_only_running_the_code_tells_stands_at_its_block(tmp_path: Path) -> None:
    code = CODE.partition("      c.GitHub")[0] + "      configure(c)\n"
    assert at(hub_of(tmp_path, code), "login", "allow_all") == "|"


def test_the_file_on_top_is_named(tmp_path: Path) -> None:
    (tmp_path / "lab.values.yaml").write_text(PLAIN)
    over = tmp_path / "over.yaml"
    over.write_text("hub: {config: {GitHubOAuthenticator: {allowed_users: [ada]}}}\n")
    hub = load_hub("lab", extra=[over], folder=tmp_path)
    assert rule_place(hub, "login", ("allowed_users", "ada")).file == str(over)


def test_without_a_rule_the_institutions_entry_is_the_place(tmp_path: Path) -> None:
    hub = hub_of(tmp_path, FEDHUB)
    place = provider_place(hub, "campus", IDP)
    assert text_at(place.file, place.line, place.column) == f"{IDP}:"
    place = provider_place(hub, "campus", "https://elsewhere.example")
    assert text_at(place.file, place.line, place.column) == "campus:"


def test_an_old_name_of_a_trait_is_found(tmp_path: Path) -> None:
    old = PLAIN.replace("allowed_organizations", "github_organization_whitelist")
    assert at(hub_of(tmp_path, old), "login", "allowed_organizations", "lab") == "lab"


def test_a_class_in_the_values_stands_at_its_block(tmp_path: Path) -> None:
    code = (
        "hub:\n  extraConfig:\n    ours: |\n"
        "      from oauthenticator.github import GitHubOAuthenticator\n"
        "      class Ours(GitHubOAuthenticator):\n          pass\n"
        "      c.JupyterHub.authenticator_class = Ours\n"
    )
    place = code_place(hub_of(tmp_path, code), "login")
    assert text_at(place.file, place.line, place.column) == "|"


def test_a_provider_that_reading_does_not_know_has_a_place_all_the_same(tmp_path: Path) -> None:
    assert rule_place(hub_of(tmp_path, PLAIN), "elsewhere", ("allow_all",)).line == 4
