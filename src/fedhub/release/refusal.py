"""What helm refuses, said as fedhub says things: at its place in the values, in a line each.

helm's words may quote values, so secrets are masked in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fedhub.errors import FedhubError, Position, Problems, UsageError
from fedhub.hub.credentials import masked, secret_strings
from fedhub.hub.merge import KeyPath
from fedhub.hub.show import find
from fedhub.hub.values import Hub
from fedhub.release.target import Release

_KNOWN: tuple[tuple[re.Pattern[str], type[FedhubError], str, str], ...] = (
    (
        re.compile(r"context \"(?P<what>.*)\" does not exist"),
        UsageError,
        "there is no context {what}",
        "`kubectl config get-contexts` lists them; name one with --kube-context",
    ),
    (
        re.compile(r"cluster unreachable: (?:(?:Get|Post) \"[^\"]*\": )?(?P<what>.*)"),
        FedhubError,
        "the cluster{where} does not answer: {what}",
        "see KUBECONFIG and --kube-context; `fedhub doctor` looks at what is there",
    ),
    (
        re.compile(r"another operation \(install/upgrade/rollback\) is in progress"),
        FedhubError,
        "{release} is being changed by somebody else, or whoever did was killed",
        "wait; if nobody is at it, `helm rollback {name} --namespace {namespace}` brings back "
        "what ran before, and of a first installation `helm uninstall` clears what there is",
    ),
    (
        re.compile("has no deployed releases"),
        FedhubError,
        "{release} was never installed in full",
        "`helm uninstall {name} --namespace {namespace}`, then deploy",
    ),
    (
        re.compile(r"missing in charts/ directory: (?P<what>.*)"),
        FedhubError,
        "the chart {chart} lacks its dependency {what}",
        "`helm dependency build {chart}`",
    ),
)
"""What helm says (its `pkg/action`, `pkg/kube`), what it means, and what to do."""
_OF_SCHEMA = "don't meet the specifications of the schema"
_OF_CHART = "the values can't work:"
_CHART = re.compile(r"(\S+):")
_ASIDE = re.compile(r"Use --debug|[IW]\d{4} ")
"""Lines that say nothing of what is wrong: hints, and client-go's log."""
_KEY = re.compile(r"[A-Za-z_][^\s:,]*")


def refusal(said: str, hub: Hub, release: Release) -> FedhubError:
    """Return why helm did not do it.

    Args:
        said: what it wrote to standard error.
        hub: whose values it had.
        release: which release it was about.
    """
    text = masked(said, secret_strings(hub)).strip()
    known = _known(text, release)
    if known is not None:
        return known
    problems = list(_problems(text, hub))
    if problems:
        return Problems(problems) if len(problems) > 1 else problems[0]
    return FedhubError(f"helm refuses {release}: {_in_a_line(text)}", fix="")


def _known(text: str, release: Release) -> FedhubError | None:
    for pattern, kind, message, fix in _KNOWN:
        if found := pattern.search(text):
            words = {
                "where": f" of context {release.context}" if release.context else "",
                "release": release,
                "name": release.name,
                "namespace": release.namespace,
                "chart": release.chart.reference,
                **found.groupdict(),
            }
            return kind(message.format(**words), fix=fix.format(**words))
    return None


def _problems(text: str, hub: Hub) -> Iterator[FedhubError]:
    """Yield what the chart, or a schema, says of single values."""
    if _OF_CHART not in text and _OF_SCHEMA not in text:
        return
    above: KeyPath = ()
    for line in text.splitlines():
        if chart := _CHART.fullmatch(line):
            above = hub.z2jh_at if chart[1] == "jupyterhub" else ()
        elif line.startswith("- "):
            what, _, fix = line.removeprefix("- ").partition("; ")
            found = _KEY.match(what)
            key = found[0] if found else ""
            prefix = "".join(f"{part}." for part in above) if key else ""
            yield FedhubError(f"{prefix}{what}", fix=fix, position=_position(hub, above, key))


def _position(hub: Hub, above: KeyPath, key: str) -> Position:
    """Return where a dotted key stands, or the nearest above it that is there."""
    prefix = ".".join(map(str, above))
    parts = f"{prefix}.{key}".strip(".").split(".")
    for length in range(len(parts), 0, -1):
        try:
            return hub.position(*find(hub, ".".join(parts[:length])))
        except UsageError:
            continue
    return hub.position(*above)


def _in_a_line(text: str) -> str:
    lines = [line for line in text.splitlines() if not _ASIDE.match(line)]
    return " ".join(" ".join(lines).removeprefix("Error: ").split())
