"""The comparison end to end on small pictures: what is measured, what is left out, what the cache saves."""

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from comparing import HOSTILE, POINTS, comparison, pictures
from dvcodec.errors import DvcodecError
from dvcodec.evaluation import ProgressCallbacks, RateDistortion, compare
from dvcodec.evaluation.codecs.baselines import Jpeg
from dvcodec.evaluation.codecs.interface import ImageCodec
from dvcodec.evaluation.comparison import tasks
from dvcodec.evaluation.comparison.cache import MeasurementCache
from dvcodec.evaluation.comparison.visual_comparison import notable
from dvcodec.evaluation.images import Skipped, survey
from dvcodec.evaluation.metrics.bootstrap import intervals
from dvcodec.evaluation.metrics.rate_distortion import Measurement, measure_one
from dvcodec.evaluation.metrics.scores import PSNR, Metric
from dvcodec.weights import Weights
from fake import photograph

pytest.importorskip("scipy", reason="scipy (the `eval` extra) is not installed")


@dataclass(frozen=True)
class Failing(Jpeg):
    """JPEG that cannot code wide images."""

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """A JPEG file, or an error."""
        if image.width > 100:
            raise OSError("too wide\nfor me")
        return super().encode(image, quality)


def test_everything_is_measured_over_the_same_images() -> None:
    result = comparison()
    names = [image.name for image in result.images]
    assert len(names) == 6 and HOSTILE in names
    assert (result.subject, result.anchor, result.names) == ("webp", "jpeg", tuple(POINTS))
    for one in result.results:
        assert [m.image for m in one.measurements] == [name for name in names for _ in POINTS[one.name]]
    assert result.skipped == (Skipped("broken.png", "not an image that Pillow can read"),)


def test_figures_agree_with_each_other() -> None:
    """BD-rate and BD-PSNR of opposite sign, the interval around the headline, the matrix's diagonal zero."""
    result = comparison()
    headline, gain = result.bd_rate("webp").headline, result.bd_psnr("webp")
    assert headline is not None and gain is not None and headline.percent * gain.decibels < 0
    interval = result.intervals[("jpeg", "webp")]
    assert interval.low <= headline.percent <= interval.high and interval.low < interval.high
    matrix = result.to_json()["bd-rate-matrix"]
    assert all(matrix[name][name] == pytest.approx(0) for name in result.names)


def test_images_are_ranked_by_the_subject_s_bd_rate() -> None:
    figures = comparison().of_images()
    rates = [one.bd.percent for one in figures if one.bd]
    assert len(rates) == 6 and rates == sorted(rates)
    shown = notable(comparison())
    assert shown[0][0].name == figures[0].name and shown[-1][1] == "worst"
    assert [matched.image for matched in comparison().gallery] == [source.name for source, _ in shown]


def test_side_by_side_nobody_has_fewer_bytes_than_the_subject() -> None:
    for matched in (*comparison().gallery, *comparison().at_ratio):
        original, ours, *others = matched.panels
        assert (original.codec, original.psnr, ours.codec) == ("original", None, "webp")
        assert others and all(panel.size >= ours.size for panel in others)
        assert Image.open(io.BytesIO(ours.picture)).size == (64, 48)


def test_at_one_ratio_the_subject_keeps_to_it() -> None:
    """20:1 of 64x48 RGB is 460 bytes."""
    assert len(comparison().at_ratio) == 6
    assert all(matched.panels[1].size <= 460 for matched in comparison().at_ratio)


def test_lossless_files_give_every_sample_back() -> None:
    names = [result.name for result in comparison().lossless]
    assert names[:3] == ["dvcodec-lossless", "png", "webp-lossless"] and all(
        result.size > 0 for result in comparison().lossless
    )


def test_the_whole_of_it_is_json() -> None:
    data = json.loads(json.dumps(comparison().to_json(), allow_nan=False))
    assert data["name"] == "webp" and data["dataset"]["images"][0]["sha256"]
    assert data["at-ratio"]["ratio"] == 20 and len(data["published"]) == 2 and data["by-image"][0]["bd-rate"]


