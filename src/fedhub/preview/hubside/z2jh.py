"""The module that `hub.extraConfig` imports as `z2jh` in a hub pod, with the same functions."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

_values: Mapping[str, Any] = {}
_UNSET = object()


def install(values: Mapping[str, Any]) -> None:
    """Answer from `values`, under the name `z2jh`."""
    global _values  # noqa: PLW0603 - a module is the interface that extraConfig knows
    _values = values
    sys.modules["z2jh"] = sys.modules[__name__]


def get_config(key: str, default: Any = None) -> Any:
    """Return the value at a dotted key, `default` where a part of it is missing."""
    value: Any = _values
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return default
        value = value[part]
    return value


def set_config_if_not_none(cparent: Any, name: str, key: str) -> None:
    """Set trait `name` of a configuration section to the value at `key`, if there is one."""
    value = get_config(key)
    if value is not None:
        setattr(cparent, name, value)


def get_secret_value(key: str, default: Any = _UNSET) -> Any:
    """Return an entry of the hub's Secret; in a preview, the value of that name.

    Raises:
        KeyError: there is none, and no default was given.
    """
    value = get_config(key, default)
    if value is _UNSET:
        raise KeyError(f"{key} is in no Secret of this preview")
    return value


def get_name(name: str) -> str:
    """Return the full name of a chart resource; a preview has only the short ones."""
    return name


def get_name_env(name: str, suffix: str = "") -> str:
    """Return an environment variable that Kubernetes sets for a Service.

    Raises:
        KeyError: it is not set; `hub.extraEnv` can set it for a preview.
    """
    return os.environ[f"{name}{suffix}".upper().replace("-", "_")]
