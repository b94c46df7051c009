"""Parts of an image that are worked on side by side."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep

import pytest
import small_model
import torch

from dvcodec.models import tiles
from dvcodec.models.hierarchy import PhotoHierarchy
from dvcodec.models.threads import side_by_side
from dvcodec.models.tiles import look_ahead_tiles

Q40 = 40 * 256


@pytest.fixture
def two_threads() -> Iterator[None]:
    """The process has two CPU threads, whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_parts_are_worked_on_side_by_side_and_come_in_order() -> None:
    met = Barrier(2)

    def work(item: int) -> tuple[int, int]:
        met.wait(timeout=60)  # nobody passes alone
        return item, torch.get_num_threads()

    assert list(side_by_side(work, range(6), torch.device("cpu"))) == [(item, 1) for item in range(6)]
    assert torch.get_num_threads() == 2
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 2


@pytest.mark.usefixtures("two_threads")
def test_parts_that_have_not_begun_are_left_out_after_an_error() -> None:
    begun = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 0:
            raise ValueError(item)
        sleep(0.05)

    with pytest.raises(ValueError, match="0"):
        list(side_by_side(work, range(1000), torch.device("cpu")))
    assert len(begun) < 1000 and torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_tiles_side_by_side_are_those_one_after_the_other(
    shipped: PhotoHierarchy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "SIDE", 64)
    pixels, quality = small_model.photograph(100, 130), shipped.codes(Q40)
    correction, ahead = look_ahead_tiles(shipped.network, pixels, quality, 2, grey=False)
    torch.set_num_threads(1)
    alone, known = look_ahead_tiles(shipped.network, pixels, quality, 2, grey=False)
    assert (correction == alone).all() and all(torch.equal(ahead[index], known[index]) for index in known)


def test_calls_that_overlap_give_every_thread_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    inside = Barrier(2)

    def host(_: int) -> int:
        torch.set_num_threads(4)
        seen = list(side_by_side(lambda item: inside.wait(timeout=60), range(2), torch.device("cpu")))
        assert len(seen) == 2
        return torch.get_num_threads()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(host, range(3))) == [4] * 3
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 4
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_threads_that_begin_meanwhile_have_all_of_them() -> None:
    with ThreadPoolExecutor(1) as other:
        found = side_by_side(lambda item: item, range(3), torch.device("cpu"))
        assert next(found) == 0
        assert other.submit(torch.get_num_threads).result() == 2 == torch.get_num_threads()
        assert list(found) == [1, 2]
