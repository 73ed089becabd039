"""`fedhub secrets edit`: with the real sops and an editor that is a script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fedhub.secrets.encrypt import encrypted
from tests.previews import FEDHUB
from tests.unit.secrets.conftest import MINE, SECRET, SECRETS, decrypted, secrets

Editor = Callable[[str], dict[str, str]]


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    """Make an editor of Python lines; `path` is the plaintext it gets."""

    def made(code: str) -> dict[str, str]:
        script = tmp_path / "editor.py"
        script.write_text(f"import sys, os, pathlib\npath = pathlib.Path(sys.argv[1])\n{code}\n")
        return {"SOPS_EDITOR": f"{sys.executable} {script}"}

    return made


REPLACE = f"path.write_text(path.read_text().replace({SECRET!r}, 'new'))"


def test_what_was_edited_is_in_the_file_and_the_hub_is_checked(hub: Path, editor: Editor) -> None:
    SECRETS.chmod(0o640)
    done = secrets("edit", "x", **editor(REPLACE))
    assert done.returncode == 0, done.stderr
    assert "client_secret: new" in decrypted()
    assert "# an old one" in decrypted()
    assert f"{SECRETS} is changed" in done.stderr
    assert "in 1 hub" in done.stderr
    assert SECRETS.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in Path("values").iterdir() if one.name.startswith(".")] == []


def test_the_editor_gets_a_name_it_can_tell_the_language_by(
    hub: Path, editor: Editor, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    facts = "[path.name, oct(path.stat().st_mode), oct(path.parent.stat().st_mode)]"
    secrets("edit", "x", **editor(f"pathlib.Path({str(seen)!r}).write_text(' '.join({facts}))"))
    assert seen.read_text() == f"{SECRETS.name} 0o100600 0o40700"


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no file system in memory here")
def test_plaintext_is_in_memory_alone_and_gone_afterwards(
    hub: Path, editor: Editor, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    code = f"pathlib.Path({str(seen)!r}).write_text(str(path)); {REPLACE}"
    secrets("edit", "x", TMPDIR=str(tmp_path), **editor(code))
    plaintext = Path(seen.read_text())
    assert plaintext.is_relative_to("/dev/shm")
    assert not plaintext.parent.parent.exists()
    everything = [one for one in tmp_path.rglob("*") if one.is_file() and one != seen]
    left = [one for one in everything if SECRET.encode() in one.read_bytes()]
    assert left == [tmp_path / "editor.py"]


def test_an_editor_that_changes_nothing_leaves_the_file_alone(hub: Path, editor: Editor) -> None:
    before = SECRETS.read_bytes()
    done = secrets("edit", "x", **editor(""))
    assert (done.returncode, done.stdout) == (0, "")
    assert f"{SECRETS} stays as it was" in done.stderr
    assert SECRETS.read_bytes() == before


def test_a_file_is_begun_where_there_is_none(hub: Path, editor: Editor) -> None:
    SECRETS.unlink()
    secrets("edit", "x", **editor(""))
    assert not SECRETS.exists()
    code = "assert 'fedhub secrets edit' in path.read_text(); path.write_text('jupyterhub: {}\\n')"
    done = secrets("edit", "x", **editor(code))
    assert done.returncode == 0, done.stderr
    assert decrypted().strip() == "jupyterhub: {}"
    assert SECRETS.stat().st_mode & 0o777 == 0o600


def test_what_makes_no_sense_is_said_at_its_place(hub: Path, editor: Editor) -> None:
    done = secrets("edit", "x", **editor("path.write_text('jupyterhub: {hub: [a]}\\n')"))
    assert done.returncode == 1
    assert f"{SECRETS}:2:5: error: jupyterhub.hub is a map of keys to values" in done.stdout
    assert "a list" in done.stdout


def test_what_somebody_else_wrote_meanwhile_stays_and_so_does_what_one_wrote(
    hub: Path, editor: Editor, tmp_path: Path
) -> None:
    theirs = encrypted(MINE.replace(SECRET, "theirs"), SECRETS)
    (tmp_path / "theirs").write_bytes(theirs)
    copy = f"import shutil; shutil.copy({str(tmp_path / 'theirs')!r}, {str(SECRETS.resolve())!r})"
    done = secrets("edit", "x", **editor(f"{copy}; {REPLACE}"))
    assert done.returncode == 1
    assert "was changed by somebody else meanwhile" in done.stderr
    assert SECRETS.read_bytes() == theirs
    (kept,) = Path("values").glob("*.yours")
    assert str(kept) in done.stderr
    content = kept.read_bytes()
    assert b"new" not in content.partition(b"sops:")[0]
    kept.rename(tmp_path / "kept.yaml")
    assert "client_secret: new" in decrypted(tmp_path / "kept.yaml")


def test_a_file_that_appears_meanwhile_stays(hub: Path, editor: Editor) -> None:
    SECRETS.unlink()
    code = f"pathlib.Path({str(SECRETS.resolve())!r}).write_text('theirs'); path.write_text('a: 1')"
    done = secrets("edit", "x", **editor(code))
    assert done.returncode == 1
    assert "appeared meanwhile" in done.stderr
    assert SECRETS.read_text() == "theirs"
    assert len(list(Path("values").glob("*.yours"))) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_is_said_before_the_editor_opens(
    hub: Path, editor: Editor
) -> None:
    Path("values").chmod(0o500)
    done = secrets("edit", "x", **editor("pathlib.Path('/dev/stderr').write_text('opened')"))
    Path("values").chmod(0o700)
    assert done.returncode == 1
    assert "values can't be written" in done.stderr
    assert "opened" not in done.stderr


def test_without_an_editor_nothing_happens(hub: Path) -> None:
    before = SECRETS.read_bytes()
    done = secrets("edit", "x", SOPS_EDITOR="no-such-editor")
    assert done.returncode == 1
    assert "name an editor that waits in SOPS_EDITOR" in done.stderr
    assert SECRETS.read_bytes() == before


def test_without_a_key_it_says_whose_is_needed(hub: Path, editor: Editor, own: str) -> None:
    done = secrets("edit", "x", HOME="/nonexistent", **editor(REPLACE))
    assert done.returncode == 1
    assert f"it is encrypted for {own}" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_plaintext_and_no_editor(
    hub: Path, editor: Editor, tmp_path: Path, number: signal.Signals
) -> None:
    before = SECRETS.read_bytes()
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    code = (
        f"import signal\nwith open({str(ready)!r}, 'w') as pipe:\n"
        "    pipe.write(f'{path} {os.getpid()}')\nsignal.pause()"
    )
    with subprocess.Popen(
        [FEDHUB, "secrets", "edit", "x"],
        env=os.environ | editor(code),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        plaintext, pid = ready.read_text().split()
        assert SECRET in Path(plaintext).read_text()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"told to end; {SECRETS} stays as it is" in stderr
    assert not Path(plaintext).parent.parent.exists()
    assert not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text()
    assert SECRETS.read_bytes() == before


def test_ctrl_c_is_the_editors_business(hub: Path, editor: Editor) -> None:
    code = (
        "import signal\nassert signal.getsignal(signal.SIGINT) != signal.SIG_IGN\n"
        f"signal.signal(signal.SIGINT, lambda *_: None)\nos.kill({{}}, 2)\n{REPLACE}"
    )
    parent = "int(open(f'/proc/{os.getppid()}/stat').read().split()[3])"
    done = secrets("edit", "x", **editor(code.format(parent)))
    assert done.returncode == 0, done.stderr
    assert "client_secret: new" in decrypted()
