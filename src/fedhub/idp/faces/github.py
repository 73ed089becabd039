"""GitHub's OAuth and the parts of its REST API that a login needs.

Behaviour from docs.github.com: "Authorizing OAuth apps", "Troubleshooting OAuth app access token
request errors" and the REST reference; addresses as on GitHub Enterprise Server (`/api/v3`).
A persona's claim `groups` lists organisations (`org`) and teams (`org:team`).
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, g, jsonify, request
from werkzeug.exceptions import NotFound

from fedhub.idp import bearer, sessions
from fedhub.idp.authorization import Server, token_response
from fedhub.idp.claims import groups_of
from fedhub.idp.client import Face
from fedhub.idp.logout import ask, goodbye
from fedhub.idp.records import SignIn, Token
from fedhub.idp.refusals import Reason
from fedhub.idp.signin import authorize
from fedhub.idp.site import Refusal, Site, enter, error_page, send_back
from fedhub.idp.state import State, username_of

DOCS = (
    "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-authorization-request-errors/"
)
BAD_CODE: Refusal = (
    200,
    "bad_verification_code",
    "The code passed is incorrect or expired.",
)
BAD_CREDENTIALS: Refusal = (
    200,
    "incorrect_client_credentials",
    "The client_id and/or client_secret passed are incorrect.",
)
PAGE_SIZE = 30
MAX_PAGE_SIZE = 100
ORG_SCOPES = frozenset({"read:org", "write:org", "admin:org"})
EMAIL_SCOPES = frozenset({"user", "user:email"})


class GithubSite(Site):
    """GitHub's manners."""

    face: ClassVar[Face] = "github"
    session_cookie = "user_session"
    logout_withdraws_tokens = False
    understood_prompts = frozenset({"select_account"})
    access_lifetime = 10 * 365 * 86400.0  # tokens of an OAuth app don't expire
    cancelled_words = "The user has denied your application access."
    refusals: ClassVar[Mapping[Reason, Refusal]] = {
        **dict.fromkeys(Reason, BAD_CODE),
        Reason.UNKNOWN_CLIENT: BAD_CREDENTIALS,
        Reason.NO_CREDENTIALS: BAD_CREDENTIALS,
        Reason.WRONG_SECRET: BAD_CREDENTIALS,
        Reason.CALLBACK_MISMATCH: (
            200,
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
        ),
    }

    @property
    def title(self) -> str:
        """GitHub."""
        return "GitHub"

    @property
    def issuer(self) -> str:
        """GitHub issues no ID tokens; its address."""
        return self.state.url

    @property
    def cookie_paths(self) -> tuple[str, ...]:
        """The OAuth pages' and the logout page's."""
        return ("/login/oauth/", "/logout")

    def new_code(self) -> str:
        """Twenty hexadecimal digits."""
        return secrets.token_hex(10)

    def new_access_token(self, signin: SignIn, scope: str) -> str:
        """With the prefix of an OAuth app's token."""
        return f"gho_{super().new_access_token(signin, scope)}"

    def granted_scope(self, scope: str) -> str:
        """No ID tokens: OpenID Connect's scopes mean nothing here."""
        return " ".join(w for w in scope.replace(",", " ").split() if w != "openid")

    def deny(self, redirect_uri: str, error: str, words: str, state: str) -> Response:
        """With a link to the documentation."""
        parameters = [("error", error), ("error_description", words), ("error_uri", DOCS)]
        return send_back(redirect_uri, parameters + ([("state", state)] if state else []))

    def refuse_authorize(self, reason: Reason, redirect_uri: str) -> Response:
        """An unregistered callback is reported to the registered one."""
        client = self.client(request.values.get("client_id", ""))
        if client is None or not client.redirect_uris:
            return error_page(self.title, "There is no application of this client_id.", 404)
        words = "The redirect_uri MUST match the registered callback URL for this application."
        state = request.values.get("state", "")
        return self.deny(client.redirect_uris[0], "redirect_uri_mismatch", words, state)

    def refuse_token(self, reason: Reason, *, basic: bool) -> Response:
        """HTTP 200 with an `error`."""
        _, error, words = self.refusals[reason]
        return _in_asked_format(
            {"error": error, "error_description": words, "error_uri": f"{DOCS}#{error}"}
        )

    def refuse_bearer(self, *, given: bool, description: str = "") -> Response:
        """The REST API's 401."""
        return _api_error(401, "Bad credentials" if given else "Requires authentication")

    def refuse_disabled(self) -> Response:
        """The REST API's 403."""
        return _api_error(403, "Sorry. Your account was suspended.")


def register(app: Flask, state: State, server: Server) -> None:
    """Serve GitHub's addresses."""
    login = Blueprint("github", __name__, url_prefix="/login/oauth")
    api = Blueprint("github-api", __name__, url_prefix="/api/v3")
    _add_login(login, state, server)
    _add_api(api, state)
    app.register_blueprint(login)
    app.add_url_rule("/logout", "github.logout", lambda: _logout(state), methods=["GET", "POST"])
    app.register_blueprint(api)


def _logout(state: State) -> Response:
    """The page at https://github.com/logout: for people, who are asked; it leads nowhere."""
    site = enter(GithubSite(state))
    session = sessions.current(site)
    if session and "confirm" not in request.form:
        return ask(site)
    if session:
        sessions.end(site, session.id)
    reply = goodbye(site)
    sessions.forget(site, reply)
    return reply


