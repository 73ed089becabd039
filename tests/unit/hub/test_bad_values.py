"""A values file that can't be what its author meant gets one message: where, what, what to do."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from fedhub.errors import FedhubError, UsageError
from fedhub.hub import load_hub
from fedhub.hub.files import read_text

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
MERGE_BOMB = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}, <<: *a{n - 1}}}\n" for n in range(1, 60)
)


@pytest.mark.parametrize(
    ("content", "place", "says"),
    [
        (b"a: [1, 2\n", "2:1", "not valid YAML"),
        (b"a: 1\n b: 2\n", "2:3", "not valid YAML"),
        (b"a:\n\tb: 1\n", "2:1", "a tab where YAML takes only spaces; indent with spaces"),
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "4:3", "'c' stands twice in the same map"),
        (b"1: a\n'1': b\n", "2:1", "'1' stands twice in the same map"),
        (b"a: b\nc: d\xe9\n", "2:5", "byte 0xE9 is not UTF-8"),
        (b"\xff\xfea\x00:\x00", "1:1", "byte 0xFF is not UTF-8"),
        ("é: é\x00\n".encode(), "1:5", "character U+0000 is not allowed"),
        (b"- a\n- b\n", "1:1", "a map of keys to values, and this is a list"),
        (b"# only\njust text\n", "2:1", "a map of keys to values, and this is a single value"),
        (b"hub:\n  - config\n", "1:1", "hub is a map of keys to values, and this is a list"),
        (b"hub:\n  extraConfig: |\n    c.x = 1\n", "2:3", "hub.extraConfig is a map"),
        (b"jupyterhub:\n  hub:\n    services: []\n", "3:5", "jupyterhub.hub.services is a map"),
        (b"jupyterhub:\n", "1:1", "jupyterhub is a map"),
        (b"global: x\n", "1:1", "global is a map"),
        (b"a: 1\n---\nb: 2\n", "2:1", "Helm reads no other"),
        (b"a: 1\n...\n'", "2:1", "Helm reads no other"),
        (b"%YAML 1.2\n---\na: 1\n", "1:1", "YAML 1.1 only"),
        (b"a: &x\n  b: *x\n", "2:6", "*x stands inside &x"),
        (b"a: *x\n", "1:4", "an alias of nothing"),
        (b"a: .nan\n", "1:4", "not a finite number"),
        (b"a: [-.inf]\n", "1:5", "not a finite number"),
        (b"a: {{ .Values.x }}\n", "1:5", "a map or a list can't be a key; quote it"),
        (b"~: 1\n", "1:1", "null can't be a key"),
        (b"a: !!int x\n", "1:4", "this is tagged !!int, and is not one"),
        (b"a: !!binary '*'\n", "1:4", "!!binary"),
        (b"a: {<<: 1}\n", "1:9", "`<<` merges maps"),
        (BOMB.encode(), "5:", "more than 100,000 values"),
        (MERGE_BOMB.encode(), "", "more than 100,000 values"),
        (b"a: " + b"[" * 200_000, "1:", "nested more than 100 levels deep"),
        (b"a: " + b"{b: " * 200_000, "1:", "nested more than 100 levels deep"),
        ("".join(f"{' ' * n}a:\n" for n in range(1000)).encode(), "102:", "nested more than"),
        (b"a: b\n" * 10, "2:1", "stands twice"),
        (b"a: " + b"x" * 2**21, "1:1", "over 2 MiB"),
    ],
)
def test_each_mistake_says_where_and_what(
    content: bytes, place: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_bytes(content)
    with pytest.raises(FedhubError) as caught:
        load_hub(str(file))
    message = str(caught.value)
    assert message.startswith(f"{file}:{place}")
    assert says in message
    assert caught.value.fix
    assert "\n" not in message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"", {}),
        (b"# nothing\n", {}),
        (b"---\n", {}),
        (b"~\n", {}),
        (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
        (b"a: 1\r\nb: |\r\n  x\r\n  y\r\n", {"a": 1, "b": "x\ny\n"}),
        (b"a: 99999999999999999999999999\n", {"a": 1e26}),
        (b"a: 0x" + b"f" * 5000 + b"\n", {"a": "0x" + "f" * 5000}),
        (b"a: " + b"9" * 5000 + b"\n", {"a": "9" * 5000}),
        (b"a: " + b"0" * 5000 + b"7\n", {"a": 7}),
        (b"a: &x {b: 1}\nc: {<<: *x, d: *x}\n", {"a": {"b": 1}, "c": {"b": 1, "d": {"b": 1}}}),
        (b"---\na: 1\n...\n", {"a": 1}),
    ],
)
def test_unusual_files_that_are_fine(content: bytes, values: object, tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_bytes(content)
    assert load_hub(str(file)).values == values


@pytest.mark.parametrize("bomb", [BOMB, MERGE_BOMB, "a: " + "[" * 2_000_000], ids=["a", "m", "["])
def test_a_bomb_stops_within_200_mib_and_without_a_traceback(bomb: str, tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(bomb)
    program = (
        "import pathlib, sys, resource\n"
        "from fedhub.errors import FedhubError\n"
        "from fedhub.hub import load_hub\n"
        "try: load_hub(sys.argv[1])\n"
        "except FedhubError: sys.exit(1)\n"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (200 * 2**20, 200 * 2**20))
        resource.setrlimit(resource.RLIMIT_CPU, (5, 5))

    result = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        capture_output=True,
        preexec_fn=limit,
        check=False,
    )
    assert (result.returncode, result.stderr) == (1, b"")


def test_an_unknown_hub_names_the_near_ones(tmp_path: Path) -> None:
    for name in ("campus", "camp", "github", "common"):
        (tmp_path / f"{name}.values.yaml").write_text("{}")
    with pytest.raises(UsageError, match="did you mean campus or camp"):
        load_hub("campsu", folder=tmp_path)
    with pytest.raises(UsageError, match="the hubs there are camp, campus, github"):
        load_hub("zzz", folder=tmp_path)
    with pytest.raises(UsageError, match="did you mean github"):
        load_hub(str(tmp_path / "gihtub.values.yaml"))


def test_an_unknown_hub_without_any(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no file that ends in \.values\.yaml"):
        load_hub("x", folder=tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        load_hub("x", folder=tmp_path / "values")


def test_a_missing_extra_file(tmp_path: Path) -> None:
    (tmp_path / "x.values.yaml").write_text("{}")
    with pytest.raises(UsageError, match=r"there is no file .*more.yaml"):
        load_hub("x", folder=tmp_path, extra=[tmp_path / "more.yaml"])


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.values.yaml").mkdir()
    with pytest.raises(FedhubError, match=r"x.values.yaml:1:1: this is a folder"):
        load_hub("x", folder=tmp_path)


def test_an_unreadable_file(tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text("a: 1\n")
    file.chmod(0)
    if os.access(file, os.R_OK):  # root reads everything
        file.unlink()
        file.symlink_to("/proc/self/mem")
    with pytest.raises(FedhubError, match=r"x.values.yaml:1:1: this file can't be read"):
        load_hub("x", folder=tmp_path)


def test_a_secrets_file_is_not_a_hub(tmp_path: Path) -> None:
    file = tmp_path / "enc-x.secret.values.yaml"
    file.write_text("a: 1\n")
    with pytest.raises(UsageError, match=r"name the hub: .*x.values.yaml"):
        load_hub(str(file))


@pytest.mark.parametrize("hub", ["a" * 300, "a\0b", "x/" + "a" * 300, "a\0b.yaml"])
def test_a_name_that_no_file_can_have(tmp_path: Path, hub: str) -> None:
    with pytest.raises(UsageError, match="there is no hub"):
        load_hub(hub, folder=tmp_path)


@pytest.mark.parametrize("hub", ["/", "./"])
def test_a_folder_without_a_name(tmp_path: Path, hub: str) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        load_hub(hub, folder=tmp_path)


def test_a_file_with_a_name_that_no_file_can_have() -> None:
    with pytest.raises(FedhubError, match="no file can be called like this"):
        read_text(Path("a\0b.yaml"))
