"""The Kubernetes objects that helm makes of a chart, in its order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from fedhub.errors import FedhubError

_SEPARATOR = re.compile(r"^---\n", re.MULTILINE)
_HOOK = "helm.sh/hook"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Manifest:
    """One object.

    Attributes:
        text: as helm writes it, with the template it is from; it ends in a line end.
        content: what it says.
    """

    text: str = field(repr=False)  # it may hold secrets
    content: Mapping[str, Any] = field(repr=False)

    @property
    def kind(self) -> str:
        """Such as `Deployment`."""
        return str(self.content.get("kind"))

    @property
    def name(self) -> str:
        """Its name."""
        return str(_metadata(self.content).get("name"))

    @property
    def key(self) -> str:
        """Kind, name and namespace, which tell it from every other of a release."""
        namespace = _metadata(self.content).get("namespace")
        return f"{self.kind}/{self.name}" + (f" in {namespace}" if namespace else "")

    @property
    def is_secret(self) -> bool:
        """Whether it is a Secret."""
        return self.kind == "Secret"

    @property
    def is_hook(self) -> bool:
        """Whether helm applies it before or after the rest, and not as a part of the release."""
        annotations = _metadata(self.content).get("annotations")
        return isinstance(annotations, Mapping) and _HOOK in annotations


def manifests(text: str) -> list[Manifest]:
    """Return the objects that helm printed.

    Raises:
        FedhubError: it is not YAML, as a template of a chart may have it.
    """
    return list(_manifests(text))


def _manifests(text: str) -> Iterator[Manifest]:
    for part in _SEPARATOR.split(text):
        try:
            content = yaml.load(part, Loader=_LOADER)  # noqa: S506 - it is a safe one
        except yaml.YAMLError:
            template = part.partition("\n")[0].removeprefix("# Source: ")
            raise FedhubError(
                f"{template} makes no YAML of these values", fix="see the template"
            ) from None
        if isinstance(content, Mapping):
            yield Manifest(f"{part.rstrip()}\n", content)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield each text in an object, with the keys that lead to it."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from leaves(below, (*path, str(key)))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from leaves(below, (*path, index))
    elif isinstance(value, str):
        yield ".".join(map(str, path)), value


def _metadata(content: Mapping[str, Any]) -> Mapping[str, Any]:
    found = content.get("metadata")
    return found if isinstance(found, Mapping) else {}
