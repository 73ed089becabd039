"""Runs what a rendered CronJob's pod would run, on this machine.

Hides: where a pod mounts its volumes, how Kubernetes puts variables into arguments.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.chart.pods import pod_of


class Pod:
    """The pods of a CronJob.

    Args:
        manifest: the CronJob.
        scripts: the data of the ConfigMap that it mounts.
        folder: where its scripts go.
        mounts: what stands for its other mounts, by mount path.
        path: what stands before PATH.
    """

    def __init__(
        self,
        manifest: dict[str, Any],
        scripts: Mapping[str, str],
        folder: Path,
        mounts: Mapping[str, Path],
        path: str = "",
    ) -> None:
        spec = pod_of(manifest)
        assert spec is not None
        self._spec = spec
        self._mounts = {**mounts, "/scripts": folder}
        self._path = path
        folder.mkdir(exist_ok=True)
        for name, text in scripts.items():
            (folder / name).write_text(text)

    def command(self, container: dict[str, Any], given: Mapping[str, str]) -> list[str]:
        """Return a container's command line, with its paths being this machine's."""
        values = {one["name"]: one["value"] for one in container.get("env", [])}
        unknown = given.keys() - values.keys()
        assert not unknown, f"the pod has no variable {unknown}"
        values |= given
        words = [*container["command"], *container.get("args", [])]
        words = [re.sub(r"\$\((\w+)\)", lambda name: values[name[1]], word) for word in words]
        return [sys.executable if word == "python3" else self._here(word) for word in words]

    def environment(self, container: dict[str, Any]) -> dict[str, str]:
        """Return a container's environment; nothing of this machine's but PATH."""
        own = {one["name"]: self._here(one["value"]) for one in container.get("env", [])}
        return {"PATH": self._path + os.environ["PATH"], **own}

    def run(
        self,
        *,
        before: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        **given: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run its containers one after the other, until one fails; variables of its own change.

        Args:
            before: a command that runs the last one.
            environment: more variables for the last one.
            given: variables as `kubectl set env` sets them.
        """
        *first, last = [*self._spec.get("initContainers", []), *self._spec["containers"]]
        for container in first:
            done = self._do(self.command(container, {}), self.environment(container))
            if done.returncode:
                return done
        more = dict(environment or {})
        return self._do([*before, *self.command(last, given)], {**self.environment(last), **more})

    @staticmethod
    def _do(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )

    def _here(self, word: str) -> str:
        for path in sorted(self._mounts, key=len, reverse=True):
            if word == path or word.startswith(f"{path}/"):
                return str(self._mounts[path]) + word[len(path) :]
        return word
