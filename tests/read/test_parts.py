"""Tables of subregions."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_heads import PART_NAMES, save_heads

from deepgray.errors import SettingsError
from deepgray.read import read_part_names


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_heads(tmp_path_factory.mktemp("heads"), ("sub-01",), spacing=6.0)


def test_names_of_parts_come_from_the_table(heads: Path) -> None:
    assert read_part_names(heads / "labels_striatum12.tsv") == PART_NAMES


@pytest.mark.parametrize("text", ["", "index\tabbreviation\none\tVS-L\n", "number\tname\n1\tVS\n"])
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    table = tmp_path / "labels_striatum12.tsv"
    table.write_text(text)
    if text == "":
        table.unlink()
    with pytest.raises(SettingsError, match="A table of index and abbreviation is wanted"):
        read_part_names(table)
