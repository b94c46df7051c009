"""Running out of memory is one line, whoever noticed."""

from pathlib import Path

import pytest

from dvcodec.codec import api
from dvcodec.codec.lossy import symbol_chunks
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import DvcodecError

pytestmark = pytest.mark.usefixtures("fake_weights")


ALLOCATORS = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried ..."


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError(ALLOCATORS), RuntimeError("CUDA out of memory.")])
def test_lack_of_memory_names_the_size(error: Exception, dvq: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*args: object, **named: object) -> None:
        raise error

    for name in ("decode", "render", "encode"):
        with monkeypatch.context() as patch:
            patch.setattr(symbol_chunks, name, failing)
            with pytest.raises(DvcodecError, match="not enough memory for 150 x 120 pixels"):
                if name == "encode":
                    api.compress_file(dvq.with_suffix(".png"), dvq, CompressSettings(), force=True)
                else:
                    api.decompress_file(dvq, dvq.with_suffix(".ppm"))


def test_other_errors_are_not_taken_for_a_lack_of_memory(dvq: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*args: object, **named: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(symbol_chunks, "decode", failing)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        api.verify_file(dvq)
