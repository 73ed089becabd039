"""Keycloak's own words, as those of a Keycloak 26 (`tests/peers` holds them against one)."""

from __future__ import annotations

from collections.abc import Mapping

from fedhub.idp.refusals import Reason
from fedhub.idp.site import Refusal, Site

WRONG_CREDENTIALS = "Invalid client or Invalid client credentials"
PKCE_FAILED = "PKCE verification failed"
CODE_NOT_VALID: Refusal = (400, "invalid_grant", "Code not valid")
NO_REFRESH_TOKEN = "Invalid refresh token"  # noqa: S105

REFUSALS: Mapping[Reason, Refusal] = {
    **Site.refusals,
    Reason.UNKNOWN_CLIENT: (401, "invalid_client", WRONG_CREDENTIALS),
    Reason.NO_CREDENTIALS: (401, "invalid_client", WRONG_CREDENTIALS),
    Reason.WRONG_SECRET: (401, "unauthorized_client", WRONG_CREDENTIALS),
    Reason.CODE_MISSING: (400, "invalid_request", "Missing parameter: code"),
    Reason.CODE_UNKNOWN: CODE_NOT_VALID,
    Reason.CODE_REUSED: CODE_NOT_VALID,
    Reason.CODE_EXPIRED: (400, "invalid_grant", "Code is expired"),
    Reason.CODE_OF_ANOTHER_CLIENT: (
        400,
        "invalid_grant",
        "Auth error: Found different client_id in clientSession",
    ),
    Reason.CALLBACK_MISMATCH: (400, "invalid_grant", "Incorrect redirect_uri"),
    Reason.VERIFIER_MISSING: (400, "invalid_grant", "PKCE code verifier not specified"),
    Reason.VERIFIER_WRONG: (400, "invalid_grant", f"{PKCE_FAILED}: Code mismatch"),
    Reason.VERIFIER_MALFORMED: (400, "invalid_grant", f"{PKCE_FAILED}: Invalid code verifier"),
    Reason.VERIFIER_UNEXPECTED: (
        400,
        "invalid_grant",
        "PKCE code verifier specified but challenge not present in authorization",
    ),
    Reason.REFRESH_MISSING: (400, "invalid_request", "No refresh token"),
    Reason.REFRESH_INVALID: (400, "invalid_grant", NO_REFRESH_TOKEN),
    Reason.REFRESH_EXPIRED: (400, "invalid_grant", "Token is not active"),
    Reason.REFRESH_OF_ANOTHER_CLIENT: (
        400,
        "invalid_grant",
        f"{NO_REFRESH_TOKEN}. Token client and authorized client don't match",
    ),
    Reason.SESSION_OVER: (400, "invalid_grant", "Session not active"),
    Reason.SESSION_LEFT: (400, "invalid_grant", "Session doesn't have required client"),
    Reason.OFFLINE_SESSION_OVER: (400, "invalid_grant", "Offline user session not found"),
    Reason.USER_DISABLED: (400, "invalid_grant", "User disabled"),
    Reason.GRANT_MISSING: (400, "invalid_request", "Missing form parameter: grant_type"),
    Reason.GRANT_UNSUPPORTED: (400, "unsupported_grant_type", "Unsupported grant_type"),
    Reason.PARAMETER_REPEATED: (400, "invalid_request", "duplicated parameter"),
}

DENIALS: Mapping[str, str] = {
    "The parameter response_type is missing": "Missing parameter: response_type",
    "Missing 'code_challenge'": "Missing parameter: code_challenge",
    "Invalid 'code_challenge'": "Invalid parameter: code_challenge",
    "Unsupported 'code_challenge_method'": "Invalid parameter: code_challenge_method",
}
"""What the callback is told, where it is told anything but the error's code."""
REPEATED = "was sent more than once"

PAGES: Mapping[Reason, str] = {
    Reason.UNKNOWN_CLIENT: "Client not found.",
    Reason.WRONG_CALLBACK: "Invalid parameter: redirect_uri",
    Reason.REQUEST_INVALID: "Invalid Request",
}


def denial(error: str, words: str) -> str:
    """The description that goes with an error of the callback; "" for none."""
    if words.endswith(REPEATED):
        return "duplicated parameter"
    return DENIALS.get(words, words if error in ("invalid_request", "invalid_scope") else "")
