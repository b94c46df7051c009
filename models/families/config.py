"""The configuration of a hierarchical discrete VAE: plain values, no torch.

Hierarchies are those of Lievin et al. (2019), appendix F, and the top-down ResNet-VAE of Willetts et al. (2021),
figures A.1 and C.3. `resnet` and `skip-lvae` are two names, one of each paper, for the same network. Layer 1 is the
finest, as in both papers: tuples by layer begin with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..configs import refuse_other_fields
from .boltzmann_checks import check_boltzmann

Hierarchy = Literal["vae", "skip-vae", "lvae", "skip-lvae", "biva", "resnet"]
Latent = Literal["responsibilities", "logits", "memory", "nearest", "gaussian"]
Variance = Literal["isotropic", "diagonal", "unit"]
Prior = Literal["embedding", "direct"]
TopPrior = Literal["learnt", "uniform", "rbm", "rbm-halves"]
Pixels = Literal["bernoulli", "logistic", "gaussian", "mixture", "neighbours", "scales"]
Network = Literal["conv", "mlp"]
BlockKind = Literal["elu", "gated", "se", "tanh", "linear"]
BINARY_THRESHOLD = 128
"""A pixel of at least this level is a 1 to a model of binary images."""

LARGEST_BETA = 30.0
"""Inverse temperature of a smoothing transformation up to which float32 is enough."""

MAX_BLOCKS = 128
"""Residual blocks of all levels, in each direction and in the heads: a file cannot ask for minutes of building."""


def squeezed_width(width: int) -> int:
    """Return the units between squeeze and excitation of so many channels: a 16th (Hu et al. 2018), at least 4."""
    return max(width // 16, 4)


def halvings(fine: int, coarse: int) -> tuple[int, ...]:
    """Return the sides from a finer map's on that have to be halved, rounded up, to come to a coarser one's.

    Args:
        fine: The side of the finer map.
        coarse: The side of the coarser one.

    Raises:
        ValueError: Halving does not lead there.
    """
    found = []
    while fine > coarse:
        found.append(fine)
        fine = (fine + 1) // 2
    if fine != coarse:
        raise ValueError("the side of a level must equal that of the level below, or come from it by halving")
    return tuple(found)


@dataclass(frozen=True)
class LayerPlan:
    """Describes one layer of categorical (or Gaussian) variables: `variables` at each of `side` x `side` positions."""

    name: str
    """The layer's name, "z3", or in BIVA "z3-td" and "z3-bu"."""
    level: int
    """The level of the deterministic chain that it belongs to; 0 is the finest."""
    side: int
    """Positions in both directions."""
    variables: int
    """Number of variables V at each position."""
    symbols: int
    """Number of classes K of each variable."""
    bottom_up: bool
    """Whether inference chooses it in the bottom-up pass; the top-down pass then replays it."""


