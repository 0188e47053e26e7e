"""Means of weights: of several trainings from one start, of the steps of one, and of its beginning and end."""

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Mean:
    """Of what a network became in several trainings from one start (Wortsman et al. 2022, "Model soups").

    `begin` puts the network back before each training, `add` takes what it has become, `end` gives it the mean.

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


class Kept:
    """What a network is at the beginning, of which it keeps a share at the end; a share of 0 keeps nothing."""

    def __init__(self, network: torch.nn.Module, share: float) -> None:
        self._share = share
        self._weights = dict(network.named_parameters()) if share else {}
        self._start = {name: value.detach().clone() for name, value in self._weights.items()}

    @torch.no_grad()
    def end(self) -> None:
        for name, value in self._weights.items():
            value.lerp_(self._start[name], self._share)


class MovingMean:
    """Of a network's weights over its steps, each of which keeps `share` of the mean so far (Polyak, Juditsky 1992).

    `end` gives it to the network. A mean of few steps keeps less, so that it does not remember the beginning. One that
    keeps nothing is the weights themselves.
    """

    def __init__(self, network: torch.nn.Module, share: float) -> None:
        self._share = share
        self._weights = dict(network.named_parameters()) if share else {}
        self._mean = {name: value.detach().clone() for name, value in self._weights.items()}

    @torch.no_grad()
    def step(self, number: int) -> None:
        """Take in the weights after step `number`, from 1."""
        share = min(self._share, (1 + number) / (10 + number))
        if self._weights:
            # All at once: on a GPU a hundred small ones take longer than the step.
            get_ema_multi_avg_fn(share)(list(self._mean.values()), list(self._weights.values()), number)

    def state(self) -> dict[str, Tensor]:
        return {f"mean/{name}": value for name, value in self._mean.items()}

    def go_on(self, state: dict[str, Tensor]) -> None:
        """Stand where `state` was taken."""
        for name, value in self._mean.items():
            value.copy_(state[f"mean/{name}"])

    @torch.no_grad()
    def end(self) -> None:
        for name, value in self._weights.items():
            value.copy_(self._mean[name])
