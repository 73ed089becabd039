"""Prometheus' own tool, as the judge of rules and expressions.

Hides: its files, and that a rule fires is asked of the series `ALERTS`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not here; on Debian: apt install prometheus"
)


def promtool(*arguments: str) -> str:
    """Return what promtool says.

    Raises:
        AssertionError: it finds fault.
    """
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def check(rules: Mapping[str, Any], folder: Path) -> str:
    """Hold rules against Prometheus' grammar and its linter."""
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump(dict(rules)))
    return promtool("check", "rules", "--lint=all", "--lint-fatal", str(file))


def fires(
    rules: Mapping[str, Any], series: Mapping[str, str], minute: int, alerts: set[str], folder: Path
) -> None:
    """Check which alerts fire.

    Args:
        rules: the groups of rules.
        series: values by series, one for each minute, as promtool writes them.
        minute: when to look.
        alerts: the names of all that should fire then.
        folder: for promtool's files.
    """
    (folder / "rules.yaml").write_text(yaml.safe_dump(dict(rules)))
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(alerts)]
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{minute}m",
                "exp_samples": expected,
            }
        ],
    }
    file = folder / "test.yaml"
    test = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [case]}
    file.write_text(yaml.safe_dump(test))
    promtool("test", "rules", str(file))
