"""All parameters in one flat vector a group: one Adam, one moving average, one clip, one exchange between processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .task import ParameterGroup


class FlatParameters:
    """A module's trained parameters as views of one vector per group, with gradients that are views too."""

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
        """Vectors by group, as views by parameter name."""
        views: dict[str, Tensor] = {}
        for group, vector in vectors.items():
            parts = torch.split(vector.detach(), [shape.numel() for _, shape in self.members[group]])
            views |= {name: part.view(shape) for (name, shape), part in zip(self.members[group], parts, strict=True)}
        return views

    def vectors(self) -> dict[str, Tensor]:
        """The parameters' vectors by group."""
        return {name: flat.detach() for name, flat in self.groups.items()}

    def zero_grad(self) -> None:
        """Sets all gradients to zero in place."""
        for gradient in self.gradients():
            gradient.zero_()

    def gradients(self) -> list[Tensor]:
        """The gradient vectors."""
        return [flat.grad for flat in self.groups.values() if flat.grad is not None]

    def norm(self) -> float:
        """Euclidean norm of the whole gradient."""
        return float(torch.sqrt(sum((g.square().sum() for g in self.gradients()), torch.zeros(()))))

    def scale_gradients(self, factor: float) -> None:
        """Multiplies all gradients."""
        for gradient in self.gradients():
            gradient.mul_(factor)

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """Moves the average towards the parameters."""
        for name, flat in self.groups.items():
            self.average[name].lerp_(flat.detach(), 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the module computes with the average."""
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
    """One vector that the parameters, and their gradients, become views of."""
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
