"""JupyterHub's OAuth pages, with plain words for whoever may not use an application.

JupyterHub says "You do not have permission to access Service grafana", to somebody who pressed a
button in Grafana and has never seen the hub. It says so before it asks people, and not when the
answer to that question comes: then it gives out a code, and fails when the code is redeemed. Where
it refuses the application, its log has no reason.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus

from jupyterhub import orm
from jupyterhub.apihandlers.auth import OAuthAuthorizeHandler, OAuthTokenHandler
from jupyterhub.apihandlers.users import SelfAPIHandler
from jupyterhub.utils import url_path_join
from oauthlib.common import urldecode
from tornado.httputil import url_concat
from tornado.web import HTTPError

from fedhub_authenticators import events
from fedhub_authenticators.inside import inside
from fedhub_authenticators.oidc_issuer import may_read_groups, may_use
from fedhub_authenticators.plain_words import tidy
from fedhub_authenticators.refusals import LogsNoQuery
from fedhub_authenticators.server_hooks import provider_of


class MayNotUse(HTTPError):  # noqa: N818 - it is what happened, as in a sentence
    """Somebody who is logged in may not use an application.

    Args:
        application: the service's name.
        username: who it is; only the words have it.
        another_account_url: where they log in as somebody else; "" for nowhere.
    """

    def __init__(self, application: str, username: str, another_account_url: str) -> None:
        super().__init__(
            HTTPStatus.FORBIDDEN,
            f"You are logged in to this hub as {username}, who is not among those who may use "
            f"{application}. Ask the hub's operator for access, or use another account.",
        )
        self.application = application
        self.another_account_url = another_account_url


class Authorize(LogsNoQuery, OAuthAuthorizeHandler):
    """Sends people back to an application, if they may use it."""

    async def prepare(self) -> None:
        """Refuse what oauthlib can't read, and what would have a code where it does not belong.

        In a fragment, which oauthlib allows, a code stays in the page, good for whatever else runs
        there. Any other `response_mode` would be taken for `query`, and its application told
        nothing.

        Raises:
            HTTPError: 400, there are signs in the address that have to be escaped there, or the
                answer is wanted elsewhere than in the query.
        """
        await super().prepare()
        try:
            urldecode(self.request.query)
            self.request.body.decode()
        except ValueError:
            raise HTTPError(
                HTTPStatus.BAD_REQUEST,
                "The application sent you here with an address that can't be read. Tell whoever "
                "runs it: signs in its query have to be escaped.",
            ) from None
        if set(self.get_arguments("response_mode")) - {"query"}:
            raise HTTPError(
                HTTPStatus.BAD_REQUEST,
                "The application wants the hub's answer in a way that this hub does not take. Tell "
                "whoever runs it: leave response_mode out.",
            )

    async def get(self) -> None:
        """Send somebody back with a code, ask them first, or have them log in.

        Raises:
            MayNotUse: they may not use the service.
        """
        try:
            if (going_on := super().get()) is not None:  # None where the login page comes first
                await going_on
        except HTTPError as error:
            client = self._client_of_service()
            if error.status_code == HTTPStatus.FORBIDDEN and client is not None:
                raise self._refusal(client) from error
            raise

    def post(self) -> None:
        """Send somebody back who was asked.

        Raises:
            MayNotUse: they may not use the service.
        """
        client = self._client_of_service()
        user = self.current_user
        if client is not None and user is not None and not may_use(user.orm_user, client):
            raise self._refusal(client)
        super().post()

    def _client_of_service(self) -> orm.OAuthClient | None:
        """Return the client that is asked for, if it is a service's and not a server's."""
        name = self.get_argument("client_id", "", strip=False)
        client = self.db.query(orm.OAuthClient).filter_by(identifier=name).one_or_none()
        return client if client is not None and client.service else None

    def _refusal(self, client: orm.OAuthClient) -> MayNotUse:
        name, user = client.service.name, self.current_user.name
        about = {"service": name, "user": user, "reason": "may not use the service"}
        self.log.warning("%s", events.line("application", "refused", **about))
        return MayNotUse(name, user, self._another_account_url())

    def _another_account_url(self) -> str:
        """Return where somebody logs in as somebody else, and comes back here."""
        provider: Any = provider_of(self.authenticator, self.current_user.name)
        if not hasattr(provider, "pages_path"):
            return ""
        page = url_path_join(provider.pages_path(self), "another_account")
        back = inside(self.request.uri, self.base_url)
        return str(url_concat(page, {"next": back} if back else {}))


class Token(LogsNoQuery, OAuthTokenHandler):
    """Exchanges codes for tokens; the log says why it does not."""

    def post(self) -> None:
        """Exchange a code; what JupyterHub answers 500 to is a request that makes no sense."""
        words = ""
        if self.request.query:
            words = "Send everything in the body, and nothing in the address."
        elif not _is_text(self.request.body):
            words = "The body is no form."
        if words:
            about = {"error": "invalid_request", "error_description": words}
            self.set_header("Content-Type", "application/json")
            self.send_oauth_response({}, json.dumps(about), HTTPStatus.BAD_REQUEST)
            return
        super().post()

    def send_oauth_response(self, headers: dict[str, str], body: str, status: int) -> None:
        """Answer an application."""
        if status >= HTTPStatus.BAD_REQUEST:
            client = tidy(self.get_body_argument("client_id", ""))
            error = json.loads(body)
            reason = error.get("error_description") or error["error"]
            about = {"client": client, "reason": reason}
            self.log.warning("%s", events.line("application", "refused", **about))
        super().send_oauth_response(headers, body, status)


def _is_text(body: bytes) -> bool:
    """Return whether a form can be read and kept; PostgreSQL takes no NUL."""
    try:
        return "\0" not in unquote_plus(body.decode(), errors="strict")
    except ValueError:
        return False


class WhoAmI(SelfAPIHandler):
    """Says whose an access token is.

    JupyterHub tells every application somebody's groups. Where the operator has listed what a
    service may read (`oauth_client_allowed_scopes`), they have to be in the list; otherwise there
    are none, which applications understand better than that there is no such field.
    """

    def user_model(self, user: Any) -> dict[str, Any]:
        """Return what the application may know."""
        model: dict[str, Any] = super().user_model(user)
        token = self.get_token()
        client = token.oauth_client if token else None
        if client and _lists_scopes(client) and not may_read_groups(user.orm_user, client):
            model["groups"] = []
        return model


def _lists_scopes(client: orm.OAuthClient) -> bool:
    """Return whether it is a service's, with scopes beside those that let people in and its own."""
    implied = ("access:", "custom:")
    return bool(client.service) and any(
        not scope.startswith(implied) for scope in client.allowed_scopes
    )


PAGES: list[tuple[str, type[Any]]] = [
    (r"/api/oauth2/authorize", Authorize),
    (r"/api/oauth2/token", Token),
    (r"/api/user", WhoAmI),
]
"""Where they are, in the place of JupyterHub's."""
