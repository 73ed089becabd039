"""A placeholder of a template that nobody filled in.

Bad:

    hub:
      config:
        CustosOAuthenticator:
          client_id: custos-xxxxxxxxxx-10000000
          oauth_callback_url: https://your.jupyterhub.com/hub/oauth_callback

Good:

    hub:
      config:
        CustosOAuthenticator:
          client_id: custos-8p4ba0xtqz3k1v7nw2ye-10002640
          oauth_callback_url: https://hub.example.org/hub/oauth_callback
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fedhub.checks.facts import walk
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.errors import Position
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "placeholder"
SEVERITY: Severity = "error"

_PLACES = (
    ("hub", "config"),
    ("hub", "services"),
    ("hub", "extraEnv"),
    ("hub", "cookieSecret"),
    ("ingress",),
    ("httpRoute",),
    ("proxy",),
    ("custom",),
)
"""Where z2jh's values name hosts, people and credentials."""

_TAGS = r"a|abbr|b|br|center|code|div|em|font|footer|h[1-6]|head|header|hr|i|img|input|li|link|ol|p"
_MORE_TAGS = r"pre|script|small|span|strong|style|svg|table|td|th|title|tr|u|ul"
_PLACEHOLDERS = (
    re.compile(r"(?<![a-z0-9])x{4,}(?![a-z0-9])", re.I),
    re.compile(rf"<(?!/|(?:{_TAGS}|{_MORE_TAGS})\b)[a-z][\w .:-]{{0,60}}>", re.I),
    re.compile(r"(?<![a-z])(?:change|replace|fill)[-_ ]?(?:me|this)(?![a-z])", re.I),
    re.compile(r"(?<![a-z])(?:insert|put|enter)[-_ ](?:your|the)[-_ ]\w+", re.I),
    re.compile(
        r"(?<![a-z])your[-_.]?(?:own[-_.]?)?(?:jupyter|jhub|hub|domain|host|client|org|tenant|"
        r"realm|secret|app|server|site|company|university|user|id(?![a-z])|name|key|token|password)"
        r"[\w.-]*",
        re.I,
    ),
    re.compile(r"\A(?:todo|fixme|tbd|…+\.*|\.{3,})\Z", re.I),
)


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each value, key or string in code with a placeholder in it."""
    roots = [(*hub.z2jh_at, *place) for place in _PLACES] + [("global", "fedhub")]
    for root in roots:
        reported: set[str] = set()
        for below, value in walk(hub.get(*root), root):
            for path, text in [(below, value), *((below[:n], below[n - 1]) for n in _keys(below))]:
                found = found_in(text)
                if found and dotted(path) not in reported:
                    reported.add(dotted(path))
                    is_key = path != below
                    position = hub.position(*path) if is_key else hub.start(*path)
                    yield _problem(found, position, dotted(path))
    for block in login(hub).blocks:
        for string in block.strings:
            found = found_in(string.value)
            if found:
                yield _problem(found, string.position, dotted(block.path))


def _keys(path: tuple[str | int, ...]) -> range:
    return range(1, len(path) + 1)


def found_in(text: object) -> str:
    """Return the placeholder in a text; "" where there is none."""
    if not isinstance(text, str) or "</" in text or "\n" in text.strip():
        return ""
    matches = (pattern.search(text) for pattern in _PLACEHOLDERS)
    return next((match.group() for match in matches if match), "")


def _problem(found: str, position: Position, path: str) -> Problem:
    return Problem(
        ID,
        SEVERITY,
        position,
        path,
        f"the placeholder {found[:40]} was left in",
        "write the real value",
    )
