"""Turns answers of a provider that make no sense into refusals.

Upstream takes userinfo as it comes: a claim that is missing or of another type ends in a
`KeyError` or an `AttributeError` somewhere, which JupyterHub shows as "500 : Internal Server
Error", and which at a refresh says nothing about whether somebody may stay. Here all of them
become one sentence for the person, one line for the operator, and nobody gets in.
"""

from __future__ import annotations

import json
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from inspect import isawaitable
from pathlib import Path
from typing import Any

from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthenticator
from tornado.web import HTTPError

from fedhub_authenticators.refusals import Reason, Refused

LONGEST_NAME = 255
"""Characters of a user name that JupyterHub's database takes."""

_SENSELESS = (AttributeError, LookupError, NameError, TypeError, ValueError)
"""What upstream's code raises on an answer that it did not expect."""


_FAULTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    (f"it has more than {LONGEST_NAME} characters", lambda name: len(name) > LONGEST_NAME),
    ("it has a slash", lambda name: "/" in name),
    ("it starts or ends with a space", lambda name: name != name.strip()),
    (
        "it has signs that can't be seen",
        lambda name: any(s != " " and unicodedata.category(s)[0] in "CZ" for s in name),
    ),
    (
        "it has signs that stand for others",
        lambda name: unicodedata.normalize("NFKC", name) != name,
    ),
)
"""What makes a text no name of a hub's user.

JupyterHub writes names in lower case, so a sign that turns into another one there, as the Kelvin
sign into a plain k, would make one name of two. A name must therefore be what Unicode calls
compatibility-normalized (Unicode Standard Annex 15, form NFKC). Letters of other scripts that only
look alike are other names.
"""


class SaneAnswers(OAuthenticator):
    """Stands between upstream's reading of an answer and everybody who waits for it."""

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Ask who somebody is.

        Raises:
            Refused: the answer is no JSON object.
        """
        with self._making_sense():
            user = await super().token_to_user(token_info)
        if not isinstance(user, dict):
            raise self.makes_no_sense(f"userinfo is {_kind(user)}")
        return user

    def user_info_to_username(self, user_info: dict[str, Any]) -> Any:
        """Return the name that the provider gives.

        Raises:
            Refused: there is none, or none that can be a user's name.
        """
        try:
            with self._making_sense():
                name = super().user_info_to_username(user_info)
        except Refused as refused:
            if refused.why is not Reason.PROVIDER:
                raise
            raise self.no_name("the claim for it is missing or of another type") from refused
        if isawaitable(name):  # upstream has none that is; an operator's own class may
            return self._later(name)
        return self.checked_name(name)

    async def _later(self, name: Any) -> str:
        return self.checked_name(await name)

    def checked_name(self, name: Any) -> str:
        """Return a name that a hub's user can have.

        Raises:
            Refused: it is none; see `why_no_name`.
        """
        if why := why_no_name(name):
            raise self.no_name(why)
        return str(name)

    async def build_auth_state_dict(
        self, token_info: dict[str, Any], user_info: dict[str, Any]
    ) -> dict[str, Any]:
        """Build what is kept of a login."""
        with self._making_sense():
            found: dict[str, Any] = await maybe_future(
                super().build_auth_state_dict(token_info, user_info)
            )
        return found

    async def update_auth_model(self, auth_model: dict[str, Any]) -> dict[str, Any]:
        """Ask what else a provider's rules need."""
        with self._making_sense():
            found: dict[str, Any] = await maybe_future(super().update_auth_model(auth_model))
        return found

    async def check_blocked_users(
        self, username: str, authentication: dict[str, Any] | None = None
    ) -> bool:
        """Hold somebody against what keeps people out."""
        with self._making_sense():
            return bool(await maybe_future(super().check_blocked_users(username, authentication)))

    async def check_allowed(self, username: str, auth_model: dict[str, Any] | None) -> bool:
        """Hold somebody against what lets people in."""
        with self._making_sense():
            return bool(await maybe_future(super().check_allowed(username, auth_model)))

    @contextmanager
    def _making_sense(self) -> Iterator[None]:
        """Refuse where the code inside trips over an answer, or finds it wanting.

        A body that is no JSON is a provider that fails, which may be for a moment only: that
        error goes on to those who tell one from the other.
        """
        try:
            yield
        except json.JSONDecodeError:
            raise
        except HTTPError as error:
            if isinstance(error, Refused) or error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            raise self.makes_no_sense(f"a claim is missing, at {_place(error)}") from error
        except _SENSELESS as error:
            # Its text may quote the answer; the place says enough.
            raise self.makes_no_sense(f"{type(error).__name__} at {_place(error)}") from error

    def makes_no_sense(self, why: str) -> Refused:
        """Return the refusal of somebody about whom the provider's answer makes no sense.

        Args:
            why: for the log.
        """
        self.log.error("The answer of %s makes no sense: %s", self.login_service, why)
        return Refused(
            Reason.PROVIDER,
            f"{self.login_service} did not tell the hub about you as it should, so the hub can't "
            "let you in. Try again in a few minutes; if that does not help, tell the hub's "
            "operator.",
            status=502,
        )

    def no_name(self, why: str) -> Refused:
        """Return the refusal of somebody who has no user name.

        Args:
            why: for the log.
        """
        self.log.error("%s gave no user name: %s", self.login_service, why)
        return Refused(
            Reason.NO_NAME,
            f"{self.login_service} gave the hub no user name that it can use for you. Sign in with "
            "another account, or tell the hub's operator.",
        )


def why_no_name(name: Any) -> str:
    """Return why something can't be the name of a hub's user, "" where it can."""
    if not isinstance(name, str) or not name:
        return f"it is {_kind(name)}"
    return next((why for why, holds in _FAULTS if holds(name)), "")


def _kind(value: Any) -> str:
    if value == "":
        return "empty"
    return "missing" if value is None else f"of type {type(value).__name__}"


def _place(error: BaseException) -> str:
    """Return where something went wrong, as in `google.py:207`."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    return f"{Path(last.filename).name}:{last.lineno}" if last else "?"
