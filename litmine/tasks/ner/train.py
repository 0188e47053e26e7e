"""The training of an NER model, from top to bottom: base, heads, batches, steps, folder.

Heads of a base that is a tagger of litmine's own go on in the model that is trained from it.
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
from litmine.nn.references import described
from litmine.nn.tokenizer import WordReader
from litmine.tasks.ner.crf_loss import Layout, path_costs
from litmine.tasks.ner.distillation import ask, read_teachers
from litmine.tasks.ner.examples import IGNORED, Batch, Example, collate, join, make_examples, make_heads
from litmine.tasks.ner.folder import read_network, save_folder
from litmine.tasks.ner.network import MultiHeadNetwork
from litmine.tasks.ner.recipe import RECIPE_FILE, Recipe
from litmine.tasks.ner.settings import CHAINED, TASK, Head, Settings
from litmine.training.averaging import Kept
from litmine.training.base import Base, abstracts, prune, read_base
from litmine.training.batching import join_passages, make_batches
from litmine.training.checkpoint import writing
from litmine.training.distributed import Team
from litmine.training.trainer import CHECKPOINT_SECONDS, Course, Machine, arithmetic, descend


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


# The indices of the examples that are read as one.
Passage = list[int]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training did, for the card: steps, tokens and seconds of all its runs, and on what."""

    heads: tuple[Head, ...]
    steps: int
    tokens: int
    seconds: float
    device: str
    precision: str


Job = Callable[[Callable[[str], None]], Trained]
# Has trainings done by whoever is to do them, one after another or side by side: this process, others, or every member
# of a team, of whom the first one's count; returns what each did.
Run = Callable[[Sequence[Job]], list[Trained]]


def train(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    folder: Path,
    say: Callable[[str], None],
    every: float = CHECKPOINT_SECONDS,
    base: Path | None = None,
    teachers: Sequence[Path] = (),
) -> Trained:
    """Train on `corpora` and write the model to `folder`; a run that was killed goes on from its last checkpoint.

    `base` is the recipe's own after its vocabulary was pruned; `teachers` are models of the same recipe, whose
    opinions count wherever no corpus has one. The last checkpoint stays, so that what follows the training can be
    repeated without it. Raises ModelError for a base that cannot be started from, a loss that is no number, and a
    folder that cannot be written.
    """
    team = Team.here()
    if team.leads:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    machine = Machine.here()
    torch.manual_seed(recipe.seed)

    separate = recipe.separate_heads
    heads = make_heads(corpora, separate)
    network, tokenizer = _start(recipe, heads, corpora, base)
    network.to(machine.device)
    kept = Kept(network, recipe.base_weight_share)
    special = special_ids(tokenizer, network.config)
    reader = WordReader(tokenizer)
    silence = BIO.index("O") if recipe.naive_union else IGNORED
    examples = [make_examples(corpus, heads, separate, reader, recipe.longest, silence) for corpus in corpora]
    all_examples = [example for own in examples for example in own]
    settings = Settings(recipe.name, heads, recipe.window, recipe.overlap, CHAINED)
    if teachers:
        # Reading takes batches larger than learning does, where the machine likes them.
        most = max(recipe.batch_tokens, BATCH_TOKENS[machine.device.type])
        batches = plan_epoch(replace(recipe, epochs=1, batch_tokens=most), corpora, examples, 0)
        networks = read_teachers(teachers, settings, tokenizer.to_str())
        all_examples = ask(networks, all_examples, batches, special, machine, say)

    def plan(epoch: int) -> list[list[Passage]]:
        return plan_epoch(recipe, corpora, examples, epoch)

    def loss(passages: list[Passage]) -> tuple[torch.Tensor, int]:
        whole = [join([all_examples[i] for i in passage]) for passage in passages]
        share = [whole[i] for i in team.share([len(example.ids) + 2 for example in whole])]
        if not share:
            return torch.zeros((), device=machine.device), 0
        silent = sum(int((example.labels == IGNORED).sum()) for example in whole)
        labels = (sum(example.labels.size for example in whole) - silent, silent)
        batch = collate(share, special)
        return _loss(recipe, network, batch, len(heads), machine, labels), int(batch.mask.sum())

    # The number of steps differs a little from epoch to epoch; lengths alone tell it.
    steps = sum(len(plan(epoch)) for epoch in range(recipe.epochs))
    training = json.dumps(asdict(recipe) | {"steps": steps}, sort_keys=True)
    course = Course(recipe.epochs, steps, plan, loss, recipe.ema_decay)
    pace = descend(network, recipe, course, folder, training, say, every, team)
    kept.end()

    if team.leads:
        with writing(folder):
            save_folder(folder, network, tokenizer, settings, recipe.int8)
            recipe.save(folder / RECIPE_FILE)
            pace.save(folder)
    device = machine.name if team.size == 1 else f"{team.size} workers with {machine.name} each"
    return Trained(heads, steps, pace.tokens, pace.seconds, device, machine.precision)


