"""The real helm, as the judge of what values mean.

Hides: the two charts, and that one run of helm judges many cases.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HELM = shutil.which("helm", path=str(Path(sys.executable).parent)) or "helm"

_CHART = "apiVersion: v2\nname: {name}\nversion: 0.1.0\n"
_PRINT_VALUES = "x: {{ .Values | toJson | b64enc }}\n"
_PRINT_CASES = (
    '{{ range $path, $_ := .Files.Glob "cases/*" }}\n'
    "x: {{ $.Files.Get $path | fromYaml | toJson | b64enc }}\n"
    "{{ end }}\n"
)


def merged(files: Sequence[Path], folder: Path) -> Any:
    """What a chart without defaults gets from `helm -f` of these files."""
    chart = _chart(folder / "chart", "parent", _PRINT_VALUES)
    return _run(chart, files)[0]


def of_subchart(files: Sequence[Path], folder: Path) -> Any:
    """What a subchart named jupyterhub gets."""
    chart = _chart(folder / "chart", "parent", "")
    _chart(chart / "charts" / "jupyterhub", "jupyterhub", _PRINT_VALUES)
    return _run(chart, files)[0]


def read_each(texts: Sequence[bytes], folder: Path) -> list[Any]:
    """What helm's YAML library reads from each text; `{"Error": …}` where it refuses."""
    chart = _chart(folder / "chart", "parent", _PRINT_CASES)
    shutil.rmtree(chart / "cases", ignore_errors=True)
    (chart / "cases").mkdir()
    for number, text in enumerate(texts):
        (chart / "cases" / f"{number:05d}").write_bytes(text)
    return _run(chart, [])


def _chart(folder: Path, name: str, template: str) -> Path:
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    (folder / "Chart.yaml").write_text(_CHART.format(name=name))
    (folder / "templates" / "print.yaml").write_text(template)
    return folder


def _run(chart: Path, files: Sequence[Path]) -> list[Any]:
    options = [option for file in files for option in ("--values", str(file))]
    result = subprocess.run(
        [HELM, "template", "release", str(chart), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    lines = [line[3:] for line in result.stdout.splitlines() if line.startswith("x: ")]
    return [json.loads(base64.b64decode(line)) for line in lines]


def same(ours: Any, helms: Any) -> bool:
    """Whether two values are the same in JSON; True is not 1, and numbers are float64."""
    if isinstance(ours, dict) and isinstance(helms, dict):
        return ours.keys() == helms.keys() and all(same(ours[k], helms[k]) for k in ours)
    if isinstance(ours, list) and isinstance(helms, list):
        return len(ours) == len(helms) and all(map(same, ours, helms))
    if isinstance(ours, bool) or isinstance(helms, bool):
        return ours is helms
    if isinstance(ours, int | float) and isinstance(helms, int | float):
        return float(ours) == float(helms)
    return type(ours) is type(helms) and bool(ours == helms)
