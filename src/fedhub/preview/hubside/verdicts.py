"""Asks the hub's own authenticator what becomes of a persona, without logging anybody in.

The whole login runs for real, from the sign-in page to the allow rules, with the configured
classes and hooks; only the session at the end is left out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.client import responses
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from fedhub_authenticators.id_token import VerifiedIdToken
from fedhub_authenticators.login import nonce_for
from fedhub_authenticators.plain_words import without_secrets
from fedhub_authenticators.provider import Provider
from fedhub_authenticators.refusals import Reason, Refused
from fedhub_authenticators.who_tried import Tried
from jupyterhub.auth import Authenticator
from oauthenticator.oauth2 import OAuthenticator, _serialize_state
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httputil import url_concat
from tornado.web import HTTPError

from fedhub.preview.hubside.chart import CODE

REFUSED: dict[str, Any] = {"allowed": False, "username": None, "admin": False, "groups": []}
"""What is said of everybody who does not get in."""


class Callback:
    """The callback request, as far as an authenticator looks at it."""

    def __init__(self, code: str, state: str) -> None:
        self._arguments = {"code": code, "state": state}
        self._state = state
        self.who_tried: Tried | None = None

    def get_argument(self, name: str, default: Any = None) -> Any:
        """Return what the query says."""
        return self._arguments.get(name, default)

    def get_state_cookie(self) -> str:
        """Return what the login page put into the browser."""
        return self._state

    def get_state_url(self) -> str:
        """Return what came back through the identity provider."""
        return self._state


async def sign_in(authenticator: Any, persona: str) -> Callback:
    """Sign the persona in at the identity provider and return the way back to the hub.

    Raises:
        HTTPError: the identity provider refused.
    """
    verifier = secrets.token_urlsafe(48)
    state_id = secrets.token_hex(8)
    state = _serialize_state({"state_id": state_id, "code_verifier": verifier})
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    parameters = {
        "response_type": "code",
        "client_id": authenticator.client_id,
        "redirect_uri": authenticator.oauth_callback_url,
        "scope": " ".join(authenticator.scope),
        "state": state,
        **authenticator.extra_authorize_params,
    }
    if isinstance(authenticator, VerifiedIdToken) and authenticator.expects_id_token():
        parameters["nonce"] = nonce_for(state_id)
    if authenticator.enable_pkce:
        parameters |= {"code_challenge": challenge.decode(), "code_challenge_method": "S256"}
    response = await AsyncHTTPClient().fetch(
        HTTPRequest(
            url_concat(authenticator.authorize_url, parameters),
            method="POST",
            body=urlencode({"persona": persona}),
            follow_redirects=False,
        ),
        raise_error=False,
    )
    answer = parse_qs(urlsplit(response.headers.get("Location", "")).query)
    if "code" not in answer:
        words = (answer.get("error_description") or answer.get("error") or ["no code came back"])[0]
        raise HTTPError(
            403, f"{authenticator.login_service} did not log you in. It says: “{words}”"
        )
    return Callback(answer["code"][0], state)


async def verdict(
    authenticator: OAuthenticator, persona: str, groups: Mapping[str, set[str]]
) -> dict[str, Any]:
    """Return whether a persona gets in, under which name, as admin, in which groups.

    Args:
        authenticator: as configured; its addresses lead to the embedded identity provider.
        persona: the name of a persona there.
        groups: what `loaded_groups` returned.
    """
    try:
        callback = await sign_in(authenticator, persona)
    except HTTPError as error:
        return refusal(error)
    return await decide(authenticator, callback, groups)


def refusal(error: Exception) -> dict[str, Any]:
    """Return the verdict on somebody whose login ended in an error.

    Returns:
        What is said of everybody who does not get in, and the `reason`: what they read, as
        `jupyterhub.handlers.base.BaseHandler.write_error` has it; `why`: what our refusals are
        counted as, else ""; `note`: for the operator; `block`: the entry of `hub.extraConfig`
        and its line (from 1) that the error came from, else None.
    """
    refused = isinstance(error, HTTPError)
    failed = f"the hub's own code failed: {type(error).__name__}: {error}"
    return REFUSED | {
        "reason": _words(error),
        "why": str(getattr(error, "why", "")),
        "note": "" if refused else failed,
        "block": _block(error),
    }


def _words(error: Exception) -> str:
    """Return what an error's page says; its status where there is nothing more."""
    status, words = 500, ""
    if isinstance(error, HTTPError):
        status = error.status_code
        with suppress(TypeError, ValueError):
            words = (error.log_message or "") % error.args
    words = getattr(error, "reason", None) or words
    words = getattr(error, "jupyterhub_message", words)
    return str(words) or f"{status} : {responses.get(status, 'Unknown HTTP Error')}"


