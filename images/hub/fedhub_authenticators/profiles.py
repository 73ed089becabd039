"""Server profiles for some groups only: `allowed_groups` in an entry of KubeSpawner's profile_list.

    singleuser:
      profileList:
        - display_name: Small
        - display_name: GPU
          allowed_groups: [gpu-users]

An entry without the key is for everybody. A choice of an entry's `profile_options` may have the
key, too. Groups are the hub's, whoever manages them; admins see what their groups see.

KubeSpawner holds what somebody asks for against the list that it gets for them, in the form and
over the API, so a profile that is not shown can't be started either. The spawner's class carries
this, not `c.KubeSpawner.profile_list`: an `extraConfig` may set or extend the list afterwards.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from jupyterhub.utils import maybe_future
from tornado.web import HTTPError
from traitlets import HasTraits, TraitError, validate
from traitlets.config.loader import LazyConfigValue

KEY = "allowed_groups"


class ProfilesByGroup(HasTraits):
    """What a KubeSpawner has on top: people are shown their groups' profiles only."""

    @validate("profile_list")
    def _by_group(self, proposal: Any) -> Any:
        """Take a list, or a function that makes one, as a function that leaves out some."""
        profiles = proposal["value"]
        if not callable(profiles):
            try:
                check_profiles(profiles)
            except ValueError as error:
                raise TraitError(str(error)) from error
            if not any(_restricted(profile) for profile in profiles):
                return profiles

        async def shown(spawner: Any) -> list[Any]:
            found = await maybe_future(profiles(spawner)) if callable(profiles) else profiles
            try:
                check_profiles(found)
            except ValueError as error:
                spawner.log.error("%s", error)
                raise HTTPError(
                    500, "The hub's list of servers is not as it should be. Tell its operator."
                ) from error
            mine = profiles_for({group.name for group in spawner.user.groups}, found)
            if found and not mine:
                raise HTTPError(
                    403,
                    "No server of this hub is for your groups. Ask its operator for access.",
                )
            return mine

        return shown


def show_profiles_by_group(c: Any) -> None:
    """Have a hub on Kubernetes show people the profiles of their groups.

    Args:
        c: JupyterHub's configuration object.

    Raises:
        ValueError: an entry of `c.KubeSpawner.profile_list` is wrong; the sentence says which.
    """
    profiles = c.get("KubeSpawner", {}).get("profile_list")
    # One that is only added to has no value yet.
    if (
        profiles is not None
        and not callable(profiles)
        and not isinstance(profiles, LazyConfigValue)
    ):
        check_profiles(profiles)
    named = c.JupyterHub.get("spawner_class")
    if named is None:
        return
    from jupyterhub.app import JupyterHub

    try:
        # A JupyterHub to ask would load every spawner that is installed.
        cls = JupyterHub.class_traits()["spawner_class"].validate(None, named)
    except TraitError:
        return  # JupyterHub says what is wrong with it
    if "profile_list" in cls.class_trait_names() and not issubclass(cls, ProfilesByGroup):
        # Under another name: a section that two classes of a family are called by is read twice.
        name = f"{cls.__name__}ByGroup"
        attributes = {"__module__": __name__, "__doc__": cls.__doc__}
        c.JupyterHub.spawner_class = type(name, (ProfilesByGroup, cls), attributes)


def profiles_for(groups: set[str], profiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the profiles that somebody in these groups may start.

    Args:
        groups: names of the hub's groups.
        profiles: what `check_profiles` took; left as it is.
    """
    return [
        _with_choices(profile, groups)
        for profile in profiles
        if _may(profile, groups) and _has_choices(profile, groups)
    ]


def _may(entry: Mapping[str, Any], groups: set[str]) -> bool:
    return KEY not in entry or not groups.isdisjoint(entry[KEY])


def _options(profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((profile.get("profile_options") or {}).values())


def _choices(option: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(option.get("choices") or {})


def _restricted(profile: Mapping[str, Any]) -> bool:
    below = [choice for option in _options(profile) for choice in _choices(option).values()]
    return any(KEY in entry for entry in [profile, *below])


def _has_choices(profile: Mapping[str, Any], groups: set[str]) -> bool:
    """Return whether each option of a profile leaves something to choose."""
    return all(
        not _choices(option) or any(_may(choice, groups) for choice in _choices(option).values())
        for option in _options(profile)
    )


def _with_choices(profile: dict[str, Any], groups: set[str]) -> dict[str, Any]:
    if not _restricted(profile):
        return profile
    mine = copy.deepcopy(profile)
    for option in _options(mine):
        if "choices" in option:
            option["choices"] = {
                name: choice for name, choice in _choices(option).items() if _may(choice, groups)
            }
    return mine


def check_profiles(profiles: Any) -> None:
    """Make sure that it can be told who may start which profile.

    Raises:
        ValueError: it can't; the sentence says where, and what to do.
    """
    if not isinstance(profiles, list | tuple):
        raise ValueError(f"profile_list is of type {type(profiles).__name__}; write a list")
    for number, profile in enumerate(profiles):
        where = f"profile_list[{number}]"
        _check_mapping(profile, where)
        _check_groups(profile, where)
        options = profile.get("profile_options") or {}
        _check_mapping(options, f"{where}.profile_options")
        for name, option in options.items():
            _check_mapping(option, f"{where}.profile_options.{name}")
            choices = option.get("choices") or {}
            _check_mapping(choices, f"{where}.profile_options.{name}.choices")
            for choice, about in choices.items():
                _check_mapping(about, f"{where}.profile_options.{name}.choices.{choice}")
                _check_groups(about, f"{where}.profile_options.{name}.choices.{choice}")


def _check_mapping(value: Any, where: str) -> None:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} is of type {type(value).__name__}; write a mapping of keys")


def _check_groups(entry: Mapping[str, Any], where: str) -> None:
    groups = entry.get(KEY, [])
    if not isinstance(groups, list | tuple | set | frozenset) or not all(
        isinstance(name, str) and name for name in groups
    ):
        raise ValueError(
            f"{where}.{KEY} must be a list of names of groups; write one, or leave it out to show "
            "the entry to everybody"
        )
