"""Train the top of a classifier on a frozen trunk: the last examples' states, the loss, the folds."""

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from litmine.errors import ModelError
from litmine.nn.batches import TextWindow, text_windows
from litmine.nn.encoder import BertEncoder
from litmine.nn.loading import special_ids
from litmine.nn.references import is_builtin, locate
from litmine.nn.tokenizer import TokenizedText, WordTokenizer
from litmine.nn.trunk_folder import TrunkLink, TrunkSettings, trunk_digest
from litmine.tasks.classification.network import ClassifierNetwork, place_numbers, pooled_logits
from litmine.tasks.classification.pooling import Floats
from litmine.tasks.classification.prepare import Example, TrainingTexts
from litmine.tasks.classification.recipe import ClassifierRecipe
from litmine.tasks.classification.settings import ONE, SENTENCE, ClassifierSettings, Scheme
from litmine.training.base import PretrainedEncoder, read_base
from litmine.training.stored_states import StoredStates
from litmine.training.trainer import TrainingDevice, TrainingPlan, train_network, training_precision

_STATES_FILE = "training.states.npy"
# Windows of a text that are learnt from; `annotate` reads all.
_MAX_WINDOWS = 4

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """What a training did, for the card. Steps, tokens and seconds include those of killed and resumed runs."""

    steps: int
    tokens: int
    seconds: float
    device: str
    precision: str


