"""Training of the bilevel model: pages are made the same from a seed, the objective is what files cost."""

from pathlib import Path

import numpy as np
import pytest
import small_bilevel
import torch
from PIL import Image
from safetensors.torch import load

from dvcodec import training
from dvcodec.codec.entropy.ans import Tables
from dvcodec.codec.lossless import bilevel
from dvcodec.errors import DvcodecError, InvalidArgument
from dvcodec.models.configs import BilevelPagesConfig
from dvcodec.models.integer import weights_file
from dvcodec.models.pixels.bilevel.config import PATTERNS, TOTAL, net_config
from dvcodec.models.pixels.bilevel.quiet import RARE, QuietBilevelNet
from dvcodec.training.data import bilevel_pages, bilevel_scans
from dvcodec.training.loop.task import Progress
from dvcodec.training.options import TrainOptions
from dvcodec.training.recipes.bilevel import BilevelRecipe
from dvcodec.training.tasks.bilevel import BilevelTask, page_features
from fake import photograph

SIZE = (160, 120)


def made(seed: int, halftones: float = 0.0) -> bilevel_scans.Page:
    """A small page in Pillow's own font."""
    grey = [photograph(50, 60)[:, :, 0]]
    return bilevel_scans.synthetic_page(SIZE, [], grey, np.random.default_rng(seed), halftones)


def test_a_seed_is_a_page() -> None:
    for halftones in (0.0, 1.0):
        for seed in range(4):
            one, same, other = made(seed, halftones), made(seed, halftones), made(seed + 100, halftones)
            assert one.shape == SIZE and set(np.unique(one)) <= {0, 1}
            assert (one == same).all() and (one != other).any()


@pytest.mark.parametrize("part", bilevel_pages.PARTS, ids=lambda part: part.__name__)
def test_every_part_of_a_page_draws_and_goes_on(part: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bilevel_pages, "PARTS", (part,))
    monkeypatch.setattr(bilevel_pages, "SHARES", (1.0,))
    inks = [np.asarray(bilevel_pages.draw((300, 200), 1, [], np.random.default_rng(seed))).min() for seed in range(3)]
    assert part is bilevel_pages._space or min(inks) == 0


def test_the_objective_is_what_a_page_costs() -> None:
    model, page = small_bilevel.bilevel_model(), made(3)
    whole = [(slice(0, SIZE[0]), slice(0, SIZE[1]))]
    size = len(bilevel.encode(page * np.uint8(255), whole, model, Tables(model.tables)))
    net = small_bilevel.trainable()
    looked = page_features(page, net.net.config.receptive_field)
    task = BilevelTask(
        BilevelPagesConfig(rows=3, columns=5, width=12), BilevelRecipe(pages=1, batch=1, pixels=40000), None
    )
    task.module, task.pages = net, [looked]
    with torch.no_grad():
        busy = float(task.loss_terms(task.batch(np.random.default_rng(0), Progress(1, 0)), Progress(1, 0)).loss)
    quiet = -(looked.quiet.numpy() * np.log2((net.weights() + 1.0) / 2**24)).sum()
    expected = (busy * len(looked.busy) + float(quiet)) / 8
    assert abs(size / expected - 1) < 0.05


def test_all_pixels_are_busy_or_counted() -> None:
    page = made(5)
    looked = page_features(page, net_config(BilevelPagesConfig()).receptive_field)
    assert int(looked.quiet.sum()) + len(looked.busy) == page.size
    assert int(looked.quiet[:, 0].sum()) <= (page == 0).sum()


def test_quiet_distributions_follow_the_counts() -> None:
    net = QuietBilevelNet(BilevelPagesConfig())
    rare = net.weights()[7, 0] / TOTAL
    assert rare == pytest.approx(RARE, rel=1e-3)
    net.quiet[7] = torch.tensor([10**6, 10**6])
    net.quiet[8] = torch.tensor([0, 10**9])
    weights = net.weights()
    assert weights.shape == (PATTERNS, 2) and (weights.sum(axis=1) == TOTAL).all() and weights.min() >= 0
    assert weights[7, 0] == pytest.approx(TOTAL / 2, rel=1e-3) and weights[8, 0] < 10


def run(tmp_path: Path, **more: str) -> Path:
    """A run of three steps; its folder."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(photograph(48, 56)).save(folder / "0.png")
    small = {"width": "4", "batch": "2", "pixels": "64", "pages": "2", "page_height": "90", "page_width": "80"}
    options = TrainOptions(
        "bilevel", str(folder), tmp_path / "run", steps=3, device="cpu", overrides={**small, **more}, quiet=True
    )
    training.train(options)
    return tmp_path / "run"


def test_a_run_ends_in_weights_that_code(tmp_path: Path) -> None:
    checkpoint = run(tmp_path, renew="1") / "checkpoint.safetensors"
    out = training.export_weights(checkpoint, tmp_path / "p.safetensors", {"name": "p"})
    model = small_bilevel.load(out.read_bytes())
    assert model.name == "p"
    white, whole = small_bilevel.page(40, 50), [(slice(0, 40), slice(0, 50))]
    section, back = bilevel.encode(white, whole, model, Tables(model.tables)), np.zeros_like(white)
    bilevel.decode(section, back, whole, model, Tables(model.tables))
    assert (back == white).all() and (tmp_path / "p.card.json").is_file()
    with pytest.raises(DvcodecError, match="counted in training"):
        training.export_weights(checkpoint, out, {"name": "p"}, tmp_path)


@pytest.mark.parametrize(("key", "value"), [("layout", "canvas"), ("hidden", "8")])
def test_what_cannot_be_set_is_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(InvalidArgument, match=key):
        run(tmp_path, **{key: value})


def test_a_reach_that_hides_the_surroundings_is_refused() -> None:
    with pytest.raises(ValueError, match="5 columns or more"):
        net_config(BilevelPagesConfig(columns=4))


@pytest.mark.parametrize(
    "wrong", [{"rows": 99}, {"width": 0}, {"depth": "2"}, {"columns": 1}, {"width": 13}, {"more": 1}]
)
def test_weights_files_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    data = small_bilevel.weights_bytes()
    metadata, tensors = weights_file.metadata_of(data), load(data)
    with pytest.raises(ValueError):
        small_bilevel.load(weights_file.write({**metadata, "config": metadata["config"] | wrong}, tensors))
    with pytest.raises(ValueError, match="tables"):
        small_bilevel.load(weights_file.write(metadata, tensors | {"quiet": tensors["quiet"] + 1}))
    with pytest.raises(ValueError, match="format"):
        small_bilevel.load(weights_file.write({**metadata, "format": "other"}, tensors))
