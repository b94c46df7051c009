"""Lossless pixels and black and white images are coded without torch, whatever the threads and kernels of numpy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_bilevel
import small_model
import small_pixels
from PIL import Image

from dvcodec.codec.entropy.ans import Tables
from dvcodec.codec.lossless import bilevel, pixel_strips
from fake import photograph

CODE = """
import sys, dvcodec
from PIL import Image
with Image.open(sys.argv[1]) as image:
    data = dvcodec.compress(image, lossless=True, method=sys.argv[2])
    assert dvcodec.info(data).method == sys.argv[2]
    assert dvcodec.decompress(data).tobytes() == image.tobytes()
print(sorted(name for name in sys.modules if name.split(".")[0] == "torch"))
"""


@pytest.mark.parametrize("method", ["model", "bilevel"])
def test_no_torch_is_imported(method: str, tmp_path: Path) -> None:
    page = Image.fromarray(small_bilevel.page(40, 50) != 0)
    image = page if method == "bilevel" else Image.fromarray(small_model.photograph(40, 50))
    image.save(tmp_path / "x.png")
    done = subprocess.run(
        [sys.executable, "-c", CODE, tmp_path / "x.png", method], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


ENCODE = """
import sys
from pathlib import Path
import numpy as np
from dvcodec import models
from dvcodec.codec.entropy.ans import Tables
from dvcodec.codec.lossless import bilevel, pixel_strips
pixels, page, inputs, out = map(Path, sys.argv[1:])
array, predicted, white = np.load(inputs).values()
model, pages = models.load_pixels(pixels), models.load_bilevel(page)
whole = [tuple(slice(0, side) for side in white.shape)]
strip = pixel_strips.encode(array, predicted, model, Tables(model.tables))
out.write_bytes(strip + bilevel.encode(white, whole, pages, Tables(pages.tables)))
"""


@pytest.mark.parametrize(("threads", "kernels"), [("1", "Nehalem"), ("3", "")])
def test_bytes_do_not_depend_on_threads_and_kernels(threads: str, kernels: str, tmp_path: Path) -> None:
    array, predicted, white = photograph(70, 40), photograph(70, 40, 3), small_bilevel.page(70, 40)
    model, pages = small_pixels.pixel_model(), small_bilevel.bilevel_model()
    strip = pixel_strips.encode(array, predicted, model, Tables(model.tables))
    expected = strip + bilevel.encode(white, [(slice(0, 70), slice(0, 40))], pages, Tables(pages.tables))
    paths = [tmp_path / name for name in ("pixels", "pages", "inputs.npz", "out")]
    paths[0].write_bytes(small_pixels.weights_bytes())
    paths[1].write_bytes(small_bilevel.weights_bytes())
    np.savez(paths[2], array, predicted, white)
    chosen = {"OPENBLAS_NUM_THREADS": threads} | ({"OPENBLAS_CORETYPE": kernels} if kernels else {})
    subprocess.run([sys.executable, "-c", ENCODE, *paths], env=os.environ | chosen, check=True)
    assert paths[3].read_bytes() == expected
