"""The mean of what a network became in several trainings from one start (Wortsman et al. 2022, "Model soups")."""

import torch
from torch import Tensor


class Mean:
    """`begin` puts the network back before each training, `add` takes what it has become, `end` gives it the mean.

    Whatever is no floating-point number stays as the last training left it.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self._network = network
        self._start = {name: value.clone() for name, value in network.state_dict().items()}
        self._sums: dict[str, Tensor] = {}
        self._times = 0

    def begin(self) -> None:
        self._network.load_state_dict(self._start)

    def add(self) -> None:
        self._times += 1
        for name, value in self._network.state_dict().items():
            if value.is_floating_point():
                self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()

    def end(self) -> None:
        mean = {name: value / self._times for name, value in self._sums.items()}
        self._network.load_state_dict(self._network.state_dict() | mean)
