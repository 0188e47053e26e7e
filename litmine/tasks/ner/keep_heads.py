"""Heads of a base that is a tagger of litmine's own go on in the model that is trained from it."""

from collections.abc import Sequence

import numpy as np
import torch

from litmine.nn.crf import BIO
from litmine.nn.references import described
from litmine.tasks.ner.folder import read_network
from litmine.tasks.ner.network import MultiHeadNetwork
from litmine.tasks.ner.settings import TASK, Head, Settings
from litmine.training.base import Base


@torch.no_grad()
def keep_heads(network: MultiHeadNetwork, heads: Sequence[Head], base: Base) -> list[str]:
    """Let heads that the base, one of our own models, has too begin as they are there; returns their names."""
    if base.own is None or described(base.own).get("task", TASK) != TASK:
        return []
    settings = Settings.load(base.own)
    theirs = read_network(base.own, settings, quick=True)
    kept = []
    bounds = np.cumsum([0, *(len(head.labels) for head in settings.heads)]).tolist()
    places = {(head.name, head.labels): i for i, head in enumerate(settings.heads)}
    for own, head in enumerate(heads):
        if (its := places.get((head.name, head.labels))) is not None:
            at, there = slice(own * len(BIO), (own + 1) * len(BIO)), slice(bounds[its], bounds[its + 1])
            network.heads.weight[at], network.heads.bias[at] = theirs.heads.weight[there], theirs.heads.bias[there]
            if network.chain is not None and theirs.chain is not None:
                network.chain.weight[own] = theirs.chain.weight[its]
            kept.append(head.name)
    return kept
