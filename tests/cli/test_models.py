"""``deepgray models``: what is listed is what is there."""

from __future__ import annotations

import pytest

from deepgray import models
from deepgray.cli import main
from deepgray.errors import ChecksumError, ModelError


def listed(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("arguments", [["models"], ["models", "list"]])
def test_the_list_holds_every_network_with_the_state_of_its_weights(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"striatum-outline": ChecksumError("x"), "striatum-subdivide": ModelError("x")}

    def verify(shipped: models.Entry) -> str:
        refusal = states.get(shipped.name)
        if refusal is not None:
            raise refusal
        return shipped.sha256

    monkeypatch.setattr(models, "verify", verify)
    assert main(arguments) == 0
    lines = listed(capsys)
    assert lines[0] == ["name", "version", "task", "licence", "weights", "sha256"]
    assert {line[0]: line[4] for line in lines[1:]} == {
        **dict.fromkeys(models.names(), "verified"),
        "striatum-outline": "differs",
        "striatum-subdivide": "missing",
    }
    assert main(["models", "verify"]) == 1


def test_verify_is_content_when_all_weights_are_the_listed_ones(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "verify", lambda shipped: shipped.sha256)
    assert main(["models", "verify"]) == 0
    assert [line[1] for line in listed(capsys)] == ["verified"] * len(models.names())


def test_a_card_is_printed_as_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "card", lambda name: f"# {name}")
    assert main(["models", "card", "head-locate"]) == 0
    assert capsys.readouterr().out == "# head-locate\n"


def test_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "tasks"]) == 0
    found = listed(capsys)
    assert found[0] == ["name", "modality", "networks", "title"]
    assert [line[0] for line in found[1:]] == list(models.task_names())
    assert ["striatum", "mr", "ready"] in [line[:3] for line in found]


def test_a_task_whose_networks_do_not_ship_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "absent", lambda task: ("striatum-outline",) if task.name == "striatum" else ())
    assert main(["models", "tasks"]) == 0
    assert {line[0]: line[2] for line in listed(capsys)}["striatum"] == "not shipped: striatum-outline"
