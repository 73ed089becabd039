"""Why somebody is not let in: a reason for the operator's log and metrics, words for the person."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from jupyterhub.handlers import BaseHandler
from tornado.web import HTTPError


class Reason(StrEnum):
    """Why somebody was not let in, or did not stay. Each stands in docs/metrics.md."""

    BLOCKED = "blocked"
    """The account is in `blocked_users`."""
    NOT_ALLOWED = "not-allowed"
    """No rule lets the account in."""
    INSTITUTION = "institution-not-listed"
    """The account is of an institution that the hub does not list."""
    NAME_TAKEN = "name-of-somebody-else"
    """The hub's user name belongs to another identity."""
    NO_IDENTITY = "no-identity"
    """The provider did not say what identifies the person for good."""
    NO_NAME = "no-user-name"
    """The provider did not give the claim that becomes the user name."""
    EMAIL = "email-not-verified"
    """The provider has not verified the e-mail address that the person is known by."""
    ID_TOKEN = "id-token"  # noqa: S105 - a word, no secret
    """The ID token is missing, or does not hold against the issuer's keys or the login."""
    SUBJECT = "subject"
    """Two answers of the provider are about two people."""
    GROUPS = "groups"
    """It can't be told which groups the person is in."""
    DENIED = "denied-by-provider"
    """The provider sent an error instead of a code."""
    NOT_BEGUN_HERE = "not-begun-here"
    """This browser did not begin the login, or began it too long ago."""
    TOKEN = "token"  # noqa: S105 - a word, no secret
    """The token that a script sent has ended, was made for another application, or is none."""
    SCOPE = "scope"
    """A script asked for more than scripts may do."""
    TOO_MANY = "too-many"
    """Too many requests failed, or too many tokens of one person are good."""
    MALFORMED = "malformed"
    """A script's request is not as the standard has it."""
    PROVIDER = "provider-failed"
    """The provider did not answer, or not as it should."""
    CLIENT = "client-refused"
    """The provider does not take the hub's client id and secret, or the hub has none."""
    SESSION_OVER = "session-over"
    """The provider has ended the person's session, or renews their tokens no longer."""
    HUB = "hub-failed"
    """The hub's own configuration or code failed."""


ABOUT_ACCOUNT = frozenset(
    {
        Reason.BLOCKED,
        Reason.NOT_ALLOWED,
        Reason.INSTITUTION,
        Reason.NAME_TAKEN,
        Reason.NO_IDENTITY,
        Reason.NO_NAME,
        Reason.EMAIL,
        Reason.GROUPS,
        Reason.SUBJECT,
    }
)
"""Reasons that another account of the same person may not have."""


class Refused(HTTPError):  # noqa: N818 - it is what happened, as in a sentence
    """Somebody is not let in.

    Args:
        reason: for the log and the metrics.
        words: what the person reads.
        status: HTTP's.
        username: whom it is about, where that is known.
        idp: the entity ID of an institution that the hub does not take.
    """

    def __init__(
        self, reason: Reason, words: str, *, status: int = 403, username: str = "", idp: str = ""
    ) -> None:
        super().__init__(status, words)
        self.why = reason
        self.username = username
        self.idp = idp

    @property
    def another_account_may_help(self) -> bool:
        """Whether it is worth signing in with another account."""
        return self.why in ABOUT_ACCOUNT


class LogsNoQuery(BaseHandler):
    """A page whose address holds what belongs in no log, such as a code."""

    def _request_summary(self) -> str:
        """Return what tornado logs of a refused request: without the query."""
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log a refusal's reason, or where code failed; never the provider's words or the request.

        tornado would add the whole request to an exception, and so the code.
        """
        summary = self._request_summary()
        if isinstance(value, Refused):
            self.log.warning("%d %s: %s", value.status_code, summary, value.why)
        elif isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)
        else:
            self.log.error("Uncaught exception %s", summary, exc_info=(typ, value, tb))
