"""The file API: reports, inspection, verification, and outputs that are whole or absent."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from weights_headers import header

from dvcodec.codec import api, loading
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import (
    FormatError,
    InvalidArgument,
    OutputExists,
    OutputFailed,
    TruncatedFile,
    UnsupportedImage,
    WeightsNotFound,
)
from dvcodec.image_io import atomic
from dvcodec.weights import Weights, by_id, default, entries, find
from fake import photograph

pytestmark = pytest.mark.usefixtures("fake_weights")


def test_there_and_back(photo: Path, tmp_path: Path) -> None:
    report = api.compress_file(photo, tmp_path / "a.dvq", CompressSettings(quality=80))
    size = (tmp_path / "a.dvq").stat().st_size
    assert (report.width, report.height, report.mode, report.quality) == (150, 120, "RGB", 80)
    assert (report.bytes, report.source_bytes, report.weights) == (size, photo.stat().st_size, "fake")
    assert report.bpp == 8 * size / (120 * 150) and report.psnr is None and report.seconds > 0
    assert report.layer_bits[0][0] == "64/y" and 0 < report.overhead_bytes <= 45
    back = api.decompress_file(tmp_path / "a.dvq", tmp_path / "back.png")
    assert (back.chunks, back.total_chunks, back.bytes) == (
        report.chunks,
        report.chunks,
        (tmp_path / "back.png").stat().st_size,
    )
    with Image.open(tmp_path / "back.png") as image:
        assert image.size == (150, 120) and image.mode == "RGB"


def test_targets_reach_the_report(photo: Path) -> None:
    _, report = api.compress_data(photo.read_bytes(), CompressSettings(target_psnr=30))
    assert report.psnr is not None and report.psnr >= 30
    data, report = api.compress_data(photo.read_bytes(), CompressSettings(target_size=500))
    assert len(data) <= 500


def test_metadata_stay_unless_stripped(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[274] = 6
    Image.fromarray(photograph(20, 30)).save(tmp_path / "a.jpg", exif=tags, icc_profile=b"profile" * 9)
    for strip in (False, True):
        data, _ = api.compress_data((tmp_path / "a.jpg").read_bytes(), CompressSettings(strip=strip))
        kept = api.decompress_picture(data).picture.metadata
        info = api.inspect_data(data)
        assert bool(kept.icc) == bool(kept.exif) == bool(info.icc_bytes) == bool(info.exif_bytes) == (not strip)


def test_info_tells_what_the_header_tells(dvq: Path) -> None:
    info = api.inspect_file(dvq)
    assert (info.width, info.height, info.mode, info.quality) == (150, 120, "RGB", 50)
    assert (info.weights_name, info.weights_id) == ("fake", default().id.hex())
    assert (
        info.total_bytes
        == info.actual_bytes
        == dvq.stat().st_size
        == info.header_bytes + sum(c.bytes for c in info.chunks)
    )
    assert sum(len(chunk.strides or ()) for chunk in info.chunks) == 8 and info.chunks[0].strides[0] == 64  # type: ignore[index]
    assert info.fault is None and not info.truncated and all(chunk.whole for chunk in info.chunks)
    assert json.loads(json.dumps(info.as_dict()))["chunks"][0]["bytes"] == info.chunks[0].bytes


def test_info_describes_broken_files_and_foreign_weights(dvq: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dvq.read_bytes()
    cut = api.inspect_data(data[:-3])
    assert cut.truncated and cut.fault and "cut short" in cut.fault and cut.whole_chunks == len(cut.chunks) - 1
    damaged = api.inspect_data(data[:-1] + bytes([data[-1] ^ 1]))
    assert not damaged.truncated and damaged.fault and "damaged" in damaged.fault
    foreign = api.inspect_data(_other_weights(data))
    assert foreign.weights_name is None and foreign.chunks[0].strides is None


def _other_weights(data: bytes) -> bytes:
    from dataclasses import replace

    from dvcodec.codec.bitstream.assembly import Parts, assemble
    from dvcodec.codec.bitstream.container import parse

    parsed = parse(data)
    return assemble(replace(parsed.header, weights=b"\1" * 8), Parts(parsed.selected(len(parsed.chunks))))


def test_verify_passes_what_is_whole_and_names_what_is_not(dvq: Path) -> None:
    report = api.verify_file(dvq)
    assert report.bytes == 0 and report.chunks == report.total_chunks > 0
    data = dvq.read_bytes()
    with pytest.raises(TruncatedFile):
        api.verify_data(data[:-1])
    with pytest.raises(WeightsNotFound, match="0101010101010101"):
        api.verify_data(_other_weights(data))


def test_nothing_is_done_before_the_output_is_known_to_be_free(photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "there.dvq"
    target.write_bytes(b"precious")
    with pytest.raises(OutputExists, match="`force`"):
        api.compress_file(tmp_path / "absent.png", target, CompressSettings())
    assert target.read_bytes() == b"precious"
    api.compress_file(photo, target, CompressSettings(), force=True)
    assert target.read_bytes().startswith(b"\x8bDVQ")


@pytest.mark.parametrize("force", [False, True])
def test_the_input_is_never_overwritten(dvq: Path, tmp_path: Path, force: bool) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(dvq)
    hard = tmp_path / "hard.png"
    os.link(dvq, hard)
    for target in (dvq, link, hard, tmp_path / "." / dvq.name):
        with pytest.raises(OutputExists, match="overwrite the input"):
            api.decompress_file(dvq, target, force=force)


def test_other_outputs_that_cannot_be(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="is a folder"):
        api.compress_file(photo, tmp_path, CompressSettings())
    with pytest.raises(OutputFailed, match=r"the folder .* does not exist"):
        api.compress_file(photo, tmp_path / "no" / "a.dvq", CompressSettings())
    with pytest.raises(OutputFailed, match="suffix"):
        api.decompress_file(photo, tmp_path / "a.foo")
    with pytest.raises(FormatError, match="cannot read the file: No such file"):
        api.decompress_file(tmp_path / "absent.dvq", tmp_path / "a.png")
    api.compress_file(photo, Path(os.devnull), CompressSettings())
    assert not Path(os.devnull).is_file()


def test_new_files_have_the_users_permissions_and_old_ones_keep_theirs(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic.write(tmp_path / "new", b"1", force=False)
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
    (tmp_path / "new").chmod(0o604)
    atomic.write(tmp_path / "new", b"2", force=True)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o604 and (tmp_path / "new").read_bytes() == b"2"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["fsync", "link", "replace"])
def test_a_failure_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, where: str
) -> None:
    def fail(*arguments: Any) -> None:
        raise failure

    monkeypatch.setattr(os, where, fail)
    if where == "link":
        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises((OutputFailed, KeyboardInterrupt)):
        atomic.write(tmp_path / "a.dvq", b"data", force=where == "replace")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"theirs")
    with pytest.raises(OutputExists):
        atomic.write(tmp_path / "a", b"ours", force=False)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"theirs"]


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", fail)
    atomic.write(tmp_path / "a", b"ours", force=False)
    with pytest.raises(OutputExists):
        atomic.write(tmp_path / "a", b"again", force=False)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"ours"]


# Weights


def test_weights_are_found_by_name_path_and_id(
    fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [weights.name for weights in entries()] == ["fake"]
    assert find("fake") == default() == by_id(fake_weights.id) == fake_weights and len(fake_weights.id) == 8
    own = tmp_path / "mine.safetensors"
    own.write_bytes(header(identity="1" * 64))
    assert find(str(own)).name == "mine" and find(str(own)).card == {}
    with pytest.raises(WeightsNotFound, match="dvcodec models"):
        find("mine")
    monkeypatch.setenv("DVCODEC_WEIGHTS", str(tmp_path))
    assert find("mine") == by_id(find(str(own)).id)
    own.write_bytes(header(identity="2" * 64) + b"trained further")
    assert find("mine").sha256 != fake_weights.sha256 and find("mine") in entries()


def test_unknown_devices_are_refused() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.undo()
        with pytest.raises(InvalidArgument, match="unknown device"):
            DEVICE_OF("tpu")
        assert DEVICE_OF("cpu") == "cpu"


DEVICE_OF = loading.device_of  # as it is before the fixture replaces it


def test_an_unsupported_image_writes_nothing(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(UnsupportedImage):
        api.compress_file(tmp_path / "deep.png", tmp_path / "deep.dvq", CompressSettings())
    assert [path.name for path in tmp_path.iterdir()] == ["deep.png"]


def test_names_as_long_as_names_may_be(tmp_path: Path) -> None:
    for name in ("\N{CJK UNIFIED IDEOGRAPH-5B57}" * 81, "n" * 250):
        atomic.write(tmp_path / f"{name}.dvq", b"data", force=False)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_not_ours_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large.dvq"
    with path.open("wb") as file:
        file.truncate(2**36)  # nothing on the disk, and more than any memory
    for look in (api.inspect_file, api.verify_file):
        with pytest.raises(FormatError, match=r"not a \.dvq file"):
            look(path)


def test_a_broken_file_among_other_weights_hinders_no_known_ones(
    fake_weights: Weights, dvq: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone.safetensors").symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("DVCODEC_WEIGHTS", str(tmp_path))
    assert by_id(fake_weights.id) == fake_weights == find(fake_weights.name)
    assert api.verify_file(dvq).width == 150
    with pytest.raises(WeightsNotFound, match=r"cannot read the weights file .*gone\.safetensors"):
        entries()
