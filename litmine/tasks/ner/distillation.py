"""What trained models think of every word that no corpus annotates: soft labels for the model that learns from them.

The mean of several models' probabilities, with their doubts, teaches more than any one of them knows (Hinton et al.
2015); where a corpus is silent about a type, they speak (Yarowsky 1995 is the older form of it).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from litmine.errors import ModelError
from litmine.nn.crf import BIO
from litmine.nn.loading import read_tokenizer
from litmine.tasks.ner.crf_loss import Layout, probabilities
from litmine.tasks.ner.examples import Example, collate, join
from litmine.tasks.ner.folder import read_network
from litmine.tasks.ner.network import MultiHeadNetwork
from litmine.tasks.ner.settings import Settings
from litmine.training.trainer import Machine, arithmetic


def read_teachers(folders: Sequence[Path], like: Settings, tokenizer: str) -> list[MultiHeadNetwork]:
    """The networks of models with these heads and this tokenizer (as JSON), in float32.

    Raises ModelError for one that has others: its words or its types would not be the learner's.
    """
    networks = []
    for folder in folders:
        settings = Settings.load(folder)
        if settings.heads != like.heads or read_tokenizer(folder).to_str() != tokenizer:
            raise ModelError(f"{folder} cannot teach this model, as its heads or its tokens are others")
        networks.append(read_network(folder, settings))
    return networks


@torch.no_grad()
def ask(
    networks: Sequence[MultiHeadNetwork],
    examples: Sequence[Example],
    batches: Sequence[Sequence[Sequence[int]]],
    special: tuple[int, int, int],
    machine: Machine,
    say: Callable[[str], None],
) -> list[Example]:
    """The examples, each with the mean probabilities of the networks as its `opinions`.

    `batches` says which examples are read together as one passage, and which passages at a time; an example in none of
    them gets no opinions.
    """
    told = list(examples)
    for network in networks:
        network.eval().to(machine.device)
    for number, passages in enumerate(batches, 1):
        batch = collate([join([examples[i] for i in passage]) for passage in passages], special)
        layout = Layout.of(batch.rows, machine.device)
        batch = batch.to(machine.device)
        total = torch.zeros(len(batch.rows), 1, 1, device=machine.device)
        for network in networks:
            with arithmetic(machine.device, machine.bf16):
                logits = network(batch.ids, batch.mask)
            words = logits[batch.rows, batch.columns].float().view(len(batch.rows), -1, len(BIO))
            assert network.chain is not None
            total = total + probabilities(words, layout, network.chain.transitions())
        opinions = (total / len(networks)).to(torch.float16).cpu().numpy()
        flat = [i for passage in passages for i in passage]
        bounds = np.cumsum([len(examples[i].first) for i in flat])[:-1]
        for i, own in zip(flat, np.split(opinions, bounds), strict=True):
            told[i] = replace(examples[i], opinions=own)
        if number % 200 == 0:
            say(f"the teachers have read {number:,} of {len(batches):,} batches")
    return told
