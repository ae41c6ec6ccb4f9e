"""``deepgray``: its commands, what they return to the shell, and how refusals are printed.

Exit codes: 0 all is well; 1 something was refused or failed; 2 the command was not understood; 130 stopped by Ctrl-C;
141 whoever read the output went away. A refusal is one sentence on standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from deepgray.errors import DeepgrayError, SettingsError

FAILED, NOT_UNDERSTOOD, INTERRUPTED, READER_GONE = 1, 2, 130, 141

# A command is imported when it is called: name, where it is, one line of help. Rooms to come add a line here.
COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("run", "deepgray.cli.run:run", "Outline and measure scans."),
    ("status", "deepgray.cli.status:status", "Say how the studies of an output folder stand."),
    ("review", "deepgray.serve.door:review", "Look at outlines, the doubtful first, and mend them in a page."),
    ("models", "deepgray.cli.models:app", "List the networks, print a card, check the weights."),
    ("doctor", "deepgray.cli.doctor:doctor", "Say what is installed, and try it out."),
    ("evaluate", "deepgray.cli.evaluate:evaluate", "Compare label maps with the truth."),
    ("agree", "deepgray.cli.agree:agree", "Compare measures of two runs, or the ratings of several readers."),
    ("split-striatum", "deepgray.cli.split_striatum:split_striatum", "Split your own label map by the geometric rule."),
    ("simulate", "deepgray.cli.simulate:app", "Make scans with a known answer."),
    ("protocol", "deepgray.cli.protocol:app", "Run the protocol of a published work on simulated scans."),
    ("train", "deepgray.cli.train:train", "Train a network on label maps."),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words after ``deepgray``; those of the process when None.

    Returns:
        Exit code.
    """
    try:
        code = _app()(sys.argv[1:] if arguments is None else list(arguments), exit_on_error=False, print_error=False)
        sys.stdout.flush()  # here, where a reader that went away is still caught
        return code if isinstance(code, int) else 0
    except CycloptsError as error:
        print(_sentence(error), file=sys.stderr)
        return NOT_UNDERSTOOD
    except DeepgrayError as error:
        print(f"deepgray: {error}", file=sys.stderr)
        return NOT_UNDERSTOOD if isinstance(error, SettingsError) else FAILED
    except KeyboardInterrupt:
        print("deepgray: stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more as it leaves
        return READER_GONE


def _app() -> App:
    app = App(
        name="deepgray",
        help="Outlines and measures the deep gray matter nuclei of the brain. For research only.",
        version=_version,
        help_format="plaintext",
        result_action="return_value",
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(negative=""),
    )
    for name, place, words in COMMANDS:
        app.command(place, name=name, help=words)
    return app


def _version() -> str:
    from deepgray import __version__  # noqa: PLC0415 (only who asks pays for it)

    return __version__


def _sentence(error: CycloptsError) -> str:
    words = " ".join(error.command_chain or ())
    return f"deepgray: {error} See 'deepgray {words}{' ' if words else ''}--help'."
