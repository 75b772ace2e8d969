"""The weights of many models of one shape as one set of tensors, a row for each member.

Knows neither data nor optimizers. Letters: K members; all tensors have a leading row for each slot,
the members in the first K of them.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from a3b_tune.training.noises import dropout_layers


class StackTensors:
    """`parameters` and `constants` (a table of sines, in the member's scale) map a name to
    (slots, …), `rates` the name of a dropout layer to (slots,)."""

    def __init__(self, model: nn.Module, slots: int) -> None:
        self.parameters = {
            name: p.new_zeros(slots, *p.shape) for name, p in model.named_parameters()
        }
        layers = dropout_layers(model)
        self.rates = {name: layer.rate.new_zeros(slots) for name, layer in layers.items()}
        own = {f"{name}.{part}" for name in layers for part in ("rate", "key")}
        self.constants = {
            name: b.new_zeros(slots, *b.shape)
            for name, b in model.named_buffers()
            if name not in own
        }

    def write(self, row: int, parameters: Mapping[str, Tensor], model: nn.Module) -> None:
        """Puts a model's parameters and dropout rates into a row. ValueError where they are of
        another shape."""
        shapes = {name: p.shape for name, p in parameters.items()}
        if shapes != {name: p.shape[1:] for name, p in self.parameters.items()}:
            raise ValueError("a model of another shape")
        with torch.no_grad():
            for name, tensor in self.parameters.items():
                tensor[row].copy_(parameters[name])
            for name, tensor in self.constants.items():
                tensor[row].copy_(model.get_buffer(name))
        for name, layer in dropout_layers(model).items():
            self.rates[name][row] = layer.rate

    def move(self, source: int, target: int) -> None:
        """Copies a row over another one."""
        parts = (self.parameters, self.constants, self.rates)
        move_row((tensor for part in parts for tensor in part.values()), source, target)


def move_row(tensors: Iterable[Tensor], source: int, target: int) -> None:
    """Copies row `source` of each tensor over row `target`."""
    with torch.no_grad():
        for tensor in tensors:
            tensor[target].copy_(tensor[source])