def _as_page(authenticator: OAuthenticator, callback: Callback, error: Exception) -> Exception:
    """Return what the callback's page makes of an error; see `PlainCallback`."""
    if isinstance(error, Refused) or not isinstance(authenticator, Provider):
        return error
    if isinstance(error, HTTPError):
        words, status = authenticator.words_of(error, callback.who_tried), error.status_code
    elif isinstance(error, HTTPClientError | OSError | json.JSONDecodeError):
        sent = [callback.get_argument("code"), *authenticator.secrets_in_use()]
        words, status = without_secrets(authenticator.provider_failed(error), sent), 502
    else:
        return error
    found = Refused(Reason.PROVIDER, words, status=status)
    found.__cause__ = error
    return found


def _block(error: BaseException | None) -> list[Any] | None:
    """Return the line of `hub.extraConfig` that an error, or what led to it, came from."""
    found = None
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        # Our own refusal may come through code of the operator, which is not to blame.
        for frame in frames[-1:] if isinstance(error, Refused) else frames:
            if frame.filename.startswith(CODE):
                found = [frame.filename.removeprefix(CODE), frame.lineno]
        error = error.__cause__ or error.__context__
    return found


async def decide(
    authenticator: OAuthenticator, callback: Callback, groups: Mapping[str, set[str]]
) -> dict[str, Any]:
    """Return what the hub makes of somebody who comes back from the identity provider.

    Args:
        authenticator: as configured.
        callback: what `sign_in` returned.
        groups: what `loaded_groups` returned.
    """
    try:
        model = await authenticator.get_authenticated_user(callback, None)
    except Exception as error:  # noqa: BLE001 - whatever a hook raises keeps the person out
        return refusal(_as_page(authenticator, callback, error))
    if not model:
        nobody = HTTPError(403, authenticator.custom_403_message)
        return refusal(_as_page(authenticator, callback, nobody))
    name = model["name"]
    return {
        "allowed": True,
        "username": name,
        "admin": bool(model.get("admin")),
        "groups": sorted(
            {*(model.get("groups") or []), *(group for group in groups if name in groups[group])}
        ),
    }


def loaded_groups(hub: Authenticator, load_groups: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the users of each group that the configuration itself fills, as the hub names them.

    Args:
        hub: the hub's authenticator.
        load_groups: `c.JupyterHub.load_groups`.
    """
    found = {}
    for group, content in load_groups.items():
        users = content.get("users", []) if isinstance(content, Mapping) else content
        found[group] = {hub.normalize_username(user) for user in users}
    return found


async def verdicts(
    hub: Authenticator, personas: Mapping[str, Iterable[str]], load_groups: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the verdict on each persona, for the personas of each provider by its name."""
    groups = loaded_groups(hub, load_groups)
    providers = getattr(hub, "authenticators", None) or dict.fromkeys(personas, hub)
    return {
        persona: await verdict(providers[provider], persona, groups)
        for provider, names in personas.items()
        for persona in names
    }


def dumps(found: Mapping[str, Any]) -> str:
    """Return the answer to a request for verdicts."""
    return json.dumps({"verdicts": found})
