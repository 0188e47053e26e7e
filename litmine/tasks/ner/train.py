"""Train a tagger: base, heads, examples, batches, loss, optimiser steps, model folder.

When the base is itself a litmine tagger, heads with the same name and labels continue from its weights.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.functional import one_hot

from litmine.corpora.corpus import Corpus
from litmine.errors import SettingError
from litmine.nn.crf import BIO
from litmine.nn.engine import BATCH_TOKENS
from litmine.nn.loading import special_ids
from litmine.nn.references import read_description
from litmine.nn.tokenizer import WordTokenizer
from litmine.tasks.ner.crf_loss import WordLayout, negative_log_likelihood
from litmine.tasks.ner.distillation import add_teacher_probabilities, load_teachers
from litmine.tasks.ner.examples import (
    IGNORED,
    TaggerBatch,
    TaggerExample,
    collate,
    join_examples,
    make_examples,
    make_heads,
)
from litmine.tasks.ner.folder import read_network, save_folder, save_top
from litmine.tasks.ner.network import MultiHeadNetwork
from litmine.tasks.ner.outside_bias import balance_heads
from litmine.tasks.ner.recipe import RECIPE_FILE, TaggerRecipe
from litmine.tasks.ner.settings import CRF, TASK, Head, TaggerSettings
from litmine.training.averaging import WeightInterpolation
from litmine.training.base import PretrainedEncoder, prune_base, read_abstracts, read_base
from litmine.training.batching import join_passages, make_batches
from litmine.training.checkpoint import model_write_errors
from litmine.training.distributed import ProcessGroup
from litmine.training.trainer import CHECKPOINT_SECONDS, TrainingDevice, TrainingPlan, train_network, training_precision
from litmine.training.trunk_top import TrunkTop, find_base_trunk


@torch.no_grad()
def copy_heads_from_base(network: MultiHeadNetwork, heads: Sequence[Head], base: PretrainedEncoder) -> list[str]:
    """Copy the weights of heads that the base has too; returns the names of these heads."""
    if base.litmine_folder is None or read_description(base.litmine_folder).get("task", TASK) != TASK:
        return []
    settings = TaggerSettings.load(base.litmine_folder)
    source = read_network(base.litmine_folder, settings, quick=True)
    copied = []
    bounds = np.cumsum([0, *(len(head.labels) for head in settings.heads)]).tolist()
    source_index = {(head.name, head.labels): i for i, head in enumerate(settings.heads)}
    for i, head in enumerate(heads):
        if (j := source_index.get((head.name, head.labels))) is not None:
            to, taken = slice(i * len(BIO), (i + 1) * len(BIO)), slice(bounds[j], bounds[j + 1])
            network.heads.weight[to], network.heads.bias[to] = source.heads.weight[taken], source.heads.bias[taken]
            if network.chain is not None and source.chain is not None:
                network.chain.weight[i] = source.chain.weight[j]
            copied.append(head.name)
    return copied


# Indices of the examples that are joined to one passage.
PassageIndices = list[int]


@dataclass(frozen=True, slots=True)
class TaggerTrainingSummary:
    """What a training did, for the model card. Steps, tokens and seconds include those of killed and resumed runs."""

    heads: tuple[Head, ...]
    steps: int
    tokens: int
    seconds: float
    device: str
    precision: str


TrainingJob = Callable[[Callable[[str], None]], TaggerTrainingSummary]
# Runs training jobs one after another or in parallel, in this process or others, and returns their summaries. In a
# distributed process group every member runs each job, and the first member's summary counts.
RunJobs = Callable[[Sequence[TrainingJob]], list[TaggerTrainingSummary]]


def train(
    recipe: TaggerRecipe,
    corpora: Sequence[Corpus],
    folder: Path,
    log: Callable[[str], None],
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    base: Path | None = None,
    teachers: Sequence[Path] = (),
    start_seed: int | None = None,
) -> TaggerTrainingSummary:
    """Train on `corpora` and write the model to `folder`; a killed run resumes from its last checkpoint.

    `checkpoint_seconds` is the time between checkpoints. `base` is the folder of the recipe's base if it was pruned and
    pretrained before. `teachers` are models of the same recipe, whose probabilities label what no corpus annotates.
    `start_seed`: seed of new weights, by default the recipe's. The last checkpoint stays, so that later stages can be
    repeated without training again. Raises ModelError for an unusable base, a loss that is not finite, and a folder
    that cannot be written.
    """
    group = ProcessGroup.current()
    if group.is_main:
        with model_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    machine = TrainingDevice.current()
    torch.manual_seed(recipe.seed if start_seed is None else start_seed)

    heads = make_heads(corpora, recipe.separate_heads, recipe.preferred, recipe.judged)
    if recipe.every_guideline:
        heads = tuple(replace(head, default=True) for head in heads)
    settings = _make_settings(recipe, heads, folder)
    network, tokenizer = _build_network(recipe, heads, corpora, base)
    network.to(machine.device)
    interpolation = WeightInterpolation(network, recipe.base_weight_share)
    special = special_ids(tokenizer, network.config)
    reader = WordTokenizer(tokenizer)
    unannotated = BIO.index("O") if recipe.naive_union else IGNORED
    examples = [
        make_examples(corpus, heads, recipe.separate_heads, reader, recipe.max_passage_tokens, unannotated)
        for corpus in corpora
    ]
    all_examples = [example for of_corpus in examples for example in of_corpus]
    if teachers:
        # Inference allows larger batches than training.
        batch_tokens = max(recipe.batch_tokens, BATCH_TOKENS[machine.device.type])
        batches = plan_epoch(replace(recipe, epochs=1, batch_tokens=batch_tokens), corpora, examples, 0)
        networks = load_teachers(teachers, settings, tokenizer.to_str())
        all_examples = add_teacher_probabilities(networks, all_examples, batches, special, machine, log)

    def plan(epoch: int) -> list[list[PassageIndices]]:
        return plan_epoch(recipe, corpora, examples, epoch)

    def loss(passages: list[PassageIndices]) -> tuple[torch.Tensor, int]:
        # A process group shares the batch; the label counts of the whole batch normalise each member's loss.
        whole = [join_examples([all_examples[i] for i in passage]) for passage in passages]
        share = [whole[i] for i in group.select_share([len(example.ids) + 2 for example in whole])]
        if not share:
            return torch.zeros((), device=machine.device), 0
        ignored = sum(int((example.labels == IGNORED).sum()) for example in whole)
        label_counts = (sum(example.labels.size for example in whole) - ignored, ignored)
        batch = collate(share, special)
        return _batch_loss(recipe, network, batch, len(heads), machine, label_counts), int(batch.mask.sum())

    # The number of steps differs a little between epochs; it depends on the lengths only.
    steps = sum(len(plan(epoch)) for epoch in range(recipe.epochs))
    training = json.dumps(asdict(recipe) | {"steps": steps}, sort_keys=True)
    training_plan = TrainingPlan(recipe.epochs, steps, plan, loss, recipe.ema_decay)
    progress = train_network(network, recipe, training_plan, folder, training, log, checkpoint_seconds, group)
    interpolation.apply()
    if recipe.balance:
        balance_heads(network, heads, examples, special, machine, log)

    if group.is_main:
        with model_write_errors(folder):
            if settings.trunk is None:
                save_folder(folder, network, tokenizer, settings, recipe.int8)
            else:
                save_top(folder, network, settings, recipe.int8)
            recipe.save(folder / RECIPE_FILE)
            progress.save(folder)
    device = machine.name if group.size == 1 else f"{group.size} workers with {machine.name} each"
    return TaggerTrainingSummary(heads, steps, progress.tokens, progress.seconds, device, machine.precision)


def plan_epoch(
    recipe: TaggerRecipe, corpora: Sequence[Corpus], examples: Sequence[Sequence[TaggerExample]], epoch: int
) -> list[list[PassageIndices]]:
    """The batches of an epoch in order, computed from the lengths of the examples only.

    Unlabelled texts are divided among the epochs, so that each is read once.
    """
    rng = random.Random(f"{recipe.seed} {epoch}")
    weights = dict(recipe.corpus_weights)
    passages: list[PassageIndices] = []
    lengths: list[int] = []
    for corpus, corpus_examples in zip(corpora, examples, strict=True):
        tokens = [len(example.ids) for example in corpus_examples]
        first = len(lengths)
        lengths += tokens
        if not corpus.entity_types:
            passages += [[first + i] for i in range(epoch, len(corpus_examples), recipe.epochs)]
            continue
        times = weights.get(corpus.name, 1.0)
        while times > 0:
            read = [i for i, one in enumerate(corpus_examples) if _is_read(one, recipe.unmarked_share, rng)]
            joined = (
                join_passages([tokens[i] for i in read], recipe.passage_tokens, recipe.single_sentence_share, rng)
                if corpus.continuous
                else [[i] for i in range(len(read))]
            )
            joined = [[read[i] for i in passage] for passage in joined]
            chosen = joined if times >= 1 else [passage for passage in joined if rng.random() < times]
            passages += [[first + i for i in passage] for passage in chosen]
            times -= 1
    batches = make_batches([sum(lengths[i] for i in passage) for passage in passages], recipe.batch_tokens, rng)
    return [[passages[i] for i in batch] for batch in batches]


def _is_read(example: TaggerExample, unmarked_share: float, rng: random.Random) -> bool:
    """Whether an epoch reads an example: if it has a mention, or with the probability `unmarked_share`."""
    return unmarked_share >= 1 or bool((example.labels > 0).any()) or rng.random() < unmarked_share


def vocabulary_texts(recipe: TaggerRecipe, corpora: Sequence[Corpus]) -> Iterator[str]:
    """The texts whose token frequencies decide the pruned vocabulary: the corpora's and the unlabelled ones."""
    yield from (passage.text for corpus in corpora for passage in corpus.passages)
    if recipe.unlabelled:
        yield from read_abstracts(Path(recipe.unlabelled))


