"""GitHub's organisations and teams as groups: `org`, and `org:team` as upstream writes teams."""

from __future__ import annotations

from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError

from fedhub_authenticators import events
from fedhub_authenticators.fetching import Fetching
from fedhub_authenticators.refusals import Reason, Refused

_PER_PAGE = 100
"""As many as GitHub gives at once."""

_FORBIDDEN = (403, 404)
"""GitHub's answers to a token without the scope."""


class GitHubGroups(Fetching, OAuthenticator):
    """Asks GitHub, where no `auth_state_groups_key` says otherwise."""

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Return the organisations and teams of somebody.

        Needs the scope `read:org`: GitHub REST API, "List organizations for the authenticated
        user" and "List teams for the authenticated user".

        Raises:
            Refused: GitHub does not tell.
            HTTPClientError: it does not answer.
        """
        token = auth_state["token_response"]
        try:
            organisations = await self._github_list("/user/orgs", token)
            teams = await self._github_list("/user/teams", token)
        except HTTPClientError as error:
            if error.code not in _FORBIDDEN:
                raise
            raise self._github_groups_unknown("is the scope read:org missing?") from error
        try:
            return {one["login"] for one in organisations} | {
                f"{one['organization']['login']}:{one['slug']}" for one in teams
            }
        except (KeyError, TypeError) as error:
            raise self._github_groups_unknown("the answer is not as it should be") from error

    async def _github_list(self, page: str, token: dict[str, Any]) -> list[Any]:
        """Return all that a list of GitHub's has, page by page."""
        headers = self.build_userdata_request_headers(token["access_token"], token["token_type"])
        found: list[Any] = []
        number = 0
        while len(found) == number * _PER_PAGE:
            number += 1
            some = await self.httpfetch(
                f"{self.github_api}{page}?per_page={_PER_PAGE}&page={number}",
                label="asking GitHub for groups",
                headers=headers,
                validate_cert=self.validate_server_cert,
            )
            if not isinstance(some, list):
                raise self._github_groups_unknown("the answer is no list")
            found += some
        return found

    def _github_groups_unknown(self, why: str) -> Refused:
        self.log.error("%s", events.line("groups", "unknown", provider=self.called, why=why))
        return Refused(
            Reason.GROUPS,
            f"{self.login_service} did not tell the hub your groups, so the hub can't let you in. "
            "Tell the hub's operator.",
        )
