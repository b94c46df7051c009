"""Build the graphs that ONNX Runtime runs.

    python -m dvcodec.models.runtime.graphs.build

The graphs hold no weights and no sizes, so that one small file serves every layer of every model. They are built where
the package `onnx` is installed and committed; a test compares the files with what this module builds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent
OPSET, IR_VERSION = 17, 8
"""Versions that every supported release of ONNX Runtime reads."""

ZERO_POINT = 128
"""What stands for zero in signed inputs and weights, which are unsigned bytes."""


@dataclass
class Graph:
    """A graph under construction. Methods that add a node return the name of its output."""

    inputs: dict[str, tuple[int, int]]
    """Type and number of dimensions of each input."""
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node."""
        name = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, value: float, kind: type[np.generic] = np.float32) -> str:
        """Add a number."""
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    def clipped(self, x: str, least: float, greatest: float) -> str:
        """Add a clamp."""
        return self.node("Clip", x, self.constant(least), self.constant(greatest))

    def file(self, name: str, output: str, kind: int = TensorProto.FLOAT) -> bytes:
        """Return the bytes of the finished graph."""
        described = [
            helper.make_tensor_value_info(each, its_kind, [f"{each}{i}" for i in range(dimensions)])
            for each, (its_kind, dimensions) in self.inputs.items()
        ]
        result = helper.make_tensor_value_info(output, kind, None)
        graph = helper.make_graph(self.nodes, name, described, [result], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        model.producer_name = "dvcodec"
        data: bytes = model.SerializeToString(deterministic=True)
        return data


FLOATS, BYTES, INTEGERS = int(TensorProto.FLOAT), int(TensorProto.UINT8), int(TensorProto.INT32)


def integer_block() -> bytes:
    """Build a residual block in integers: 3x3 to a ReLU, 1x1 back, added to the state in steps of 2**-8."""
    graph = Graph(
        {
            "state": (FLOATS, 4),
            "spatial": (BYTES, 4),
            "spatial_bias": (INTEGERS, 3),
            "spatial_scale": (FLOATS, 3),
            "point": (BYTES, 4),
            "point_bias": (INTEGERS, 3),
            "point_scale": (FLOATS, 3),
        }
    )
    zero = graph.constant(ZERO_POINT, np.uint8)
    narrow = graph.node("Add", graph.node("Mul", "state", graph.constant(2.0**-4)), graph.constant(ZERO_POINT + 0.5))
    signed = graph.node("Cast", graph.clipped(narrow, 1, 255), to=BYTES)  # truncates: floor of what is positive
    sums = _sums(graph, signed, "spatial", zero, zero, [1, 1, 1, 1])
    rounded = graph.node("Add", sums, graph.constant(0.5))
    hidden = graph.node("Cast", graph.clipped(rounded, 0, 255), to=BYTES)
    change = _sums(graph, hidden, "point", graph.constant(0, np.uint8), zero, [0, 0, 0, 0])
    new = graph.node("Floor", graph.node("Add", graph.node("Add", "state", change), graph.constant(0.5)))
    return graph.file("integer_block", graph.clipped(new, -15 * 2.0**8, 15 * 2.0**8))


def _sums(graph: Graph, x: str, layer: str, zero: str, weight_zero: str, pads: list[int]) -> str:
    """Add a convolution of bytes, its bias and its scale by powers of two, in floats that hold it exactly."""
    raw = graph.node("ConvInteger", x, layer, zero, weight_zero, pads=pads)
    return graph.node("Mul", graph.node("Cast", graph.node("Add", raw, f"{layer}_bias"), to=FLOATS), f"{layer}_scale")


def convolution(side: int) -> bytes:
    """Build a convolution of floats with zero padding and a bias."""
    graph = Graph({"x": (FLOATS, 4), "weight": (FLOATS, 4), "bias": (FLOATS, 1)})
    out = graph.node("Conv", "x", "weight", "bias", pads=[side // 2] * 4)
    return graph.file(f"convolution{side}", out)


def residual_pair() -> bytes:
    """Build two 3x3 convolutions of floats, each after a leaky ReLU, added to the identity."""
    inputs = {"x": (FLOATS, 4), "slope": (FLOATS, 1)}
    for layer in ("first", "second"):
        inputs |= {layer: (FLOATS, 4), f"{layer}_bias": (FLOATS, 1)}
    graph = Graph(inputs)
    h = "x"
    for layer in ("first", "second"):
        positive = graph.node("Max", h, graph.node("Mul", h, "slope"))
        h = graph.node("Conv", positive, layer, f"{layer}_bias", pads=[1, 1, 1, 1])
    return graph.file("residual_pair", graph.node("Add", "x", h))


GRAPHS: dict[str, Callable[[], bytes]] = {
    "integer_block": integer_block,
    "convolution1": lambda: convolution(1),
    "convolution3": lambda: convolution(3),
    "residual_pair": residual_pair,
}
"""How each graph is built, by its name."""


def main() -> None:
    """Write all graphs."""
    for name, build in GRAPHS.items():
        (FOLDER / f"{name}.onnx").write_bytes(build())


if __name__ == "__main__":
    main()
