"""A Hub: where its values come from, and where each was set."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedhub.errors import Position
from fedhub.hub import Hub, load_hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.chdir(tmp_path)
    values = tmp_path / "values"
    values.mkdir()
    (values / "common.values.yaml").write_text("hub:\n  a: common\n  b: common\n  c: {x: 1}\n")
    (values / "x.values.yaml").write_text(
        "# x\nhub:\n  b: hub\n  c: null\n  list:\n  - k: 1\n  -   l: 2\n"
        "second: &s\n  t: 1\nthird: *s\n"
    )
    (values / "enc-x.secret.values.yaml").write_text("hub: {s: secret}\n")
    (tmp_path / "more.yaml").write_text("hub:\n    c:\n        z: 2\n")
    return load_hub("x", extra=[Path("more.yaml")])


def test_files_lie_over_each_other_in_order(hub: Hub) -> None:
    assert [(str(file.path), file.kind) for file in hub.files] == [
        ("values/common.values.yaml", "common"),
        ("values/x.values.yaml", "hub"),
        ("values/enc-x.secret.values.yaml", "secrets"),
        ("more.yaml", "extra"),
    ]
    assert hub.values["hub"] == {
        "a": "common",
        "b": "hub",
        "c": {"z": 2},
        "list": [{"k": 1}, {"l": 2}],
        "s": "secret",
    }


@pytest.mark.parametrize(
    ("path", "position"),
    [
        (("hub", "a"), Position("values/common.values.yaml", 2, 3)),
        (("hub", "b"), Position("values/x.values.yaml", 3, 3)),
        (("hub", "c", "z"), Position("more.yaml", 3, 9)),
        (("hub", "list", 1), Position("values/x.values.yaml", 7, 7)),
        (("hub", "list", 1, "l"), Position("values/x.values.yaml", 7, 7)),
        (("hub", "s"), Position("values/enc-x.secret.values.yaml", 1, 7)),
        (("third",), Position("values/x.values.yaml", 10, 1)),
        (("third", "t"), Position("values/x.values.yaml", 9, 3)),
        # What is not there stands where its nearest ancestor does.
        (("hub", "b", "deep", 3), Position("values/x.values.yaml", 3, 3)),
        (("nothing", "at", "all"), Position("values/x.values.yaml", 1, 1)),
        ((), Position("values/x.values.yaml", 1, 1)),
    ],
)
def test_each_value_knows_where_its_key_stands(
    hub: Hub, path: tuple[str | int, ...], position: Position
) -> None:
    assert hub.position(*path) == position
    assert str(hub.source(*path).path) == position.file


def test_each_value_knows_where_it_starts_itself(hub: Hub) -> None:
    assert hub.start("hub", "b") == Position("values/x.values.yaml", 3, 6)


def test_every_value_has_a_position(hub: Hub) -> None:
    def paths(value: object, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
        found = [path]
        below = value.items() if isinstance(value, dict) else ()
        below = enumerate(value) if isinstance(value, list) else below
        for key, one in below:
            found += paths(one, (*path, key))
        return found

    assert set(hub.positions) == set(paths(hub.values, ()))


def test_null_is_as_good_as_absent_to_a_reader(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "null.yaml").write_text("hub: {a: null}\n")
    emptied = load_hub("x", extra=[Path("null.yaml")])
    assert emptied.get("hub", "a", default="default") == "default"
    assert emptied.values["hub"]["a"] is None
    assert emptied.get("hub", "a", "below") is None


def test_a_path_finds_the_files_beside_it(hub: Hub, tmp_path: Path) -> None:
    found = load_hub(str(tmp_path / "values" / "x.values.yaml"))
    assert found.name == "x"
    assert [file.kind for file in found.files] == ["common", "hub", "secrets"]


@pytest.mark.parametrize("name", ["y.yaml", "y.values.yaml", "y.yml", "y"])
def test_a_hub_is_named_after_its_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("a: 1\n")
    assert load_hub(str(tmp_path / name)).name == "y"


def test_the_common_file_is_not_laid_under_itself(tmp_path: Path) -> None:
    file = tmp_path / "common.values.yaml"
    file.write_text("a: 1\n")
    assert [one.kind for one in load_hub(str(file)).files] == ["hub"]


def test_plain_z2jh_values_are_z2jhs(tmp_path: Path) -> None:
    (tmp_path / "x.values.yaml").write_text("hub: {baseUrl: /x}\nglobal: {a: 1}\n")
    hub = load_hub("x", folder=tmp_path)
    assert hub.z2jh_at == ()
    assert hub.z2jh == hub.values
    assert hub.z2jh_get("hub", "baseUrl") == "/x"
    assert hub.fedhub is None


def test_wrapped_z2jh_values_get_the_globals(tmp_path: Path) -> None:
    (tmp_path / "x.values.yaml").write_text(
        "jupyterhub: {hub: {baseUrl: /x}}\nglobal: {fedhub: {domain: hub.example.org}}\nother: 1\n"
    )
    hub = load_hub("x", folder=tmp_path)
    assert hub.z2jh_at == ("jupyterhub",)
    assert hub.z2jh_get("hub", "baseUrl") == "/x"
    assert hub.z2jh_get("global", "fedhub", "domain") == "hub.example.org"
    assert hub.z2jh_get("other", default=3) == 3
    assert hub.fedhub is not None
    assert hub.fedhub.domain == "hub.example.org"


def test_nothing_in_the_values_is_shared(tmp_path: Path) -> None:
    (tmp_path / "x.values.yaml").write_text("a: &a {b: 1}\nc: *a\n")
    values = load_hub("x", folder=tmp_path).values
    assert values["a"] is not values["c"]
