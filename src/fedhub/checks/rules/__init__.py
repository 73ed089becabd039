"""The rules of `fedhub check`, one module each.

Every rule has the same four names: its docstring, which is its page in the documentation (what
is wrong, why it matters, a bad and a good example); `ID`; `SEVERITY`, of most of what it finds;
`check`, a generator of problems, which knows nothing of printing. A new rule is a new module here
and its name in the list below.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, cast

from fedhub.checks.problem import Problem, Severity
from fedhub.checks.rules import (
    callback_host,
    callback_path,
    callback_twice,
    chosen_email,
    deprecated_trait,
    everybody_allowed,
    extra_config_syntax,
    extra_config_type,
    groups_not_managed,
    host_mismatch,
    idp_settings,
    issuer_key,
    misplaced_trait,
    missing_scope,
    nobody_allowed,
    placeholder,
    plain_http,
    plaintext_credential,
    service_access,
    service_callback,
    shared_username,
    stale_groups,
    trait_type,
    unknown_authenticator,
    unknown_idp,
    unknown_section,
    unknown_trait,
)
from fedhub.hub.values import Hub


class Rule(Protocol):
    """What every module of this package is."""

    __doc__: str | None
    ID: str
    SEVERITY: Severity

    @staticmethod
    def check(hub: Hub) -> Iterator[Problem]:
        """Yield what is wrong with a hub."""


RULES: dict[str, Rule] = {
    module.ID: cast(Rule, module)
    for module in (
        unknown_trait,
        trait_type,
        deprecated_trait,
        misplaced_trait,
        unknown_section,
        unknown_authenticator,
        extra_config_syntax,
        extra_config_type,
        nobody_allowed,
        everybody_allowed,
        shared_username,
        chosen_email,
        groups_not_managed,
        missing_scope,
        stale_groups,
        unknown_idp,
        idp_settings,
        callback_host,
        callback_path,
        callback_twice,
        host_mismatch,
        plain_http,
        placeholder,
        plaintext_credential,
        service_access,
        service_callback,
        issuer_key,
    )
}
"""Every rule by its id, in the order of the documentation."""