def _add_login(routes: Blueprint, state: State, server: Server) -> None:
    @routes.route("/authorize", methods=["GET", "POST"], endpoint="authorize")
    def authorize_() -> Response:
        site = enter(GithubSite(state))
        return authorize(site, server, implied={"response_type": "code"})

    @routes.post("/access_token", endpoint="token")
    def token() -> Response:
        enter(GithubSite(state))
        reply = token_response(server, implied={"grant_type": "authorization_code"})
        if not reply.is_json or reply.get_json().get("error"):
            return reply
        issued = reply.get_json()
        scope = ",".join(issued["scope"].split())
        return _in_asked_format(
            {"access_token": issued["access_token"], "scope": scope, "token_type": "bearer"}
        )


def _add_api(routes: Blueprint, state: State) -> None:
    @routes.before_request
    def check_token() -> Response | None:
        site = enter(GithubSite(state))
        scheme = "token" if bearer.bearer_value("token") else "bearer"
        found = bearer.access_token(site, scheme=scheme)
        if isinstance(found, Response):
            return found
        g.token = found
        return None

    @routes.get("/user", endpoint="userinfo")
    def user() -> Response:
        return jsonify(_user(state, _token()))

    @routes.get("/user/emails", endpoint="emails")
    def emails() -> Response:
        if not _has_scope(EMAIL_SCOPES):
            raise NotFound
        claims = _token().signin.claims
        mail = claims.get("email")
        verified = claims.get("email_verified", True)
        entry = {"email": mail, "primary": True, "verified": verified, "visibility": "private"}
        return _paged([entry] if mail else [])

    @routes.get("/user/orgs", endpoint="orgs")
    def orgs() -> Response:
        names = _organisations(_token().signin.claims) if _has_scope(ORG_SCOPES) else []
        return _paged([_organisation(state, name) for name in names])

    @routes.get("/user/teams", endpoint="teams")
    def teams() -> Response:
        if not _has_scope(ORG_SCOPES):
            raise NotFound
        teams = _teams(_token().signin.claims)
        return _paged([_team(state, org, team) for org, team in teams])

    @routes.get("/orgs/<org>/members/<user>", endpoint="members")
    def member(org: str, user: str) -> Response:
        return _membership(user, lambda claims: _holds(org, _organisations(claims)))

    @routes.get("/orgs/<org>/teams/<team>/members/<user>", endpoint="team-members")
    @routes.get("/orgs/<org>/teams/<team>/memberships/<user>", endpoint="team-members")
    def team_member(org: str, team: str, user: str) -> Response:
        return _membership(
            user,
            lambda claims: _holds(f"{org}:{team}", [":".join(t) for t in _teams(claims)]),
        )

    def _membership(user: str, belongs: Any) -> Response:
        known = state.people(_token().signin.client.provider)
        claims = next((c for n, c in known.items() if n.lower() == user.lower()), None)
        if claims is None or not _has_scope(ORG_SCOPES) or not belongs(claims):
            raise NotFound
        return Response(status=204)

    @routes.errorhandler(NotFound)
    def not_found(error: NotFound) -> Response:
        return _api_error(404, "Not Found")


def _token() -> Token:
    token: Token = g.token
    return token


def _has_scope(any_of: frozenset[str]) -> bool:
    return bool(any_of & set(_token().scope.split()))


def _user(state: State, token: Token) -> dict[str, Any]:
    claims = token.signin.claims
    login = username_of(claims, token.signin.persona)
    return {
        "login": login,
        "id": _number(str(claims.get("sub", login))),
        "type": "User",
        "site_admin": False,
        "url": f"{state.url}/api/v3/users/{login}",
        "html_url": f"{state.url}/{login}",
        "name": claims.get("name"),
        "company": claims.get("company"),
        "email": claims.get("email"),
    }


def _organisation(state: State, name: str) -> dict[str, Any]:
    return {"login": name, "id": _number(name), "url": f"{state.url}/api/v3/orgs/{name}"}


def _team(state: State, org: str, team: str) -> dict[str, Any]:
    return {
        "id": _number(f"{org}:{team}"),
        "name": team,
        "slug": team,
        "organization": _organisation(state, org),
    }


def _organisations(claims: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(group.partition(":")[0] for group in groups_of(claims)))


def _teams(claims: Mapping[str, Any]) -> list[tuple[str, str]]:
    split = [group.partition(":") for group in groups_of(claims)]
    return [(org, team) for org, _, team in split if team]


def _holds(name: str, names: list[str]) -> bool:
    """GitHub's names are the same in upper and lower case."""
    return name.lower() in {other.lower() for other in names}


def _number(name: str) -> int:
    """A stable numeric id."""
    return zlib.crc32(name.encode("utf-8", "replace"))


def _paged(items: list[dict[str, Any]]) -> Response:
    """One page and the `Link` header that leads to the others."""
    size = max(1, min(request.args.get("per_page", PAGE_SIZE, type=int), MAX_PAGE_SIZE))
    page = max(1, request.args.get("page", 1, type=int))
    last = max(1, -(-len(items) // size))
    reply = jsonify(items[(page - 1) * size : page * size])
    targets = {"next": page + 1, "last": last} if page < last else {}
    if page > 1:
        targets |= {"prev": page - 1, "first": 1}
    if targets:
        base = f"{g.site.state.url}{request.path}"
        links = [
            f'<{base}?{urlencode({"per_page": size, "page": number})}>; rel="{name}"'
            for name, number in targets.items()
        ]
        reply.headers["Link"] = ", ".join(links)
    return reply


def _api_error(status: int, message: str) -> Response:
    docs = "https://docs.github.com/rest"
    reply = jsonify(message=message, documentation_url=docs, status=str(status))
    reply.status_code = status
    return reply


def _in_asked_format(values: dict[str, str]) -> Response:
    """Form-encoded unless the client accepts JSON."""
    if "json" in request.headers.get("Accept", ""):
        return jsonify(values)
    return Response(urlencode(values), mimetype="application/x-www-form-urlencoded")
