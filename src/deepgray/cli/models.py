"""``deepgray models``: the networks that ship, their cards and checksums, and the tasks they serve."""

from __future__ import annotations

from cyclopts import App

from deepgray import models
from deepgray.cli.output import news, rows
from deepgray.errors import ChecksumError, ModelError
from deepgray.recipe import Task

app = App(name="models", help="List the networks, print a card, check the weights.")


@app.default
@app.command(name="list")
def show() -> int:
    """List the networks: name, version, licence, state of the weights, checksum."""
    rows(
        [
            ("name", "version", "task", "licence", "weights", "sha256"),
            *((e.name, e.version, e.task, e.licence, state(e), e.sha256[:16] or "-") for e in models.entries()),
        ]
    )
    return 0


@app.command
def card(name: str) -> int:
    """Print the card of a network: what it was trained and tested on, and what it is not for.

    Args:
        name: Name of the network, see 'deepgray models list'.
    """
    print(models.card(name))
    return 0


@app.command
def verify() -> int:
    """Check every weights file against its checksum; the exit code is 1 when one is missing or differs."""
    failed = 0
    for shipped in models.entries():
        try:
            models.verify(shipped)
        except ModelError as error:
            news(str(error))
            failed += 1
    rows((e.name, state(e)) for e in models.entries())
    return 1 if failed else 0


@app.command
def tasks() -> int:
    """List the tasks: name, modality, whether their networks are there, what they do."""
    found = [models.task(name) for name in models.task_names()]
    rows([("name", "modality", "networks", "title"), *((t.name, t.modality, ready(t), t.title) for t in found)])
    return 0


def ready(task: Task) -> str:
    """``ready``, or which networks of a task do not ship with this version."""
    absent = models.absent(task)
    return f"not shipped: {', '.join(absent)}" if absent else "ready"


def state(shipped: models.Entry) -> str:
    """``verified``, ``differs`` or ``missing``: how a weights file is."""
    try:
        models.verify(shipped)
    except ChecksumError:
        return "differs"
    except ModelError:
        return "missing"
    return "verified"