def test_an_interrupted_comparison_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run measures only what the first has not: here nothing, and with one quality more that alone."""
    folder = pictures(tmp_path / "pictures", count=2)
    done: list[tuple[str, float]] = []

    def counting(codec: ImageCodec, name: str, *arguments: object) -> Measurement:
        done.append((codec.name, float(arguments[1])))  # type: ignore[arg-type]
        return measure_one(codec, name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tasks, "measure_one", counting)
    points: Mapping[str, tuple[float, ...]] = {"jpeg": (20, 80), "webp": (20, 80)}

    def run(qualities: Mapping[str, tuple[float, ...]]) -> tuple[RateDistortion, ...]:
        return compare(
            folder,
            codecs=["jpeg", "webp"],
            metrics=[],
            qualities=qualities,
            cache=tmp_path / "cache",
            costs=False,
        ).results

    first = run(points)
    assert len(done) == 8
    assert run(points) == first and len(done) == 8
    run({**points, "jpeg": (20, 50, 80)})
    assert done[8:] == [("jpeg", 50), ("jpeg", 50)]
    for file in (tmp_path / "cache").iterdir():
        file.write_text('{"half": ', encoding="utf-8")
    rates = [[(m.size, m.scores) for m in result.measurements] for result in run(points)]
    assert rates == [[(m.size, m.scores) for m in result.measurements] for result in first] and len(done) == 18


def test_a_cached_measurement_serves_the_metrics_it_has(tmp_path: Path) -> None:
    """Fewer of them cost nothing; one more, or another version of one, is measured again."""
    taken: list[str] = []

    def score(name: str) -> Metric:
        return Metric(name, name, name, lambda reference, decoded: taken.append(name) or 1.0)  # type: ignore[func-returns-value]

    source = survey(sorted(pictures(tmp_path / "pictures", count=1).iterdir()))[0][0]
    for metrics, calls in (("ab", 2), ("a", 2), ("ba", 2), ("abc", 5), ("c", 5)):
        wanted = (PSNR, *map(score, metrics))
        found = tasks.measure_lossy(
            tasks.LossyTask(Jpeg(qualities=(50,)), source, wanted, MeasurementCache(tmp_path / "cache"))
        )
        assert not isinstance(found, str) and set(found[0].scores) == {"psnr", *metrics} and len(taken) == calls


def test_other_settings_or_pixels_are_another_entry(tmp_path: Path) -> None:
    cache = MeasurementCache(tmp_path)
    cache.put({"codec": "a 1", "image": "x"}, {"size": 7})
    assert cache.get({"image": "x", "codec": "a 1"}) == {"size": 7}
    assert cache.get({"codec": "a 2", "image": "x"}) is None and cache.get({"codec": "a 1", "image": "y"}) is None
    assert MeasurementCache(None).get({"codec": "a 1", "image": "x"}) is None
    MeasurementCache(None).put({}, {})


def test_several_processes_measure_the_same(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", count=2)
    options = {"codecs": ["jpeg", "webp"], "metrics": [], "costs": False}
    alone, shared = (compare(folder, jobs=jobs, **options) for jobs in (1, 2))  # type: ignore[arg-type]
    for one, other in zip(alone.results, shared.results, strict=True):
        assert [(m.image, m.quality, m.size, m.psnr) for m in one.measurements] == [
            (m.image, m.quality, m.size, m.psnr) for m in other.measurements
        ]


def test_an_image_that_one_codec_cannot_code_is_left_out_of_all(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", count=2)
    Image.fromarray(photograph(32, 120)).save(folder / "wide.png")
    reported: list[Skipped] = []
    result = compare(
        folder,
        codecs=[Failing(), "webp"],
        metrics=[],
        costs=False,
        progress=ProgressCallbacks(skipped=reported.append),
    )
    assert result.skipped == (Skipped("wide.png", "jpeg: too wide for me"),) == tuple(reported)
    assert {m.image for one in result.results for m in one.measurements} == {image.name for image in result.images}
    with pytest.raises(DvcodecError, match="too wide for me"):
        compare(_only(folder, "wide.png"), codecs=[Failing(), "webp"], metrics=[], costs=False)


def _only(folder: Path, name: str) -> Path:
    for path in folder.iterdir():
        if path.name != name:
            path.unlink()
    return folder


def test_an_image_that_a_codec_copies_exactly_is_left_out(tmp_path: Path) -> None:
    """Its PSNR is infinite, and so would be every mean."""
    folder = pictures(tmp_path / "pictures", count=2)
    Image.new("RGB", (16, 16), (128, 128, 128)).save(folder / "flat.png")
    result = compare(folder, codecs=["jpeg"], metrics=[], costs=False)
    assert [one.name for one in result.skipped] == ["flat.png"] and "reproduced exactly" in result.skipped[0].reason
    assert all(math.isfinite(m.psnr) for m in result.results[0].measurements)


def test_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(DvcodecError, match="no image to measure"):
        compare(tmp_path, codecs=["jpeg"])


def test_time_and_memory_come_from_fresh_processes(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", count=1)
    result = compare(folder, codecs=["jpeg"], metrics=[], threads=1, cache=tmp_path / "cache")
    cost = result.costs[0]
    assert (cost.codec, cost.image, cost.width, cost.threads) == ("jpeg", "picture0.png", 64, "at most 1")
    assert 0 < cost.encode_seconds < 5 and 0 < cost.decode_seconds < 5
    assert cost.encode_peak is None or cost.encode_peak > 10 << 20
    again = compare(folder, codecs=["jpeg"], metrics=[], threads=1, cache=tmp_path / "cache")
    assert again.costs == result.costs  # from the cache: seconds are never the same twice


def test_our_files_are_accounted_for(tmp_path: Path, fake_weights: Weights) -> None:
    """Estimate <= coded bytes < file, layers add up, and the same from the cache."""
    folder = pictures(tmp_path / "pictures", count=2)
    points = {"dvcodec": (10, 90), "jpeg": (20, 80)}
    for _ in range(2):
        result = compare(
            folder,
            codecs=["dvcodec", "jpeg"],
            metrics=[],
            qualities=points,
            costs=False,
            cache=tmp_path / "cache",
        )
        assert result.subject == "dvcodec"
        for m in result.result("dvcodec").measurements:
            assert m.account is not None
            assert m.account.coded + m.account.overhead == m.size
            assert m.account.estimate <= 8 * m.account.coded
            assert sum(bits for _, bits in m.account.by_stride()) == pytest.approx(m.account.estimate)
            assert [stride for stride, _ in m.account.by_stride()] == ["64", "32", "16", "8"]
        mean = result.result("dvcodec").means[0].account
        assert mean is not None and mean.percent > 0


def test_intervals_need_images_and_repeat_themselves() -> None:
    result = comparison()
    pairs = [("jpeg", "webp")]
    assert intervals(result.results, pairs, draws=50) == intervals(result.results, pairs, draws=50)
    few = [
        RateDistortion(one.name, one.settings, tuple(m for m in one.measurements if m.image.startswith("picture")))
        for one in result.results
    ]
    assert len({m.image for m in few[0].measurements}) == 5 and intervals(few, pairs, draws=20)
    four = [RateDistortion(one.name, "", one.measurements[len(POINTS[one.name]) * 2 :]) for one in result.results]
    assert intervals(four, pairs) == {}
