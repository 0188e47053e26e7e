"""Knowledge distillation: soft labels from teacher models for the words and types that no corpus annotates.

The mean of several models' probabilities teaches more than any one of them (Hinton et al. 2015). Self-training
(Yarowsky 1995) is the older form with hard labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from litmine.errors import ModelError
from litmine.nn.crf import BIO
from litmine.nn.loading import read_tokenizer
from litmine.tasks.ner.crf_loss import WordLayout, marginal_probabilities
from litmine.tasks.ner.examples import TaggerExample, collate, join_examples
from litmine.tasks.ner.folder import read_network
from litmine.tasks.ner.network import MultiHeadNetwork
from litmine.tasks.ner.settings import TaggerSettings
from litmine.training.trainer import TrainingDevice, training_precision


def load_teachers(folders: Sequence[Path], student: TaggerSettings, tokenizer: str) -> list[MultiHeadNetwork]:
    """Load the teachers' networks in float32; `tokenizer` is the student's, as JSON.

    Raises ModelError for a teacher with other heads or another tokenizer, because its probabilities would not align
    with the student's.
    """
    networks = []
    for folder in folders:
        settings = TaggerSettings.load(folder)
        if settings.heads != student.heads or read_tokenizer(folder).to_str() != tokenizer:
            raise ModelError(
                f"{folder} cannot teach this model: heads or tokenizer differ; begin again with --no-resume"
            )
        networks.append(read_network(folder, settings))
    return networks


@torch.no_grad()
def add_teacher_probabilities(
    networks: Sequence[MultiHeadNetwork],
    examples: Sequence[TaggerExample],
    batches: Sequence[Sequence[Sequence[int]]],
    special: tuple[int, int, int],
    machine: TrainingDevice,
    log: Callable[[str], None],
) -> list[TaggerExample]:
    """The examples with the mean of the networks' label probabilities as their `teacher_probabilities`.

    `batches` holds batches of passages of example indices. An example in no batch gets no probabilities.
    """
    labelled = list(examples)
    for network in networks:
        network.eval().to(machine.device)
    for number, passages in enumerate(batches, 1):
        batch = collate([join_examples([examples[i] for i in passage]) for passage in passages], special)
        layout = WordLayout.of(batch.rows, machine.device)
        batch = batch.to(machine.device)
        total = torch.zeros(len(batch.rows), 1, 1, device=machine.device)
        for network in networks:
            with training_precision(machine.device, machine.bf16):
                logits = network(batch.ids, batch.mask)
            words = logits[batch.rows, batch.columns].float().view(len(batch.rows), -1, len(BIO))
            assert network.chain is not None
            total = total + marginal_probabilities(words, layout, network.chain.transitions())
        mean = (total / len(networks)).to(torch.float16).cpu().numpy()
        flat = [i for passage in passages for i in passage]
        bounds = np.cumsum([len(examples[i].first) for i in flat])[:-1]
        for i, probabilities in zip(flat, np.split(mean, bounds), strict=True):
            labelled[i] = replace(examples[i], teacher_probabilities=probabilities)
        if number % 200 == 0:
            log(f"teachers: read {number:,} of {len(batches):,} batches")
    return labelled
