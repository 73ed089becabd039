"""Personas follow from a provider's rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedhub.access.cilogon import ELSEWHERE
from fedhub.access.institutions import institution
from fedhub.access.persona import Persona
from fedhub.access.personas import personas
from fedhub.access.provider import Provider

CAMPUS = "https://idp.uni.example.edu/idp/shibboleth"
GOOGLE = "http://google.com/accounts/o8/id"


def provider(name: str = "login", face: str = "cilogon", **traits: Any) -> Provider:
    classes = {"github": "GitHubOAuthenticator", "google": "GoogleOAuthenticator"}
    return Provider(
        name=name,
        label="Sign in",
        face="oidc" if face == "google" else face,
        classes=(classes.get(face, "OAuthenticator"),),
        user_key="oauth_user",
        traits=traits,
    )


def by_name(found: list[Persona]) -> dict[str, Persona]:
    return {persona.name: persona for persona in found}


def email_rule(**rule: Any) -> dict[str, Any]:
    return {"username_derivation": {"username_claim": "email"}, **rule}


def test_an_institution_with_domains_has_a_member_and_an_outsider() -> None:
    found = by_name(personas([provider(idps={GOOGLE: email_rule(allowed_domains=["lab.org"])})]))
    assert found["google-member"].claims["email"] == "ada@lab.org"
    assert not str(found["google-outsider"].claims["email"]).endswith("@lab.org")
    assert found["google-outsider"].idp == GOOGLE


def test_an_institution_that_lets_everybody_in_has_no_outsider() -> None:
    found = by_name(personas([provider(idps={CAMPUS: email_rule(allow_all=True)})]))
    assert not [name for name in found if name.endswith("-outsider")]


def test_people_of_custos_have_an_institution_where_it_matters() -> None:
    listed = provider(face="custos", allow_all=True, idps=[CAMPUS], idp_claims=["idp"])
    found = by_name(personas([listed]))
    assert found["example-member"].claims["idp"] == CAMPUS
    assert found["sign-in-elsewhere"].claims["idp"] == ELSEWHERE
    assert found["sign-in-elsewhere"].idp == ELSEWHERE
    assert (
        "idp"
        not in by_name(personas([provider(face="custos", allow_all=True)]))["sign-in-member"].claims
    )


@pytest.mark.parametrize("face", ["custos", "keycloak"])
@pytest.mark.parametrize("username_claim", ["preferred_username", "email", "sub"])
def test_each_institution_behind_custos_has_people_of_its_own(
    face: str, username_claim: str
) -> None:
    listed = provider(
        face=face,
        idps=[CAMPUS, GOOGLE, "lab-saml"],
        idp_claims=["identity_provider"],
        username_claim=username_claim,
        allow_all=True,
    )
    members = [one for one in personas([listed]) if one.name.endswith("-member")]
    names = [(one.name, one.idp, one.idp_name) for one in members]
    assert names == [
        ("example-member", CAMPUS, "example.edu"),
        ("google-member", GOOGLE, "Google"),
        ("lab-saml-member", "lab-saml", "lab-saml"),
    ]
    assert [one.claims["identity_provider"] for one in members] == [CAMPUS, GOOGLE, "lab-saml"]
    # A realm has each of these once.
    for claim in ("sub", "preferred_username", "email"):
        assert len({one.claims[claim] for one in members}) == 3


def test_a_group_and_somebody_without_one_exist_at_each_institution_behind_custos() -> None:
    listed = provider(
        face="custos", idps=[CAMPUS, GOOGLE], idp_claims=["idp"], allowed_groups=["staff"]
    )
    found = by_name(personas([listed]))
    for short, idp in (("example", CAMPUS), ("google", GOOGLE)):
        assert found[f"{short}-group-staff"].claims["groups"] == ["staff"]
        assert found[f"{short}-group-staff"].claims["idp"] == idp
        assert found[f"{short}-outsider"].idp == idp


def test_a_namesake_has_the_members_local_name_at_an_unlisted_institution() -> None:
    found = by_name(personas([provider(idps={CAMPUS: email_rule(allow_all=True)})]))
    namesake = next(persona for persona in found.values() if persona.idp == ELSEWHERE)
    member = next(persona for name, persona in found.items() if name.endswith("-member"))
    assert namesake.claims["preferred_username"] == member.claims["preferred_username"]
    assert namesake.claims["sub"] != member.claims["sub"]


def test_a_stripped_user_name_becomes_the_claim_that_yields_it() -> None:
    derivation = {
        "username_claim": "eppn",
        "action": "strip_idp_domain",
        "domain": "uni.example.edu",
    }
    rules = {CAMPUS: {"username_derivation": derivation}}
    found = by_name(personas([provider(idps=rules, admin_users=["olga"])]))
    admin = next(persona for name, persona in found.items() if name.endswith("-admin"))
    assert admin.claims["eppn"] == "olga@uni.example.edu"


def test_a_prefixed_admin_belongs_to_the_institution_with_that_prefix() -> None:
    rules = {
        CAMPUS: email_rule(allow_all=True),
        GOOGLE: {
            "username_derivation": {
                "username_claim": "email",
                "action": "prefix",
                "prefix": "google",
            }
        },
    }
    found = by_name(personas([provider(idps=rules, admin_users=["google:olga@lab.org"])]))
    assert found["google-admin"].claims["email"] == "olga@lab.org"
    assert found["google-admin"].idp == GOOGLE


def test_staff_who_are_only_named_are_admins_at_the_institution_that_takes_any_address() -> None:
    rules = {CAMPUS: email_rule(allow_all=True), GOOGLE: email_rule()}
    found = by_name(personas([provider(idps=rules, admin_users=["olga@operator.org"])]))
    assert found["google-admin"].claims["email"] == "olga@operator.org"
    assert "example-admin" not in found


def test_an_admin_with_the_campus_domain_is_the_campuss() -> None:
    rules = {GOOGLE: email_rule(), CAMPUS: email_rule(allow_all=True)}
    found = by_name(personas([provider(idps=rules, admin_users=["olga@uni.example.edu"])]))
    assert found["example-admin"].idp == CAMPUS
    assert "google-admin" not in found


def test_every_organisation_and_the_first_admin_of_github_have_a_persona() -> None:
    found = by_name(
        personas(
            [
                provider(
                    face="github",
                    allowed_organizations=["lab", "club:staff"],
                    admin_users=["olga"],
                )
            ]
        )
    )
    assert found["github-lab"].claims["groups"] == ["lab"]
    assert found["github-club-staff"].claims["groups"] == ["club:staff"]
    assert found["github-admin"].claims["preferred_username"] == "olga"
    assert found["github-outsider"].claims["groups"] == ["some-other-organisation"]


def test_groups_stand_where_the_authenticator_looks_for_them() -> None:
    found = by_name(
        personas(
            [
                provider(
                    name="sso",
                    face="oidc",
                    allowed_groups=["staff"],
                    auth_state_groups_key="oauth_user.realm.roles",
                )
            ]
        )
    )
    assert found["sso-group-staff"].claims["realm"] == {"roles": ["staff"]}


def test_a_hosted_domain_has_a_workspace_member_and_a_private_outsider() -> None:
    found = by_name(personas([provider(face="google", hosted_domain=["lab.org"])]))
    assert found["google-lab-org"].claims["hd"] == "lab.org"
    assert "hd" not in found["google-outsider"].claims


@pytest.mark.parametrize(
    ("entity_id", "domain"),
    [
        (CAMPUS, "example.edu"),
        ("https://idp.ox.ac.uk/shibboleth", "ox.ac.uk"),
        ("urn:mace:incommon:uiuc.edu", "uiuc.edu"),
        (GOOGLE, "gmail.com"),
        ("https://localhost", "localhost.example"),
    ],
)
def test_an_institutions_domain_is_guessed_from_its_entity_id(entity_id: str, domain: str) -> None:
    assert institution(entity_id).domain == domain


name = st.from_regex(r"[a-z][a-z0-9._@:-]{0,12}", fullmatch=True)
derivations = st.one_of(
    st.fixed_dictionaries({"username_claim": st.sampled_from(["email", "eppn", "sub", "oidc"])}),
    st.fixed_dictionaries(
        {
            "username_claim": st.just("email"),
            "action": st.just("strip_idp_domain"),
            "domain": name,
        }
    ),
    st.fixed_dictionaries(
        {"username_claim": st.just("email"), "action": st.just("prefix"), "prefix": name}
    ),
)
rules = st.fixed_dictionaries(
    {"username_derivation": derivations},
    optional={
        "allow_all": st.booleans(),
        "allowed_domains": st.lists(st.sampled_from(["a.org", "*.b.org", "c?.org", "[cd].org"])),
        "allowed_domains_claim": st.sampled_from(["email", "hd"]),
    },
)
traits = st.fixed_dictionaries(
    {},
    optional={
        "idps": st.dictionaries(st.sampled_from([CAMPUS, GOOGLE, "urn:x"]), rules),
        "allow_all": st.booleans(),
        "allowed_users": st.lists(name),
        "admin_users": st.lists(name),
        "allowed_groups": st.lists(name),
        "admin_groups": st.lists(name),
        "allowed_organizations": st.lists(name),
        "hosted_domain": st.lists(name),
        "username_claim": st.sampled_from(["email", "sub", "login"]),
        "auth_state_groups_key": st.sampled_from(["", "groups", "oauth_user.a.b"]),
    },
)
faces = st.sampled_from(["cilogon", "github", "google", "oidc", "keycloak", "custos"])


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "login"]), faces, traits), max_size=4))
def test_names_are_unique_and_the_same_each_time(
    several: list[tuple[str, str, dict[str, Any]]],
) -> None:
    providers = [provider(name, face, **traits) for name, face, traits in several]
    found = personas(providers)
    assert len({persona.name for persona in found}) == len(found)
    assert found == personas(providers)
    assert all(persona.claims.get("sub") for persona in found)
