"""The table of traits is what the classes say, and takes what they take."""

from __future__ import annotations

import pytest
from fedhub_authenticators.providers import ours
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub.app import JupyterHub
from kubespawner import KubeSpawner
from oauthenticator.cilogon import CILogonOAuthenticator
from oauthenticator.github import GitHubOAuthenticator
from traitlets import TraitError

from fedhub.hub.traits import class_name, classes, mismatch, wanted, with_section
from tools.generate_traits import TABLE, render, table


def test_the_table_is_what_the_installed_classes_say():
    assert TABLE.read_text() == render(table()), "run tools/generate_traits.py"


@pytest.mark.parametrize("cls", [CILogonOAuthenticator, GitHubOAuthenticator, JupyterHub])
def test_a_class_has_its_own_and_inherited_traits_and_ours(cls):
    assert set(ours(cls).class_trait_names(config=True)) == set(classes()[cls.__name__].traits)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inside: (
        st.lists(inside, max_size=2) | st.dictionaries(st.text(max_size=3), inside, max_size=2)
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("cls", [CILogonOAuthenticator, KubeSpawner, JupyterHub])
@given(data=st.data())
def test_a_value_is_taken_exactly_when_traitlets_takes_it(cls, data):
    name = data.draw(st.sampled_from(sorted(classes()[cls.__name__].traits)))
    assert_agreed(cls, name, data.draw(values))


BOUNDED = [
    (cls, name)
    for cls in (CILogonOAuthenticator, KubeSpawner, JupyterHub)
    for name, accepts in classes()[cls.__name__].traits.items()
    if {"min", "max"} & accepts.keys()
]


@pytest.mark.parametrize(("cls", "name"), BOUNDED)
def test_a_number_beyond_its_bounds_is_refused(cls, name):
    accepts = classes()[cls.__name__].traits[name]
    for bound in {"min", "max"} & accepts.keys():
        for step in (-1, 0, 1):
            assert_agreed(cls, name, accepts[bound] + step)


def assert_agreed(cls, name, value):
    """Hold what the table says of a value against what traitlets says."""
    trait = ours(cls).class_traits()[name]
    accepts = classes()[cls.__name__].traits[name]
    if accepts["kind"] in ("EntryPointType", "Any"):
        return  # resolved by importing; decided by a validator of the class
    try:
        # Without what the class's own validators do after the trait has taken the value.
        if value is not None or not trait.allow_none:
            trait.validate(ours(cls).__new__(ours(cls)), value)
        taken = True
    except (TraitError, ValueError, AttributeError, IndexError, TypeError):
        taken = False
    assert (mismatch(accepts, value) is None) == taken, (name, accepts, value)


def test_where_a_value_is_wrong_is_told():
    accepts = {"kind": "Dict", "of": {"kind": "List", "of": {"kind": "Unicode"}}}
    assert mismatch(accepts, {"a": ["x"], "b": ["y", 5]}) == ("b", 1)


def test_what_a_trait_takes_is_said_in_words():
    traits = classes()["KubeSpawner"].traits
    assert wanted(traits["uid"]) == "a whole number or a Python function"
    assert wanted(classes()["OAuthenticator"].traits["allowed_groups"]) == "a list of strings"
    assert wanted(classes()["OAuthenticator"].traits["refresh_grace"]) == "a whole number from 0"


def test_old_names_are_followed_to_the_one_of_today():
    deprecated = classes()["CILogonOAuthenticator"].deprecated
    assert deprecated["allowed_idps"].use == "idps"
    assert not deprecated["allowed_idps"].refused
    assert deprecated["idp"].use == "idps"
    assert deprecated["idp"].refused


@pytest.mark.parametrize(
    ("named", "name"),
    [
        ("cilogon", "CILogonOAuthenticator"),
        ("CILogon", "CILogonOAuthenticator"),
        ("oauthenticator.cilogon.CILogonOAuthenticator", "CILogonOAuthenticator"),
        ("custosauthenticator.custos.CustosOAuthenticator", "CustosOAuthenticator"),
        ("somewhere.else:Other", "Other"),
        ("", ""),
    ],
)
def test_a_name_stands_for_a_class(named, name):
    assert class_name(named) == name


def test_a_section_configures_its_class_and_the_subclasses():
    found = {cls.name for cls in with_section("OAuthenticator")}
    assert {"OAuthenticator", "GitHubOAuthenticator", "LocalGitHubOAuthenticator"} <= found
    assert "DummyAuthenticator" not in found
