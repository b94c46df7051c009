"""All trained parameters in one flat vector a group: one Adam, one average, one clip, one all-reduce."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .task import ParameterGroup


class FlatParameters:
    """A module's trained parameters as views of one vector a group, their gradients as views of another.

    Args:
        module: its parameters are replaced by views.
        groups: every trained parameter in exactly one group.

    Raises:
        ValueError: a parameter is in no group, or in several.
    """

    def __init__(self, module: nn.Module, groups: Sequence[ParameterGroup]) -> None:
        names = {id(p): name for name, p in module.named_parameters() if p.requires_grad}
        listed = [id(p) for group in groups for p in group.parameters]
        if sorted(listed) != sorted(names):
            raise ValueError("every trained parameter belongs to exactly one group")
        self.rates = {group.name: group.rate for group in groups}
        self.members = {g.name: [(names[id(p)], p.shape) for p in g.parameters] for g in groups}
        self.groups = {group.name: _flatten(group.parameters) for group in groups}
        self.average = {name: flat.detach().clone() for name, flat in self.groups.items()}

    def named(self, vectors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return vectors by group as views by parameter name, in the parameters' shapes."""
        views: dict[str, Tensor] = {}
        for group, vector in vectors.items():
            parts = torch.split(vector.detach(), [shape.numel() for _, shape in self.members[group]])
            views |= {name: part.view(shape) for (name, shape), part in zip(self.members[group], parts, strict=True)}
        return views

    def vectors(self) -> dict[str, Tensor]:
        """Return the parameters' vectors by group."""
        return {name: flat.detach() for name, flat in self.groups.items()}

    def zero_grad(self) -> None:
        """Set all gradients to zero in place."""
        for gradient in self.gradients():
            gradient.zero_()

    def gradients(self) -> list[Tensor]:
        """Return the gradient vectors."""
        return [flat.grad for flat in self.groups.values() if flat.grad is not None]

    def norm(self) -> float:
        """Return the Euclidean norm of the whole gradient."""
        return float(torch.sqrt(sum((g.square().sum() for g in self.gradients()), torch.zeros(()))))

    def scale_gradients(self, factor: float) -> None:
        """Multiply all gradients by a factor."""
        for gradient in self.gradients():
            gradient.mul_(factor)

    @torch.no_grad()
    def update_average(self, decay: float) -> None:
        """Move the exponential moving average towards the parameters; it keeps a share `decay` of itself."""
        for name, flat in self.groups.items():
            self.average[name].lerp_(flat.detach(), 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the module compute with the moving average inside the context."""
        kept = {name: vector.clone() for name, vector in self.vectors().items()}
        try:
            self._set(self.average)
            yield
        finally:
            self._set(kept)

    @torch.no_grad()
    def _set(self, vectors: Mapping[str, Tensor]) -> None:
        for name, flat in self.groups.items():
            flat.data.copy_(vectors[name])


def _flatten(parameters: Sequence[nn.Parameter]) -> nn.Parameter:
    """Return one vector that the parameters, and likewise their gradients, become views of."""
    flat = torch.cat([p.detach().reshape(-1) for p in parameters])
    gradient, start = torch.zeros_like(flat), 0
    for parameter in parameters:
        part = slice(start, start + parameter.numel())
        parameter.data = flat[part].view(parameter.shape)
        parameter.grad = gradient[part].view(parameter.shape)
        start += parameter.numel()
    whole = nn.Parameter(flat)
    whole.grad = gradient
    return whole
