"""Progress of one file: the shares that callers are given, and the bar on a terminal."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dvcodec
from dvcodec.cli import batch, report
from dvcodec.cli.naming import Job
from dvcodec.codec.lossy.counting import Trials
from dvcodec.errors import TargetUnreachable
from dvcodec.progress import part
from fake import photograph

LOSSLESS: dict[str, Any] = {"lossless": True, "method": "stored"}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "photograph": ("RGB", {}),
    "grey photograph": ("L", {}),
    "target": ("RGB", {"target_size": 900}),
    "stored": ("1", LOSSLESS),
}


@pytest.mark.usefixtures("fake_weights", "small_chunks")
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_shares_rise_to_the_whole(kind: tuple[str, dict[str, Any]]) -> None:
    mode, options = kind
    image, shares = Image.fromarray(photograph(150, 170)).convert(mode), list[float]()
    data = dvcodec.compress(image, on_progress=shares.append, **options)
    assert data == dvcodec.compress(image, **options)
    _rise(shares)
    for how in ({}, {"scale": "1/8"}, {"region": (3, 4, 5, 6)}, {"preview": "all"}):
        shares.clear()
        dvcodec.decompress(data, on_progress=shares.append, **how)
        _rise(shares)


def _rise(shares: list[float]) -> None:
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] == 1


@pytest.mark.parametrize(("tune", "layers"), [("psnr", 96), ("perceptual", 21)])
def test_a_photograph_tells_of_its_layers_and_strips(tune: str, layers: int) -> None:
    image, shares = Image.fromarray(photograph(64, 72)), list[float]()
    data = dvcodec.compress(image, on_progress=shares.append, tune=tune)
    _rise(shares)
    assert len(set(shares)) > layers
    shares.clear()
    whole = dvcodec.decompress_array(data, on_progress=shares.append)
    _rise(shares)
    assert len(set(shares)) > layers and whole.shape == (64, 72, 3)


@pytest.mark.parametrize(("mode", "method"), [("RGB", "model"), ("1", "bilevel")])
def test_lossless_images_tell_of_their_strips(mode: str, method: str) -> None:
    image, shares = Image.fromarray(photograph(24, 32)).convert(mode), list[float]()
    data = dvcodec.compress(image, on_progress=shares.append, lossless=True, method=method)
    _rise(shares)
    shares.clear()
    assert dvcodec.decompress(data, on_progress=shares.append).tobytes() == image.tobytes()
    _rise(shares)
    assert len(set(shares)) > (30 if method == "model" else 0)


@pytest.mark.usefixtures("fake_weights")
def test_what_the_callback_raises_ends_the_work() -> None:
    class Cancelled(Exception):
        pass

    def cancel(share: float) -> None:
        raise Cancelled

    image = Image.fromarray(photograph(40, 50))
    data = dvcodec.compress(image)
    for work in (
        lambda: dvcodec.compress(image, on_progress=cancel),
        lambda: dvcodec.decompress(data, on_progress=cancel),
    ):
        with pytest.raises(Cancelled):
            work()


@pytest.mark.usefixtures("fake_weights")
def test_searches_that_fail_have_told_how_far_they_were() -> None:
    shares: list[float] = []
    with pytest.raises(TargetUnreachable):
        dvcodec.compress(Image.fromarray(photograph(40, 50)), target_size=1, on_progress=shares.append)
    assert shares == sorted(shares) and shares[-1] < 1


def test_more_trials_than_expected_share_what_is_left() -> None:
    shares: list[float] = []
    trials = Trials(shares.append, 4)
    for _ in range(9):
        trials.next()(1.0)
    assert np.allclose(shares[:2], [1 / 4, 1 / 2]) and shares == sorted(shares) and shares[-1] < 1
    once = Trials(shares.append, 1)
    once.next()(1.0)
    once.next()(0.5)
    assert shares[-2:] == [1.0, 1.0]
    part(shares.append, 0.5, 0.75)(0.5)
    assert shares[-1] == 0.625


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def tell(job: Job, request: batch.Request) -> batch.Done:
    """Tell of half of a file, and do it."""
    request.on_progress(0.5)
    return batch.Done(line="done")


@pytest.mark.parametrize("files", [1, 3])
def test_a_terminal_shows_per_cent_and_whole_lines(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    monkeypatch.setattr(report, "SLOW", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    reporter = report.Reporter()
    with reporter.bar(files) as bar:
        bar.share(0.5)
        for _ in range(200):
            if "%" in terminal.getvalue():
                break
            __import__("time").sleep(0.01)
        reporter.line("a line")
    written = terminal.getvalue()
    assert ("50%" if files == 1 else "17%") in written and "\na line\n" in written.replace("\r", "\n").replace(
        "\x1b[2K", ""
    )


def test_pipes_and_json_on_terminals_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SLOW", 0.0)
    for stream, options in ((io.StringIO(), {}), (Terminal(), {"quiet": True}), (Terminal(), {"as_json": True})):
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setattr("sys.stdout", Terminal())
        with report.Reporter(**options).bar(1) as bar:
            bar.share(0.5)
            bar()
        assert stream.getvalue() == ""


def test_files_in_this_process_tell_their_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[float] = []
    monkeypatch.setattr(report.Bar, "share", lambda self, share: shown.append(share))
    batch.run(tell, [Job("a", ""), Job("b", "")], batch.Request(), report.Reporter(quiet=True))
    assert shown == [0.5, 0.5]
