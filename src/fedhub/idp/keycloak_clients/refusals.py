"""The forms of Keycloak's errors."""

from __future__ import annotations

from flask import Response, jsonify


class RefusedError(Exception):
    """A request that is refused.

    Args:
        status: of HTTP.
        error: the error's code, or all there is.
        words: its description; "" for none.
    """

    def __init__(self, status: int, error: str, words: str = "") -> None:
        super().__init__(words or error)
        self.status = status
        self.error = error
        self.words = words

    def response(self) -> Response:
        """The answer."""
        described = {"error_description": self.words} if self.words else {}
        reply = jsonify(error=self.error, **described)
        reply.status_code = self.status
        return reply
