"""The forms of OA4MP's answers: JSON, and the two lines of a plain error without Content-Type."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

from flask import Response

from fedhub.idp.oa4mp.registry import Release

UTF_8 = "application/json;charset=UTF-8"
LATIN_1 = "application/json;charset=ISO-8859-1"


class RefusalError(Exception):
    """A request that is refused.

    Args:
        status: of HTTP.
        error: the error's code.
        words: its description.
        plain: in two lines, not as JSON.
    """

    def __init__(self, status: int, error: str, words: str, *, plain: bool = False) -> None:
        super().__init__(words)
        self.status = status
        self.error = error
        self.words = words
        self.plain = plain

    def response(self) -> Response:
        """The answer."""
        if self.plain:
            return plain_error(self.status, self.error, self.words)
        said = {"error": self.error, "error_description": self.words}
        return Response(_text(said).encode("utf-8", "replace"), self.status, content_type=UTF_8)


def invalid(words: str, error: str = "invalid_request") -> RefusalError:
    """A JSON error for a client's mistake."""
    return RefusalError(400, error, words)


def broken(words: str) -> RefusalError:
    """What OA4MP says where an exception of Java's ends in its hands."""
    return RefusalError(500, "server_error", words, plain=True)


def ok(said: Any, release: Release, status: int = 200) -> Response:
    """A JSON answer.

    The old server sets the Content-Type without a charset, and Tomcat then writes Latin-1, with
    `?` for what that has not.
    """
    kind, charset = (LATIN_1, "latin-1") if release == "5.5" else (UTF_8, "utf-8")
    return Response(_text(said).encode(charset, "replace"), status, content_type=kind)


def plain_text(error: str, description: str) -> str:
    """The two lines of an OA4MP error."""
    # A lone surrogate, which JSON can spell, has no UTF-8.
    encoded = quote_plus(description, errors="replace")
    return f'error="{error}"\nerror_description="{encoded}"\n'


def plain_error(status: int, error: str, description: str) -> Response:
    """An OA4MP error without a Content-Type."""
    reply = Response(plain_text(error, description), status)
    del reply.headers["Content-Type"]
    return reply


def _text(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"