def _build_network(
    recipe: TaggerRecipe, heads: Sequence[Head], corpora: Sequence[Corpus], prepared: Path | None
) -> tuple[MultiHeadNetwork, Tokenizer]:
    """The network and tokenizer to start from: the base's encoder, pruned if the recipe says so, and the heads.

    Heads that the base has too are copied from it. Raises SettingError when `base_weight_share` is set and the base
    lacks a head.
    """
    tokens = max(recipe.window, recipe.max_passage_tokens + 2)
    if prepared:
        base = read_base(str(prepared), tokens)
    else:
        base = prune_base(read_base(recipe.base, tokens), vocabulary_texts(recipe, corpora), recipe.vocabulary)
    encoder, config = base.encoder, base.config
    config.hidden_dropout_prob, config.attention_probs_dropout_prob = recipe.dropout, 0.0
    if recipe.top_layers:
        encoder = TrunkTop(config, encoder, recipe.top_after, recipe.top_layers)
    network = MultiHeadNetwork(config, len(heads) * len(BIO), encoder, chained=True)
    copied = copy_heads_from_base(network, heads, base)
    if recipe.base_weight_share and (new := [head.name for head in heads if head.name not in copied]):
        raise SettingError(
            f"--base-weight-share needs a base with all heads, and this base has no {', '.join(new)}; omit the flag"
        )
    return network, base.tokenizer


