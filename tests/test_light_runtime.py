"""The light model as it codes: its integers are those of the network, whatever computes them, and its pixels too."""

from typing import Any

import numpy as np
import pytest
import small_model
import torch
from numpy.typing import NDArray
from small_light import QUALITIES, random_network
from test_light_model import conditioning

from dvcodec.codec.lossy import symbol_chunks
from dvcodec.errors import DvcodecError
from dvcodec.models.interface.hierarchy import PassSettings
from dvcodec.models.light import file
from dvcodec.models.light.conditioning import Conditioning
from dvcodec.models.light.layers import LightBlock
from dvcodec.models.light.model import LightPhotoModel
from dvcodec.models.light.runtime import group_coding, networks, posterior, top_down
from dvcodec.models.light.runtime.adjustment import AdjustmentStep
from dvcodec.models.light.runtime.inverse import contrasts
from dvcodec.models.light.runtime.maps import LightMap
from dvcodec.models.light.runtime.model import RuntimeLightModel
from dvcodec.models.light.runtime.top_down import LightState, halves
from dvcodec.models.light.tables import ALPHABET, components, mixed
from dvcodec.models.light.top_down import GroupStep
from dvcodec.models.photo.network.analysis_synthesis import contrast
from dvcodec.models.photo.runtime.transform import samples_of
from dvcodec.models.runtime import kernels
from dvcodec.models.runtime.onnx_file import FLOATS, Graph

QUALITY = 50 * 256 + 77


@pytest.fixture(scope="module")
def network() -> LightPhotoModel:
    """The network as it trains."""
    return random_network()


@pytest.fixture(scope="module")
def runtime(network: LightPhotoModel) -> RuntimeLightModel:
    """The same model as it codes."""
    return file.runtime(network, QUALITIES)


def encoded(model: RuntimeLightModel, pixels: NDArray[np.uint8], **settings: Any) -> symbol_chunks.Encoded:
    """Encode pixels."""
    return symbol_chunks.encode(pixels, model, QUALITY, **settings)


def decoded(
    model: RuntimeLightModel, found: symbol_chunks.Encoded, size: tuple[int, int], **settings: Any
) -> LightState:
    """Decode what was encoded."""
    state = symbol_chunks.decode(found.chunks, model, PassSettings(*size, QUALITY, **settings))
    assert isinstance(state, LightState)
    return state


class Watched:
    """A source that keeps the rows of the shared table and the locations that it is asked with."""

    def __init__(self) -> None:
        self.seen: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []

    def next(self, step: Any) -> NDArray[np.int32]:
        """Return the posterior's mode; nothing is adjusted."""
        if not isinstance(step, AdjustmentStep):
            self.seen.append((step.prior.contexts, step.prior.location))
            return np.asarray(step.residuals())
        return np.zeros(2, np.int32)


