"""All parameters in three flat vectors: one Adam, one moving average, one clip instead of a thousand small ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

GROUPS = ("chain", "codebooks", "synthesis", "analysis")


def group_of(name: str) -> str:
    """Which group a parameter belongs to, by its name."""
    if name.endswith(".values"):
        return "codebooks"
    outer = name.partition(".")[0]
    return outer if outer in GROUPS else "chain"


class FlatParameters:
    """A model's parameters as views of one vector per group, with gradients that are views too."""

    def __init__(self, model: nn.Module) -> None:
        self.groups = {name: self._flatten(model, name) for name in GROUPS}
        self.average = {name: flat.detach().clone() for name, flat in self.groups.items()}

    @staticmethod
    def _flatten(model: nn.Module, group: str) -> nn.Parameter:
        chosen = [p for name, p in model.named_parameters() if group_of(name) == group]
        flat = torch.cat([p.detach().reshape(-1) for p in chosen])
        gradient, start = torch.zeros_like(flat), 0
        for parameter in chosen:
            part = slice(start, start + parameter.numel())
            parameter.data = flat[part].view(parameter.shape)
            parameter.grad = gradient[part].view(parameter.shape)
            start += parameter.numel()
        whole = nn.Parameter(flat)
        whole.grad = gradient
        return whole

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

    @torch.no_grad()
    def use_average(self) -> None:
        """Overwrites the parameters with their average."""
        for name, flat in self.groups.items():
            flat.data.copy_(self.average[name])