@dataclass(frozen=True)
class FamilyConfig:
    """Describes a model of square images.

    `sides`, `symbols` and `variables` are by level, finest first: the chain's map is `sides[l]` wide, with
    `variables[l]` variables of `symbols[l]` classes at each of its positions, or, if `dense`, beside the whole map.

    Raises:
        ValueError: For a value out of bounds, or a combination that does not exist.
    """

    sides: tuple[int, ...] = (16, 8, 4, 2, 1)
    symbols: tuple[int, ...] = (256, 256, 256, 256, 256)
    variables: tuple[int, ...] = (1, 1, 1, 1, 1)
    channels: int = 3
    """Channels of the images."""
    image: int = 32
    """Width and height of the images in pixels."""
    hierarchy: Hierarchy = "resnet"
    latent: Latent = "responsibilities"
    latent_by_level: tuple[Latent, ...] = ()
    """Kinds of the latent variables by level, finest first, where they are not all `latent`."""
    variance: Variance = "isotropic"
    """Variances of responsibilities: one a codebook entry, one a coordinate, or rVQ's unit variance (eq 2)."""
    literal: bool = False
    """Whether eq 6 and 7 are as printed, with one square root of the variance, not the covariance's determinant."""
    prior: Prior = "embedding"
    """e_p under the posterior's codebooks (eq 7), or the network's own logits (table G.1)."""
    top_prior: TopPrior = "learnt"
    """Prior of the coarsest layer; a Boltzmann machine, `rbm`, joins the two coarsest levels, and `rbm-halves`, or
    `rbm` of a single level, the halves of the coarsest."""
    likelihood: Pixels = "logistic"
    mixtures: int = 5
    """Components of the mixture of discretised logistics."""
    reach: tuple[int, int] = (4, 5)
    """Rows above a pixel, and columns to its sides, that it depends on under the likelihood `neighbours`."""
    pixel_width: int = 48
    """Hidden units of the same likelihood and of `scales` ..."""
    pixel_head: int = 32
    """... and those of each plane's head, where pixels have a colour ..."""
    pixel_features: int = 16
    """... and number of the synthesis's maps that a pixel depends on under either."""
    dense: bool = False
    network: Network = "conv"
    """Convolutions and residual blocks, or a multilayer perceptron, whose maps have one position."""
    width: int = 64
    """Channels of both deterministic chains, or units of a hidden layer."""
    blocks: int = 1
    """Residual blocks, or hidden layers, between levels, in each direction, and in the synthesis."""
    head_blocks: int = 0
    """The same before each symbol embedding and each head."""
    block: BlockKind = "elu"
    """Kind of the residual blocks, `elu`, `gated` or `se`, or a perceptron's activation, `elu`, `tanh` or `linear`."""
    embedding: int = 32
    """d_e of codebooks, d_1 of memory keys, coordinates of a Gaussian variable."""
    values: int = 8
    """d_2: length of the vector of a symbol of a memory or logits layer."""
    ema_codebook: bool = False
    """Whether VQ-VAE's codebook follows moving averages instead of its loss."""
    commitment: float = 0.25
    """Weight of VQ-VAE's commitment loss."""
    dropout: float = 0.0
    """Probability with which values inside residual blocks are dropped in training."""
    weight_norm: bool = True
    """Whether weights are normalised (Salimans and Kingma 2016)."""
    centred: bool = True
    """Whether a perceptron trains on pixels less the mean image of the data, and starts with that image as its mean."""
    exact: bool = True
    """Whether all that a prior depends on is on integer grids (models.integer.linear), in training too, for export."""
    reversible: bool = False
    """Whether inference and the likelihood do so too, for bits-back coding, in which a decoder infers as well."""
    lipschitz: float = 0.0
    """Operator norm that no layer of the generative model exceeds; 0 leaves them free. Needs exact = False."""

    def __post_init__(self) -> None:
        choices = {
            "hierarchy": Hierarchy,
            "latent": Latent,
            "variance": Variance,
            "prior": Prior,
            "top_prior": TopPrior,
            "likelihood": Pixels,
            "network": Network,
            "block": BlockKind,
        }
        chosen = [(key, getattr(self, key), kind) for key, kind in choices.items()]
        for key, value, kind in chosen + [("latent_by_level", latent, Latent) for latent in self.latent_by_level]:
            if value not in get_args(kind):
                raise ValueError(f"{key} {value!r} is none of {', '.join(get_args(kind))}")
        self._check_sizes()
        self._check_pairs()
        self._check_network()
        if self.boltzmann:
            check_boltzmann(self)

    def _check_sizes(self) -> None:
        if len(self.reach) != 2:
            raise ValueError("a reach has two sizes, rows and columns")
        if not 1 <= len(self.sides) == len(self.symbols) == len(self.variables) <= 64:
            raise ValueError("sides, symbols and variables must have one entry a level, 64 at most")
        for fine, coarse in zip((self.image, *self.sides[:-1]), self.sides, strict=True):
            halvings(fine, coarse)
        bounds = ((1, 256, self.sides), (1, 1024, self.variables), (2, 2**16, self.symbols))
        sizes = (self.channels, self.image, self.width, self.embedding, self.values, self.mixtures)
        counts = (self.blocks, self.head_blocks)
        pixels = (self.pixel_width, self.pixel_head, self.pixel_features)
        bounded = (*bounds, (1, 1024, sizes + pixels), (0, 16, counts), (1, 16, self.reach))
        if not all(type(n) is int and low <= n <= high for low, high, numbers in bounded for n in numbers):
            raise ValueError("a size is no whole number or out of bounds")
        if self.levels * sum(counts) > MAX_BLOCKS:
            raise ValueError(f"levels times blocks and head_blocks are more than {MAX_BLOCKS}")
        if not (0 <= self.dropout < 1 and 0 <= self.lipschitz <= 100 and 0 <= self.commitment <= 100):
            raise ValueError("dropout, lipschitz or commitment is out of bounds")

    def _check_pairs(self) -> None:
        if len(self.latent_by_level) not in (0, self.levels):
            raise ValueError("latent_by_level must have one entry a level, or none")
        kinds = {self.latent_of(level) for level in range(self.levels)}
        if "memory" in kinds and (self.embedding % 2 or any(round(k**0.5) ** 2 != k for k in self.symbols)):
            raise ValueError("factored keys need square numbers of symbols and an even embedding")
        if "gaussian" in kinds and self.exact:
            raise ValueError("Gaussian latents have no exact form: set exact=false")
        if "nearest" in kinds and (self.top_prior != "uniform" or self.prior != "embedding" or len(kinds) > 1):
            raise ValueError("nearest neighbours go with the uniform prior, on all levels")
        if "logits" in kinds and self.prior != "direct":
            raise ValueError("a layer of logits has no embedding: set prior=direct")
        if self.reversible and not self.exact:
            raise ValueError("a reversible model is exact: set exact=true")
        if self.likelihood in ("neighbours", "scales") and self.channels not in (1, 3):
            raise ValueError("pixels that see other pixels are black and white or coloured: set channels=1 or 3")
        if self.lipschitz and (self.exact or self.block != "elu" or self.network != "conv" or len(kinds) > 1):
            raise ValueError("a Lipschitz constant needs exact=false, network=conv, block=elu and latents of one kind")

    def _check_network(self) -> None:
        if self.network == "conv":
            if self.block in ("tanh", "linear"):
                raise ValueError(f"block={self.block} is for perceptrons: set network=mlp")
            return
        if self.block in ("gated", "se"):
            raise ValueError(f"blocks of the kind {self.block} are convolutions: set block=elu, tanh or linear")
        if set(self.sides) != {1}:
            raise ValueError("the maps of a perceptron have one position: set sides=1, as often as there are levels")
        if self.block == "linear":
            self._check_linear()

    def _check_linear(self) -> None:
        if self.blocks or self.head_blocks:
            raise ValueError("a linear network has no hidden layers: set blocks=0 and head_blocks=0")
        if self.likelihood not in ("bernoulli", "logistic", "gaussian"):
            raise ValueError("the chains of a linear network are the pixels: set likelihood=bernoulli or logistic")
        pixels = self.channels * self.image**2
        if self.width != pixels:
            raise ValueError(f"the chains of a linear network are the pixels: set width={pixels}")

    @property
    def categorical(self) -> bool:
        """Tell whether all latents are symbols."""
        return all(self.latent_of(level) != "gaussian" for level in range(self.levels))

    def latent_of(self, level: int) -> Latent:
        """Return the kind of a level's latent variables."""
        return self.latent_by_level[level] if self.latent_by_level else self.latent

    @property
    def boltzmann(self) -> bool:
        """Tell whether the prior of the coarsest variables is a Boltzmann machine."""
        return self.top_prior in ("rbm", "rbm-halves")

    @property
    def binary(self) -> bool:
        """Tell whether pixels are black or white."""
        return self.likelihood == "bernoulli" or (self.likelihood in ("neighbours", "scales") and self.channels == 1)

    @property
    def activation(self) -> str:
        """Return the activation function before each map: `elu`, `tanh` or `linear`."""
        return "elu" if self.block in ("gated", "se") else self.block

    @property
    def infers_upwards(self) -> bool:
        """Tell whether any layer is chosen in the bottom-up pass (eq 17, 18 and 22 of Lievin et al. 2019)."""
        return self.hierarchy in ("vae", "skip-vae", "biva")

    @property
    def skips(self) -> bool:
        """Tell whether a layer's prior depends on all layers above, not on the next one alone."""
        return self.hierarchy not in ("vae", "lvae")

    @property
    def levels(self) -> int:
        """Return the number of levels of the deterministic chain."""
        return len(self.sides)

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Tell whether it models images of a Pillow mode and a size in pixels."""
        return mode == ("1" if self.binary else "RGB") and height == width == self.image

    def plans(self) -> list[LayerPlan]:
        """Return the layers in coding order, coarsest first."""
        found = []
        for level in reversed(range(self.levels)):
            side = 1 if self.dense else self.sides[level]
            rest = (side, self.variables[level], self.symbols[level])
            if self.hierarchy == "biva" and level < self.levels - 1:
                found.append(LayerPlan(f"z{level + 1}-td", level, *rest, bottom_up=False))
                found.append(LayerPlan(f"z{level + 1}-bu", level, *rest, bottom_up=True))
            else:
                found.append(LayerPlan(f"z{level + 1}", level, *rest, self.hierarchy in ("vae", "skip-vae")))
        return found


LATER = ("network", "latent_by_level", "centred")
"""Axes that the weights that ship do not name, since these were trained before the axes were there."""


def from_fields(fields: dict[str, Any]) -> FamilyConfig:
    """Return a configuration from JSON's types. Axes of `LATER` that it does not name have their defaults.

    Raises:
        ValueError or TypeError: If a field is missing, unknown, of another type or out of bounds.
    """
    held = {**{key: getattr(FamilyConfig, key) for key in LATER}, **fields}
    refuse_other_fields(FamilyConfig, held)
    tuples = {key: tuple(value) for key, value in held.items() if isinstance(value, list)}
    return FamilyConfig(**{**held, **tuples})
