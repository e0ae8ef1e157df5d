"""The other half of the plays of `test_warehouse_model.py`: `--dist loadfile` gives each file to one worker."""

from pathlib import Path

import pytest

from tests.property.test_warehouse_model import SHARDS, folder, play_for_hours, play_shard

__all__ = ["folder"]


@play_for_hours
@pytest.mark.parametrize("shard", range(1, SHARDS, 2))
def test_warehouse_holds_the_truth_whatever_comes(
    shard: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    play_shard(shard, folder, monkeypatch, caplog)
