"""Train all layers of a BERT as a text classifier, and make its folder."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from litmine.errors import CorpusError, ModelError
from litmine.nn.batches import text_windows
from litmine.nn.config import is_plain_bert
from litmine.nn.loading import special_ids
from litmine.nn.tokenizer import WordTokenizer
from litmine.specs import TrainingContext
from litmine.tasks.classification.make import (
    HeldOutScores,
    finish_schemes,
    score_line,
    write_results,
)
from litmine.tasks.classification.pooling import Floats
from litmine.tasks.classification.prepare import TrainingTexts, folds_of, read_texts
from litmine.tasks.classification.recipe import RECIPE_FILE, ClassifierRecipe
from litmine.tasks.classification.score import judge_file
from litmine.tasks.classification.settings import ONE, TEXT
from litmine.tasks.classification.train import TrainingSummary
from litmine.tasks.classification.whole_folder import load_whole, save_whole
from litmine.tasks.classification.whole_settings import WholeSettings
from litmine.tasks.relations.marked.network import MarkedNetwork
from litmine.training.base import read_base
from litmine.training.batching import make_batches, pad
from litmine.training.checkpoint import model_write_errors
from litmine.training.trainer import TrainingDevice, TrainingPlan, train_network, training_precision

_MAX_WINDOWS = 4
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Window:
    """A window of an example: its number, its tokens, and its words."""

    example: int
    ids: np.ndarray
    words: int


@dataclass(frozen=True, slots=True)
class _LayerRates:
    """The optimizer settings of a training of all layers."""

    learning_rate: float
    warmup: float
    weight_decay: float
    clip: float
    dropout: float
    seed: int


def train_whole(recipe: ClassifierRecipe, context: TrainingContext) -> None:
    """Run `litmine train classification --base REF`.

    Raises CorpusError for a file that cannot be read or learnt from, or that labels sentences, ModelError for a base
    that is no BERT, a training that diverges, and a folder that cannot be written.
    """
    folder, log = context.folder, context.report
    texts = read_texts(recipe, log)
    if len(texts.schemes) > 1 or texts.schemes[0].unit != TEXT:
        raise CorpusError("with --base, one scheme of labels of whole texts is trained; omit --base for others")
    # A classifier of transformers has no sentences, and one row of outputs.
    texts = replace(texts, schemes=(replace(texts.schemes[0], evidence=0, queries=1),))
    with model_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    training = _WholeTraining(recipe, texts, context)
    found: dict[int, Floats] = {}
    if recipe.folds:
        parts = folds_of(texts.examples, recipe.folds)
        for part in range(recipe.folds):
            log(f"part {part + 1} of {recipe.folds}: train without it, then score it")
            network, _ = training.train([i for i, one in enumerate(parts) if one != part], f"part {part + 1}")
            found |= training.scores(network, [i for i, one in enumerate(parts) if one == part])
    learnt = [i for i in range(len(texts.examples)) if i not in texts.calibrating]
    network, summary = training.train(learnt, "all")
    if not recipe.folds:
        found = training.scores(network, sorted(texts.calibrating))
    schemes, scores = finish_schemes(recipe, texts, HeldOutScores(found), log)
    settings = WholeSettings(recipe.name, schemes[0], recipe.window)
    with model_write_errors(folder):
        save_whole(folder, network, training.tokenizer, settings)
        recipe.save(folder / RECIPE_FILE)
    for dev in texts.dev:
        model = load_whole(folder, recipe.name, precision="float32")
        scores[dev.name] = judge_file(model, schemes[0], dev.file, recipe.recall)
        log(score_line(dev.name, scores[dev.name]))
    write_results(folder, recipe, schemes, texts, summary, scores)


class _WholeTraining:
    """The examples of a training in windows, on which several classifiers can be trained."""

    def __init__(self, recipe: ClassifierRecipe, texts: TrainingTexts, context: TrainingContext) -> None:
        self._recipe, self._context, self._texts = recipe, context, texts
        self._scheme = texts.schemes[0]
        self._machine = TrainingDevice.current()
        base = read_base(recipe.base, recipe.window)
        if not is_plain_bert(base.config):
            raise ModelError(
                f"{recipe.base} is a {base.config.model_type}, and litmine trains all layers of a BERT; use one such as"
                " BioBERT, PubMedBERT, MiniLM or builtin"
            )
        self.tokenizer: Tokenizer = base.tokenizer
        self._special = special_ids(base.tokenizer, base.config)
        self._windows: list[_Window] = []
        read = WordTokenizer(base.tokenizer).read([one.text.text for one in texts.examples])
        for number, text in enumerate(read):
            for cut in text_windows(number, text, recipe.window, recipe.window // 4)[:_MAX_WINDOWS]:
                self._windows.append(_Window(number, text.ids[cut.start : cut.end], cut.last_word - cut.first_word))

    def train(self, chosen: Sequence[int], part: str) -> tuple[MarkedNetwork, TrainingSummary]:
        """Train a classifier on some of the examples; a killed run resumes from its last checkpoint in the folder."""
        recipe = self._recipe
        torch.manual_seed(recipe.seed)
        base = read_base(recipe.base, recipe.window)
        base.config.hidden_dropout_prob, base.config.attention_probs_dropout_prob = recipe.dropout, 0.0
        network = MarkedNetwork(base.config, len(self._scheme.labels), base.encoder).to(self._machine.device)
        wanted = set(chosen)
        pool = [i for i, one in enumerate(self._windows) if one.example in wanted]
        lengths = [len(self._windows[i].ids) for i in pool]

        def plan(epoch: int) -> list[list[int]]:
            rng = random.Random(f"{recipe.seed} {epoch}")
            return [[pool[k] for k in batch] for batch in make_batches(lengths, recipe.batch_tokens, rng)]

        def loss(batch: list[int]) -> tuple[Tensor, int]:
            logits, tokens = self._logits(network, batch)
            targets = [self._texts.examples[self._windows[i].example].targets[0] for i in batch]
            if self._scheme.choice == ONE:
                return cross_entropy(logits, torch.tensor([one[0] for one in targets], device=logits.device)), tokens
            several = torch.zeros_like(logits)
            for row, labels in enumerate(targets):
                several[row, list(labels)] = 1
            return binary_cross_entropy_with_logits(logits, several), tokens

        steps = sum(len(plan(epoch)) for epoch in range(recipe.epochs))
        identity = json.dumps([asdict(recipe), part, steps], sort_keys=True)
        rates = _LayerRates(
            recipe.base_learning_rate, recipe.warmup, recipe.weight_decay, recipe.clip, recipe.dropout, recipe.seed
        )
        training = TrainingPlan(recipe.epochs, steps, plan, loss)
        progress = train_network(network, rates, training, self._context.folder, identity, self._context.report)
        progress.save(self._context.folder)
        done = progress.steps, progress.tokens, progress.seconds
        return network, TrainingSummary(*done, self._machine.name, self._machine.precision)

    @torch.no_grad()
    def scores(self, network: MarkedNetwork, chosen: Sequence[int]) -> dict[int, Floats]:
        """Logits (1, labels) of some of the examples, by number: the mean over windows, weighted by their words."""
        network.eval()
        wanted = set(chosen)
        sums = {i: np.zeros((1, len(self._scheme.labels)), dtype=np.float32) for i in chosen}
        words = dict.fromkeys(chosen, 0)
        pool = [i for i, one in enumerate(self._windows) if one.example in wanted]
        lengths = [len(self._windows[i].ids) for i in pool]
        for batch in make_batches(lengths, self._recipe.batch_tokens, random.Random(1)):
            logits, _ = self._logits(network, [pool[k] for k in batch])
            for k, row in zip(batch, logits.float().cpu().numpy(), strict=True):
                window = self._windows[pool[k]]
                sums[window.example] += row * window.words
                words[window.example] += window.words
        return {i: np.asarray(sums[i] / max(words[i], 1), dtype=np.float32) for i in chosen}

    def _logits(self, network: MarkedNetwork, batch: Sequence[int]) -> tuple[Tensor, int]:
        ids, mask = pad([self._windows[i].ids for i in batch], self._special)
        device = self._machine.device
        with training_precision(device, self._machine.bf16):
            logits = network(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
        return logits.float(), int(mask.sum())
