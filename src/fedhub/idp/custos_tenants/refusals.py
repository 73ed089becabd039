"""How Custos v1.0.0 says no: gRPC's status, which its gateway makes JSON."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, jsonify

HTTP_STATUS: Mapping[int, int] = {1: 499, 3: 400, 5: 404, 9: 400, 12: 501, 13: 500, 16: 401}
"""gRPC code → HTTP status."""
INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION, INTERNAL, UNAUTHENTICATED = 3, 5, 9, 13, 16


class RefusedError(Exception):
    """Answered with a gRPC status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def response(self) -> Response:
        """The answer."""
        reply = jsonify(code=self.code, message=self.message, details=[])
        reply.status_code = HTTP_STATUS[self.code]
        return reply


def unauthorized(call: str, words: str) -> RefusedError:
    """What an interceptor of Custos' says to the wrong person."""
    return RefusedError(UNAUTHENTICATED, f"Error while authorizing method {call}, {words}")


def invalid(call: str, words: str) -> RefusedError:
    """What it says of a request that lacks something."""
    return RefusedError(INVALID_ARGUMENT, f"Error while validating method {call}, {words}")
