"""What every command does alike: help, exit codes, one sentence for a refusal, Ctrl-C, and a reader that goes away."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from deepgray import models
from deepgray.cli import main
from deepgray.cli.app import COMMANDS
from deepgray.errors import OutputError


def test_help_names_every_command_and_imports_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name, _, _ in COMMANDS)
    code = (
        "import sys; from deepgray.cli import main; main(['--help']);"
        "print(any(m in sys.modules for m in ('scipy.ndimage', 'matplotlib', 'onnxruntime', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.endswith(
        "False\n"
    )


@pytest.mark.parametrize("command", [name for name, _, _ in COMMANDS])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"deepgray {command}" in capsys.readouterr().out


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == version("deepgray")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], 'Unknown command "nonsense"'),
        (["run"], "requires an argument. See 'deepgray run --help'."),
        (["run", "a.nii", "-o", "out", "--colour", "red"], "Unknown option: --colour"),
        (["run", "a.nii", "-o", "out", "--subdivide", "magic"], "magic"),
        (["models", "card", "nothing"], "'nothing' came"),
    ],
)
def test_what_is_not_understood_is_one_sentence_and_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("deepgray: ")
    assert words in printed.err
    assert printed.err.count("\n") == 1


def test_a_refusal_is_one_sentence_and_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> tuple[str, ...]:
        raise OutputError("A folder is wanted, none came.")

    monkeypatch.setattr(models, "entries", refuse)
    assert main(["models"]) == 1
    assert capsys.readouterr().err == "deepgray: A folder is wanted, none came.\n"


def test_ctrl_c_ends_cleanly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> tuple[str, ...]:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "entries", interrupt)
    assert main(["models"]) == 130
    assert capsys.readouterr().err == "deepgray: stopped.\n"


def test_a_reader_that_goes_away_causes_no_complaint() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "deepgray", "models"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), complaint) == (141, "")
