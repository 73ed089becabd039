"""Why the provider says no: one name per reason, whatever words a face has for it."""

from __future__ import annotations

from enum import Enum, auto

from authlib.oauth2.rfc6749 import errors


class Reason(Enum):
    """A mistake of a client, independent of the server that answers it."""

    UNKNOWN_CLIENT = auto()
    NO_CREDENTIALS = auto()
    WRONG_SECRET = auto()
    WRONG_CALLBACK = auto()
    CODE_MISSING = auto()
    CODE_UNKNOWN = auto()
    CODE_REUSED = auto()
    CODE_EXPIRED = auto()
    CODE_OF_ANOTHER_CLIENT = auto()
    CALLBACK_MISMATCH = auto()
    VERIFIER_MISSING = auto()
    VERIFIER_WRONG = auto()
    VERIFIER_MALFORMED = auto()
    VERIFIER_UNEXPECTED = auto()
    REFRESH_MISSING = auto()
    REFRESH_INVALID = auto()
    REFRESH_EXPIRED = auto()
    REFRESH_OF_ANOTHER_CLIENT = auto()
    REFRESH_NOT_ALLOWED = auto()
    SESSION_OVER = auto()
    SESSION_LEFT = auto()
    OFFLINE_SESSION_OVER = auto()
    USER_DISABLED = auto()
    GRANT_MISSING = auto()
    GRANT_UNSUPPORTED = auto()
    SCOPE_INVALID = auto()
    PARAMETER_REPEATED = auto()
    REQUEST_INVALID = auto()


class Refused(errors.OAuth2Error):  # type: ignore[misc]  # Authlib is untyped
    """Travels through Authlib, which catches its own kind of error."""

    def __init__(self, reason: Reason, description: str = "") -> None:
        super().__init__()
        self.reason = reason
        self.words = description


_KINDS: tuple[tuple[type[Exception], Reason], ...] = (
    (errors.UnsupportedGrantTypeError, Reason.GRANT_UNSUPPORTED),
    (errors.InvalidClientError, Reason.WRONG_SECRET),
    (errors.UnauthorizedClientError, Reason.REFRESH_NOT_ALLOWED),
    (errors.InvalidScopeError, Reason.SCOPE_INVALID),
    (errors.InvalidGrantError, Reason.REFRESH_INVALID),
)


def reason_of(error: Exception) -> Reason:
    """The reason behind any error of Authlib's."""
    if isinstance(error, Refused):
        return error.reason
    return next((r for kind, r in _KINDS if isinstance(error, kind)), Reason.REQUEST_INVALID)