def _make_settings(recipe: TaggerRecipe, heads: tuple[Head, ...], folder: Path) -> TaggerSettings:
    """The settings of the model in `folder`; those of a top have the trunk's window and overlap.

    Raises SettingError for a top on a base without a trunk, or with fewer layers than the top continues from.
    """
    if not recipe.top_layers:
        return TaggerSettings(
            recipe.name, heads, recipe.window, recipe.overlap, CRF, rules=recipe.rules, task=recipe.task
        )
    trunk = find_base_trunk(recipe.base)
    link = trunk.link(folder, recipe.top_layers, recipe.top_after)
    windows = trunk.settings
    return TaggerSettings(
        recipe.name, heads, windows.window, windows.overlap, CRF, link, rules=recipe.rules, task=recipe.task
    )


def _batch_loss(
    recipe: TaggerRecipe,
    network: MultiHeadNetwork,
    batch: TaggerBatch,
    heads: int,
    machine: TrainingDevice,
    label_counts: tuple[int, int] | None = None,
) -> torch.Tensor:
    """The mean negative log-likelihood per annotated label, plus the weighted mean of the teacher loss per other label.

    `label_counts` are the annotated and the unannotated labels of the whole batch if this batch is one member's share.
    """
    layout = WordLayout.of(batch.rows, machine.device)
    annotated, unannotated = label_counts or (
        int((batch.labels != IGNORED).sum()),
        int((batch.labels == IGNORED).sum()),
    )
    batch = batch.to(machine.device)
    with training_precision(machine.device, machine.bf16):
        logits = network(batch.ids, batch.mask)
    words = logits[batch.rows, batch.columns].float().view(-1, heads, len(BIO))
    ignored = batch.labels == IGNORED
    targets = one_hot(batch.labels.clamp(min=0), len(BIO)).float()
    if batch.teacher_probabilities is not None:
        targets = torch.where(ignored[:, :, None], batch.teacher_probabilities.float(), targets)
    assert network.chain is not None
    losses = negative_log_likelihood(words, layout, targets, network.chain.transitions())
    # A corpus annotates a type in all of a text or in none of it.
    ignored_text = ignored[layout.last]
    loss = losses.masked_fill(ignored_text, 0).sum() / max(annotated, 1)
    if batch.teacher_probabilities is not None:
        loss = loss + recipe.distillation_weight * losses.masked_fill(~ignored_text, 0).sum() / max(unannotated, 1)
    return loss