def plan_epoch(
    recipe: Recipe, corpora: Sequence[Corpus], examples: Sequence[Sequence[Example]], epoch: int
) -> list[list[Passage]]:
    """The batches of an epoch, in its order, from the lengths of the examples alone.

    Texts that nobody annotated are shared out over the epochs, and each is read once.
    """
    rng = random.Random(f"{recipe.seed} {epoch}")
    weights = dict(recipe.corpus_weights)
    passages: list[Passage] = []
    lengths: list[int] = []
    for corpus, own in zip(corpora, examples, strict=True):
        tokens = [len(example.ids) for example in own]
        first = len(lengths)
        lengths += tokens
        if not corpus.entity_types:
            passages += [[first + i] for i in range(epoch, len(own), recipe.epochs)]
            continue
        times = weights.get(corpus.name, 1.0)
        while times > 0:
            joined = (
                join_passages(tokens, recipe.passage_tokens, recipe.alone, rng)
                if corpus.continuous
                else [[i] for i in range(len(own))]
            )
            read = joined if times >= 1 else [passage for passage in joined if rng.random() < times]
            passages += [[first + i for i in passage] for passage in read]
            times -= 1
    batches = make_batches([sum(lengths[i] for i in passage) for passage in passages], recipe.batch_tokens, rng)
    return [[passages[i] for i in batch] for batch in batches]


def vocabulary_texts(recipe: Recipe, corpora: Sequence[Corpus]) -> Iterator[str]:
    """The texts whose tokens count for the recipe's vocabulary: the corpora's, and the unlabelled ones."""
    yield from (passage.text for corpus in corpora for passage in corpus.passages)
    if recipe.unlabelled:
        yield from abstracts(Path(recipe.unlabelled))


def _start(
    recipe: Recipe, heads: Sequence[Head], corpora: Sequence[Corpus], prepared: Path | None
) -> tuple[MultiHeadNetwork, Tokenizer]:
    """The base's encoder, its vocabulary pruned if the recipe asks, under new heads and those that the base has too."""
    tokens = max(recipe.window, recipe.longest + 2)
    if prepared:
        base = read_base(str(prepared), tokens)
    else:
        base = prune(read_base(recipe.base, tokens), vocabulary_texts(recipe, corpora), recipe.vocabulary)
    encoder, config = base.encoder, base.config
    config.hidden_dropout_prob, config.attention_probs_dropout_prob = recipe.dropout, 0.0
    network = MultiHeadNetwork(config, len(heads) * len(BIO), encoder, chained=True)
    begun = keep_heads(network, heads, base)
    if recipe.base_weight_share and (new := [head.name for head in heads if head.name not in begun]):
        raise SettingError(f"the base has no {', '.join(new)} to keep a share of; leave --base-weight-share out")
    return network, base.tokenizer


def _loss(
    recipe: Recipe,
    network: MultiHeadNetwork,
    batch: Batch,
    heads: int,
    machine: Machine,
    labels: tuple[int, int] | None = None,
) -> torch.Tensor:
    """What the right paths cost under every head that the batch's corpora annotate, by the word.

    Where they are silent and teachers were asked, what those think right is added, weighted. A batch that is a share of
    another is told how many labels that one has, and how many that are silent, and gives its part of the means.
    """
    layout = Layout.of(batch.rows, machine.device)
    known, unknown = labels or (int((batch.labels != IGNORED).sum()), int((batch.labels == IGNORED).sum()))
    batch = batch.to(machine.device)
    with arithmetic(machine.device, machine.bf16):
        logits = network(batch.ids, batch.mask)
    words = logits[batch.rows, batch.columns].float().view(-1, heads, len(BIO))
    silent = batch.labels == IGNORED
    shares = one_hot(batch.labels.clamp(min=0), len(BIO)).float()
    if batch.opinions is not None:
        shares = torch.where(silent[:, :, None], batch.opinions.float(), shares)
    assert network.chain is not None
    costs = path_costs(words, layout, shares, network.chain.transitions())
    # A corpus annotates a head in all of a text or in none of it.
    untold = silent[layout.last]
    loss = costs.masked_fill(untold, 0).sum() / max(known, 1)
    if batch.opinions is not None:
        loss = loss + recipe.distillation_weight * costs.masked_fill(~untold, 0).sum() / max(unknown, 1)
    return loss
