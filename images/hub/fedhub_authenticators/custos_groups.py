"""A person's groups at Custos: asked for, or as the tokens have them.

Asked at login and at every refresh. Where the answer is not as it should be, nobody gets in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.httputil import url_concat

from fedhub_authenticators.custos_rest import CustosRest
from fedhub_authenticators.custos_settings import CustosSettings
from fedhub_authenticators.refusals import Reason, Refused

KEPT = "custos_groups"
"""The key of auth_state for what Custos answered."""


class CustosGroups(CustosRest, CustosSettings, OAuthenticator):
    """Finds out which groups somebody is in."""

    async def memberships(self, user_info: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Ask Custos v1.0.0 for somebody's groups.

        Raises:
            Refused: it did not answer, or not as it should.
        """
        name = user_info.get("username") or user_info.get("preferred_username")
        if not isinstance(name, str) or not name:
            raise self.groups_unknown("there is no name to ask with")
        try:
            answer = await self.custos(
                url_concat(
                    f"{self.service('group-management')}/user/group/memberships",
                    {"profile.username": name},
                ),
                label="asking Custos for groups",
                secret=self.custos_secret(),
            )
        except (HTTPClientError, OSError, ValueError) as error:
            raise self.groups_unknown(type(error).__name__) from error
        groups = answer.get("groups") if isinstance(answer, Mapping) else None
        if not isinstance(groups, list) or not all(self._called(group) for group in groups):
            raise self.groups_unknown("the answer is not as it should be")
        return groups

    def asks_for_groups(self) -> bool:
        """Return whether groups are asked for, rather than read from a claim."""
        return bool(self.manage_groups and self.custos_secret() and self.flavour != "v1")

    def _called(self, group: Any) -> str:
        """Return what the hub calls a group, empty where Custos' answer is not as it should be."""
        name = group.get("name" if self.groups_by_name else "id") if isinstance(group, dict) else ""
        return name if isinstance(name, str) else ""

    async def get_user_groups(self, auth_state: dict[str, Any]) -> Any:
        """Return the ids of somebody's groups, or their names with `groups_by_name`.

        Where Custos is not asked, what the claim says, as it is: `Groups` judges it.
        """
        if KEPT in auth_state:
            return {self._called(group) for group in auth_state[KEPT]}
        return auth_state[self.user_auth_state_key].get("groups")

    def groups_unknown(self, why: str) -> Refused:
        """Return the refusal of somebody whose groups can't be told.

        Args:
            why: for the log.
        """
        self.log.error("%s did not tell somebody's groups: %s", self.login_service, why)
        return Refused(
            Reason.GROUPS,
            f"{self.login_service} did not tell the hub your groups as it should, so the hub can't "
            "let you in. Try again in a few minutes; if that does not help, tell its operator.",
            status=502,
        )