@pytest.mark.parametrize("perceptual", [False, True])
def test_priors_are_those_of_the_network(
    network: LightPhotoModel, runtime: RuntimeLightModel, *, perceptual: bool
) -> None:
    """The network is given the runtime's symbols: every prior must round to the same prototype."""
    pixels, source = small_model.photograph(72, 88), Watched()
    settings = PassSettings(72, 88, QUALITY, perceptual=perceptual)
    targets = runtime.lookahead_targets(pixels, settings, 0, perceptual=perceptual)
    state = runtime.top_down_pass(settings, source, targets)
    quality = torch.tensor([QUALITIES.network_quality(QUALITY)])
    given = conditioning(1, float(perceptual)).__class__(quality, torch.tensor([float(perceptual)]))
    asked = iter(source.seen)

    def chosen(step: GroupStep) -> torch.Tensor:
        symbols = torch.from_numpy(state.symbols[step.stride][step.group.channels].astype(np.float32)).t()
        rows, columns = (-(-side // step.stride) for side in (72, 88))
        every = np.arange(rows * columns)
        some = every if step.group.neighbour_embedding is None else halves((rows, columns))[not step.first]
        if len(some):
            contexts, location = next(asked)
            centre = torch.floor(step.prior.location + 0.5).t().numpy()[:, some]
            assert np.array_equal(location, centre)
            fraction = 8 * (step.prior.location.t().numpy()[:, some] - centre) + 4
            octaves = 4 * (step.prior.scale.t().numpy()[:, some] + 5)
            tails = np.rint(np.log(1 / (1 / step.prior.tail.t().numpy()[:, some] - 1))) + 8
            assert np.array_equal(contexts, (tails * 49 + octaves) * 8 + fraction)
        return symbols

    with torch.no_grad():
        network.top_down_pass((72, 88), given, chosen)
    assert next(asked, None) is None


@pytest.mark.parametrize("size", [(1, 1), (7, 130), (64, 64), (65, 63), (136, 72)])
@pytest.mark.parametrize("perceptual", [False, True])
def test_what_is_encoded_is_decoded(runtime: RuntimeLightModel, size: tuple[int, int], *, perceptual: bool) -> None:
    pixels = small_model.photograph(*size)
    found = encoded(runtime, pixels, perceptual=perceptual)
    state, kept = decoded(runtime, found, size, perceptual=perceptual), found.state
    assert isinstance(kept, LightState)
    assert all(np.array_equal(state.symbols[s], kept.symbols[s]) for s in state.symbols)
    assert np.array_equal(runtime.render(state), runtime.render(kept))
    assert sum(8 * len(chunk.payload) for chunk in found.chunks) < sum(found.layer_bits) + 64 * len(found.chunks)


def test_grey_images_have_no_symbols_of_colour_alone(runtime: RuntimeLightModel) -> None:
    pixels = small_model.photograph(70, 90)[:, :, 0]
    found = encoded(runtime, pixels)
    state = decoded(runtime, found, (70, 90), grey=True)
    skipped = [bits for spec, bits in zip(runtime.layers, found.layer_bits, strict=True) if spec.chroma]
    assert len(skipped) > 5 and not any(skipped)
    assert not state.symbols[8][64:].any() and state.symbols[8][:64].any()


def test_pixels_are_near_those_of_the_network(network: LightPhotoModel, runtime: RuntimeLightModel) -> None:
    """Symbols mean the same to both; the post-filter is rounded, which is compared below."""
    pixels = small_model.photograph(72, 88)
    state = encoded(runtime, pixels).state
    assert isinstance(state, LightState)
    quality = torch.tensor([state.quality])
    given = conditioning(1).__class__(quality, torch.zeros(1))

    def chosen(step: GroupStep) -> torch.Tensor:
        return torch.from_numpy(state.symbols[step.stride][step.group.channels].astype(np.float32)).t()

    with torch.no_grad():
        out = network.top_down_pass((72, 88), given, chosen)
        whole = network.render(out, (72, 88), given)[0].permute(1, 2, 0).numpy()
        alone = network.transform.blocks(out.reconstruction, (72, 88), given) * network.sigma(given)
        plain = (alone[0, :, :72, :88] + 128).permute(1, 2, 0).numpy()
    shown = runtime.render(state).astype(np.float64)
    inside = (whole > 1) & (whole < 254)
    off = np.abs(shown - np.rint(whole))[inside].mean()
    assert off < 0.5 * np.abs(plain - whole)[inside].mean()


def test_corrections_are_near_those_of_the_network(network: LightPhotoModel, runtime: RuntimeLightModel) -> None:
    samples = np.random.default_rng(0).integers(-2000, 2000, (192, 9, 11)).astype(np.int16)
    postfilter = runtime._renderer.postfilter
    assert postfilter is not None and network.postfilter is not None
    found = postfilter(contrasts(samples)[None], 1800, False, open_ends=(False, False), last=False)[0] / 256
    with torch.no_grad():
        given = torch.from_numpy(samples_of(samples).astype(np.float32))[None] / 256
        wanted = network.postfilter(given, Conditioning(torch.tensor([1800]), torch.zeros(1)))[0].numpy()
    assert np.abs(found - wanted).mean() < 0.05 * np.abs(wanted).mean()


def test_contrasts_are_those_of_the_network() -> None:
    rng = np.random.default_rng(0)
    smooth = np.cumsum(rng.normal(0, 300, (3, 40, 56)), axis=2)
    steps = np.clip(smooth + rng.normal(0, 900, smooth.shape), -(2**15) + 1, 2**15 - 1).astype(np.int16)
    blocks = steps.reshape(3, 5, 8, 7, 8).transpose(0, 2, 4, 1, 3).reshape(192, 5, 7)
    found = contrasts(blocks).reshape(3, 8, 8, 5, 7).transpose(0, 3, 1, 4, 2).reshape(3, 40, 56)
    wanted = contrast(torch.from_numpy(steps.astype(np.float32))[None] / 256)[0].numpy() * 32
    assert np.abs(found - wanted).max() < 1.5 and np.array_equal(found, np.rint(found))


def test_regions_and_strips_have_the_pixels_of_the_whole(
    runtime: RuntimeLightModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = small_model.photograph(330, 100)
    found = encoded(runtime, pixels)
    state = found.state
    whole = runtime.render(state)
    region = slice(141, 203), slice(13, 77)
    assert np.array_equal(runtime.render(state, region=region), whole[region])
    for module in (networks, posterior, top_down, group_coding):
        monkeypatch.setattr(module, "STRIP_POSITIONS", 13 * 3)
    assert np.array_equal(runtime.render(state), whole)
    again = encoded(runtime, pixels)
    assert [chunk.payload for chunk in again.chunks] == [chunk.payload for chunk in found.chunks]


def test_threads_change_neither_symbols_nor_pixels(runtime: RuntimeLightModel) -> None:
    pixels = small_model.photograph(140, 120)
    results = []
    before = kernels.threads()
    try:
        for count in (1, 3):
            kernels.use_threads(count)
            found = encoded(runtime, pixels)
            results.append(([chunk.payload for chunk in found.chunks], runtime.render(found.state)))
    finally:
        kernels.use_threads(before)
    assert results[0][0] == results[1][0] and np.array_equal(results[0][1], results[1][1])


def test_large_images_are_coded_in_steps(runtime: RuntimeLightModel, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = small_model.photograph(100, 130)
    whole = encoded(runtime, pixels)
    monkeypatch.setattr(group_coding, "STEP_POSITIONS", 50)
    found = encoded(runtime, pixels)
    state = decoded(runtime, found, (100, 130))
    assert np.array_equal(runtime.render(state), runtime.render(whole.state))
    assert [chunk.payload for chunk in found.chunks] != [chunk.payload for chunk in whole.chunks]


def test_sums_are_exact_where_they_are_largest() -> None:
    """Every weight and every input has its largest magnitude; a kernel that rounds, or saturates, is found out."""

    class Largest:
        """Tensors of a map of which all sums are as large as they may be."""

        def take(self, name: str, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
            """Return a tensor."""
            if name == "weight":
                signs = np.where(np.arange(shape[0]) % 2, 63, -63)
                return np.broadcast_to(signs[:, None], shape).astype(dtype)
            return np.full(shape, 8 if name == "shift" else 4321, dtype)

    layer = LightMap(Largest(), 112, 112, side=3)
    graph = Graph({"x": (FLOATS, 4)})
    network = kernels.Network(lambda: graph.file(layer.node(graph, "x", 8)))
    x = np.full((1, 112, 5, 6), 255, np.float32)
    taps = np.outer([2, 3, 3, 3, 2], [2, 3, 3, 3, 3, 2])
    sums = np.where(np.arange(112) % 2, 63, -63)[:, None, None] * 255 * 112 * taps + 4321
    assert np.array_equal(network(x=x)[0][0], np.floor(sums * 2.0**-4 + 0.5))


def test_kernels_that_round_are_found_out(network: LightPhotoModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that rounds its sums to bfloat16 fails the test at the start, and so does the model."""
    assert kernels.float_sums_are_exact()
    build = Graph.node

    def rounded(graph: Graph, operator: str, *inputs: str, **attributes: Any) -> str:
        if operator != "Conv":
            return build(graph, operator, *inputs, **attributes)
        sums = build(graph, operator, *inputs, **attributes)
        return build(graph, "Cast", build(graph, "Cast", sums, to=16), to=1)

    with monkeypatch.context() as patched:
        patched.setattr(Graph, "node", rounded)
        assert not kernels.float_sums_are_exact.__wrapped__()
    monkeypatch.setattr(kernels, "float_sums_are_exact", lambda: False)
    with pytest.raises(DvcodecError, match="do not add whole numbers exactly"):
        file.runtime(network, QUALITIES)


def test_the_shared_table_is_what_coders_need() -> None:
    table = mixed(components().astype(np.int32))
    assert table.min() >= 0 and (table.sum(axis=1) == 2**24 - (ALPHABET.size + 2)).all()
    narrow, wide = table[0 * 8 + 4], table[(11 * 49 + 48) * 8 + 4]
    assert narrow.argmax() == ALPHABET.size // 2 and narrow.max() > 0.999 * 2**24
    assert np.allclose(wide[: ALPHABET.size // 2], wide[: ALPHABET.size // 2 : -1], rtol=1e-3, atol=2)


def test_a_block_of_the_network_is_the_graph_s(network: LightPhotoModel, runtime: RuntimeLightModel) -> None:
    """The two are compared where states are as large as they may be."""
    rng = np.random.default_rng(5)
    block = network.top_down.stages(8)[0].blocks[0]
    assert isinstance(block, LightBlock)
    state = rng.integers(-127 * 256, 127 * 256, (1, 16, 6, 7)).astype(np.float32)
    stage = runtime._top_down.stages[8][0]
    vector = stage.entry.conditioning(1000, False)[:, None, None]
    with torch.no_grad():
        wanted = block(torch.from_numpy((np.clip(state + vector, -127 * 256, 127 * 256) / 256).astype(np.float32)))
    assert np.array_equal(stage.entry(state, 1000, False), wanted.numpy() * 256)