class TopTraining:
    """The examples of a training with the trunk's states, on which several tops can be trained."""

    def __init__(self, recipe: ClassifierRecipe, texts: TrainingTexts, folder: Path, log: Log) -> None:
        """Computes the states. Raises ModelError for a trunk that cannot be loaded."""
        self._recipe, self._schemes, self._folder, self._log = recipe, texts.schemes, folder, log
        self.examples, self._files = texts.examples, texts.files
        self._machine = TrainingDevice.current()
        trunk_folder, _ = locate(recipe.trunk)
        windows = TrunkSettings.load(trunk_folder)
        self._trunk = _read_trunk(recipe, windows.window)
        reference = recipe.trunk if is_builtin(recipe.trunk) else os.path.relpath(trunk_folder, folder.resolve())
        depth = len(self._trunk.encoder.encoder.layer)
        after = None if recipe.after == depth else recipe.after
        link = TrunkLink(reference, trunk_digest(trunk_folder), recipe.layers, after)
        self.settings = ClassifierSettings(recipe.name, texts.schemes, link)
        self._tokenized = WordTokenizer(self._trunk.tokenizer).read([one.text.text for one in self.examples])
        self._windows: list[list[TextWindow]] = []
        sequences: list[NDArray[np.int64]] = []
        self._first = [0]
        for number, text in enumerate(self._tokenized):
            cut = text_windows(number, text, windows.window, windows.overlap)[:_MAX_WINDOWS]
            self._windows.append(cut)
            sequences += [text.ids[one.start : one.end] for one in cut]
            self._first.append(len(sequences))
        self._trunk.encoder.requires_grad_(False)
        special = special_ids(self._trunk.tokenizer, self._trunk.config)
        self._file = folder / _STATES_FILE
        self._states = StoredStates(
            self._trunk.encoder, recipe.after, special, sequences, self._file, self._machine, log
        )

    def close(self) -> None:
        """Delete the file of the states."""
        self._file.unlink(missing_ok=True)

    def train(self, chosen: Sequence[int], part: str) -> tuple[ClassifierNetwork, TrainingSummary]:
        """Train a top on some of the examples; a killed run resumes from its last checkpoint in the folder.

        part: the name of this training among those of the recipe. Raises as `train_network`.
        """
        recipe = self._recipe
        torch.manual_seed(recipe.seed)
        network = self._new_network().to(self._machine.device)
        pool = [i for i in chosen if self._windows[i]]

        def plan(epoch: int) -> list[list[int]]:
            return self._plan_epoch(pool, epoch)

        def loss(batch: list[int]) -> tuple[Tensor, int]:
            return self._loss(network, batch)

        steps = sum(len(plan(epoch)) for epoch in range(recipe.epochs))
        identity = json.dumps([asdict(recipe), part, steps], sort_keys=True)
        training = TrainingPlan(recipe.epochs, steps, plan, loss, rate_shares={"encoder.": recipe.layer_rate})
        progress = train_network(network, recipe, training, self._folder, identity, self._log)
        progress.save(self._folder)
        done = progress.steps, progress.tokens, progress.seconds
        return network, TrainingSummary(*done, self._machine.name, self._machine.precision)

    @torch.no_grad()
    def scores(self, network: ClassifierNetwork, chosen: Sequence[int]) -> dict[int, Floats]:
        """Logits (spans, labels) of some of the examples, by number; zeros for a text without words."""
        network.eval()
        found = {
            i: np.zeros((len(one.targets), len(self._schemes[one.scheme].labels)), dtype=np.float32)
            for i in chosen
            for one in [self.examples[i]]
        }
        for scheme in {self.examples[i].scheme for i in chosen}:
            pool = [i for i in chosen if self._windows[i] and self.examples[i].scheme == scheme]
            for batch in self._batches(pool, random.Random(1)):
                logits, spans, _ = self._logits(network, batch)
                for row, (example, span) in zip(logits.float().cpu().numpy(), spans, strict=True):
                    found[example][span] = row
        return found

    def _new_network(self) -> ClassifierNetwork:
        """A network whose layers are the next ones of the recipe's model, and whose votes are random."""
        recipe, config = self._recipe, self._trunk.config
        config.hidden_dropout_prob = recipe.dropout
        network = ClassifierNetwork(config, recipe.after, recipe.layers, self._schemes, recipe.dropout)
        if recipe.layers:
            source = read_base(recipe.first_layers, 16).encoder
            layers = list(source.encoder.layer)[recipe.after : recipe.after + recipe.layers]
            if len(layers) < recipe.layers:
                raise ModelError(
                    f"{recipe.first_layers} has no {recipe.layers} layers after layer {recipe.after}; use fewer"
                    " --layers, or a smaller --after"
                )
            for own, other in zip(network.encoder.layers, layers, strict=True):
                own.load_state_dict(other.state_dict())
        return network

    def _plan_epoch(self, pool: Sequence[int], epoch: int) -> list[list[int]]:
        """The batches of an epoch, each of one scheme, in random order."""
        rng = random.Random(f"{self._recipe.seed} {epoch}")
        batches: list[list[int]] = []
        for scheme in range(len(self._schemes)):
            drawn: list[int] = []
            for i in pool:
                if self.examples[i].scheme == scheme:
                    times = self._files[self.examples[i].file][0].times
                    drawn += [i] * (int(times) + (rng.random() < times - int(times)))
            batches += self._batches(drawn, rng)
        rng.shuffle(batches)
        return batches

    def _batches(self, pool: Sequence[int], rng: random.Random) -> list[list[int]]:
        """Examples of similar length, in batches of at most so many tokens with padding."""
        longest = {i: max(one.tokens for one in self._windows[i]) for i in pool}
        batches: list[list[int]] = []
        windows = 0
        for i in sorted(pool, key=lambda i: longest[i] * (1 + 0.1 * rng.random())):
            windows += len(self._windows[i])
            if not batches or windows * longest[i] > self._recipe.batch_tokens:
                batches.append([])
                windows = len(self._windows[i])
            batches[-1].append(i)
        return batches

    def _loss(self, network: ClassifierNetwork, batch: Sequence[int]) -> tuple[Tensor, int]:
        scheme = self._schemes[self.examples[batch[0]].scheme]
        logits, spans, tokens = self._logits(network, batch)
        targets = [self.examples[i].targets[span] for i, span in spans]
        if scheme.choice == ONE:
            wanted = torch.tensor([one[0] for one in targets], device=logits.device)
            return cross_entropy(logits, wanted), tokens
        several = torch.zeros_like(logits)
        for row, labels in enumerate(targets):
            several[row, list(labels)] = 1
        return binary_cross_entropy_with_logits(logits, several), tokens

    def _logits(self, network: ClassifierNetwork, batch: Sequence[int]) -> tuple[Tensor, list[tuple[int, int]], int]:
        """Logits (spans, labels) of the spans with words of a batch of one scheme, these spans, and its tokens."""
        number = self.examples[batch[0]].scheme
        scheme = self._schemes[number]
        first = self.settings.first_output(scheme)
        sequences = [k for i in batch for k in range(self._first[i], self._first[i + 1])]
        states, mask = self._states.batch(sequences)
        at, owner, spans = self._words(batch, states.shape[1])
        with training_precision(self._machine.device, self._machine.bf16):
            votes = network(states, mask, torch.from_numpy(at).to(states.device))
        votes = votes.float()[:, first : first + scheme.outputs]
        logits = pooled_logits(votes, scheme, torch.from_numpy(owner).to(votes.device), len(spans))
        if scheme.unit == SENTENCE:
            places = [place_numbers(len(self.examples[i].targets))[span] for i, span in spans]
            logits = logits + network.places[str(number)][torch.tensor(places, device=logits.device)]
        return logits, spans, int(mask.sum())

    def _words(
        self, batch: Sequence[int], longest: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], list[tuple[int, int]]]:
        """The place of each word of a span in the flattened states, the number of its span, and the spans in order."""
        at: list[NDArray[np.int64]] = []
        owner: list[NDArray[np.int64]] = []
        window = 0
        for number, i in enumerate(batch):
            text, spans = self._tokenized[i], self.examples[i].text.spans
            span_of = _spans_of(text, spans)
            for cut in self._windows[i]:
                words = np.arange(cut.first_word, cut.last_word)
                inside = span_of[words]
                at.append((window * longest + text.first[words] - cut.start + 1)[inside >= 0])
                owner.append((inside + number * 1_000_000)[inside >= 0])
                window += 1
        keys, numbers = np.unique(np.concatenate(owner), return_inverse=True)
        return (
            np.concatenate(at),
            numbers.astype(np.int64),
            [(batch[key // 1_000_000], key % 1_000_000) for key in keys.tolist()],
        )


def _spans_of(text: TokenizedText, spans: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """The number of the span in which each word begins, -1 for none. The spans do not overlap."""
    starts, ends = np.array([start for start, _ in spans]), np.array([end for _, end in spans])
    found = np.searchsorted(starts, text.start, side="right") - 1
    inside = (found >= 0) & (text.start < ends[np.maximum(found, 0)])
    return np.where(inside, found, -1).astype(np.int64)


def _read_trunk(recipe: ClassifierRecipe, window: int) -> PretrainedEncoder:
    trunk = read_base(recipe.trunk, window)
    encoder: Any = trunk.encoder
    if not isinstance(encoder, BertEncoder) or len(encoder.encoder.layer) < recipe.after:
        raise ModelError(f"{recipe.trunk} is no trunk with {recipe.after} layers; use builtin-trunk, or fewer --after")
    return trunk


def scheme_examples(examples: Sequence[Example], schemes: Sequence[Scheme], scheme: str) -> list[int]:
    """The numbers of the examples of a scheme."""
    return [i for i, one in enumerate(examples) if schemes[one.scheme].name == scheme]
