"""The library is a guest in its host's process: exact settings hold inside, and the host's come back."""

import threading
from collections.abc import Callable

import pytest
import torch

from dvcodec.models.integer.guard import integer_arithmetic


def test_exact_arithmetic_forbids_and_restores() -> None:
    torch.set_float32_matmul_precision("medium")
    try:
        with pytest.raises(KeyError), torch.autocast("cpu", torch.bfloat16):
            with integer_arithmetic():
                assert torch.get_float32_matmul_precision() == "highest"
                assert not torch.is_autocast_enabled("cpu") and torch.is_inference_mode_enabled()
                assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
            assert torch.is_autocast_enabled("cpu") and not torch.is_inference_mode_enabled()
            with integer_arithmetic():
                raise KeyError
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_threads_that_overlap_keep_the_exact_settings_and_leave_the_hosts() -> None:
    set_flags: Callable[[bool], tuple[bool]] = torch.backends.nnpack.set_flags
    before = set_flags(True)
    torch.set_float32_matmul_precision("medium")
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    def first() -> None:
        with integer_arithmetic():
            first_is_in.set()
            assert second_is_in.wait(60)
        first_is_out.set()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert first_is_in.wait(60)
        with integer_arithmetic():
            second_is_in.set()
            assert first_is_out.wait(60)
            assert torch.get_float32_matmul_precision() == "highest"
            assert set_flags(False) == (False,)
        assert torch.get_float32_matmul_precision() == "medium"
        assert set_flags(True) == (True,)
    finally:
        second_is_in.set()
        thread.join()
        torch.set_float32_matmul_precision("highest")
        set_flags(*before)


def test_exact_arithmetic_keeps_nnpack_out() -> None:
    set_flags: Callable[[bool], tuple[bool]] = torch.backends.nnpack.set_flags
    before = set_flags(True)
    try:
        with integer_arithmetic():
            assert set_flags(False) == (False,)
        assert set_flags(True) == (True,)
    finally:
        set_flags(*before)
