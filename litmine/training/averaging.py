"""Averages of network weights: over several runs, over the steps of one run, and between its start and its end."""

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


class ModelSoup:
    """The mean weights of several training runs from one start (Wortsman et al. 2022, "Model soups").

    Call `reset` before each run, `add` after it, and `apply` at the end.

    Tensors that are not floating-point keep the values of the last run.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self._network = network
        self._start = {name: value.clone() for name, value in network.state_dict().items()}
        self._sums: dict[str, Tensor] = {}
        self._runs = 0

    def reset(self) -> None:
        """Give the network its initial weights."""
        self._network.load_state_dict(self._start)

    def add(self) -> None:
        """Add the network's current weights to the mean."""
        self._runs += 1
        for name, value in self._network.state_dict().items():
            if value.is_floating_point():
                self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()

    def apply(self) -> None:
        """Give the network the mean weights."""
        mean = {name: value / self._runs for name, value in self._sums.items()}
        self._network.load_state_dict(self._network.state_dict() | mean)


class WeightInterpolation:
    """Interpolation between a network's weights before and after training.

    `start_share` is the weight of the initial values; 0 leaves the network as it is.
    """

    def __init__(self, network: torch.nn.Module, start_share: float) -> None:
        self._share = start_share
        self._weights = dict(network.named_parameters()) if start_share else {}
        self._start = {name: value.detach().clone() for name, value in self._weights.items()}

    @torch.no_grad()
    def apply(self) -> None:
        """Give the network the interpolated weights."""
        for name, value in self._weights.items():
            value.lerp_(self._start[name], self._share)


class WeightEma:
    """Exponential moving average of a network's weights over the steps (Polyak, Juditsky 1992).

    Each step keeps `decay` of the average. The first steps keep less, so that the average forgets the initial weights.
    With a decay of 0 the network keeps its own weights.
    """

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self._decay = decay
        self._weights = dict(network.named_parameters()) if decay else {}
        self._mean = {name: value.detach().clone() for name, value in self._weights.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the weights after step `step`; steps count from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        if self._weights:
            # One fused call: on a GPU, a hundred small kernels take longer than the training step.
            get_ema_multi_avg_fn(decay)(list(self._mean.values()), list(self._weights.values()), step)

    def state(self) -> dict[str, Tensor]:
        """The average, for a checkpoint."""
        return {f"mean/{name}": value for name, value in self._mean.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from a `state`."""
        for name, value in self._mean.items():
            value.copy_(state[f"mean/{name}"])

    @torch.no_grad()
    def apply(self) -> None:
        """Give the network the average."""
        for name, value in self._weights.items():
            value.copy_(self._mean[name])
