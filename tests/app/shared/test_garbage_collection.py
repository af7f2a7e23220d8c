import gc
import sys
from collections.abc import Iterator

import pytest

from geovq.app.shared.garbage_collection import set_imports_aside


@pytest.fixture(autouse=True)
def nothing_aside() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_lives_is_out_of_the_collectors_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    n_before = len(gc.get_objects())
    monkeypatch.setitem(sys.modules, "imported_for_the_first_time", sys)
    set_imports_aside()
    assert len(gc.get_objects()) < 0.1 * n_before


def test_it_is_done_again_only_when_more_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imported_now", sys)
    set_imports_aside()
    gc.unfreeze()
    set_imports_aside()
    assert gc.get_freeze_count() == 0
    monkeypatch.setitem(sys.modules, "imported_later", sys)
    set_imports_aside()
    assert gc.get_freeze_count() > 0
