"""The public face of the package."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dvcodec
from dvcodec.codec.lossy import symbol_chunks
from dvcodec.evaluation.codecs.dvcodec import Dvcodec
from fake import photograph
from program import dvcodec as program

ROOT = Path(dvcodec.__file__).parent


@pytest.mark.usefixtures("fake_weights")
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_there_and_back(channels: int) -> None:
    pixels = np.dstack([photograph(33, 45), photograph(33, 45)])[:, :, :channels]
    array = pixels[:, :, 0] if channels == 1 else pixels
    back = dvcodec.decompress_array(dvcodec.compress_array(array, 70))
    assert back.shape == array.shape and back.dtype == np.uint8
    if channels in (2, 4):
        assert (back[:, :, -1] == array[:, :, -1]).all()


@pytest.mark.usefixtures("fake_weights")
def test_images_there_and_back() -> None:
    image = Image.fromarray(photograph(33, 45))
    data = dvcodec.compress(image, quality=50)
    assert data == dvcodec.compress(image) == dvcodec.compress_array(np.asarray(image), weights="fake", device="cpu")
    back = dvcodec.decompress(data)
    assert back.mode == "RGB" and back.size == image.size
    assert (np.asarray(back) == dvcodec.decompress_array(data, preview="all")).all()
    assert len(dvcodec.compress(image, target_bpp=1.5)) <= 1.5 * 33 * 45 / 8
    assert dvcodec.info(data).quality == 50 and dvcodec.info(data).total_bytes == len(data)


@pytest.mark.usefixtures("fake_weights")
def test_errors_are_one_family_and_wrong_arguments_are_value_errors_too() -> None:
    with pytest.raises(dvcodec.FormatError) as caught:
        dvcodec.decompress(b"no such thing")
    assert isinstance(caught.value, dvcodec.DvcodecError)
    with pytest.raises(ValueError, match="1 to 100"):
        dvcodec.compress(Image.fromarray(photograph(8, 8)), quality=0)
    with pytest.raises(dvcodec.InvalidArgument, match="number"):
        dvcodec.compress(Image.fromarray(photograph(8, 8)), quality="50")  # type: ignore[arg-type]
    with pytest.raises(dvcodec.UnsupportedImage):
        dvcodec.compress(Image.new("F", (3, 3)))
    with pytest.raises(dvcodec.WeightsNotFound):
        dvcodec.compress(Image.new("L", (3, 3)), weights="unknown")


@pytest.mark.usefixtures("fake_weights")
def test_every_function_passes_the_effort_to_the_encoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen, honest = [], symbol_chunks.encode

    def noted(*arguments: Any, passes: int, **options: Any) -> symbol_chunks.Encoded:
        seen.append(passes)
        return honest(*arguments, passes=passes, **options)

    monkeypatch.setattr(symbol_chunks, "encode", noted)
    image = Image.fromarray(photograph(16, 16))
    dvcodec.compress(image)
    dvcodec.compress(image, effort=9)
    dvcodec.compress_array(np.asarray(image), effort=1)
    dvcodec.register()
    image.save(tmp_path / "a.dvq", effort=2)
    assert seen == [1, 9, 1, 2]
    with pytest.raises(dvcodec.InvalidArgument, match="`effort` 10 is out of range"):
        dvcodec.compress(image, effort=10)
    for options in ({"effort": 3}, {"tune": "psnr"}):
        with pytest.raises(dvcodec.InvalidArgument, match="lossy files only"):
            dvcodec.compress(image, lossless=True, **options)
    Dvcodec(effort=6).encode(image, 50)
    Image.fromarray(photograph(16, 16)).save(tmp_path / "a.png")
    assert program("compress", str(tmp_path / "a.png"), "-f", "--effort", "5").code == 0
    assert seen == [1, 9, 1, 2, 6, 5]


def test_the_version_is_that_of_the_package() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == dvcodec.__version__


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import dvcodec", {"torch", "PIL", "numpy"}),
        ("import dvcodec.codec.bitstream.info, dvcodec.codec.api, dvcodec.weights", {"torch", "PIL", "numpy"}),
        (
            "import dvcodec.codec.lossy.encoder, dvcodec.codec.decoder, dvcodec.codec.pillow_plugin",
            {"torch", "jaxtyping"},
        ),
    ],
)
def test_imports_stay_light(code: str, absent: set[str]) -> None:
    probe = f"{code}; import sys; print(*{absent!r}.intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
