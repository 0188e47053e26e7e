"""Train the top of a relation model on a frozen trunk."""

import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from litmine.corpora.documents import AnnotatedDocument
from litmine.errors import ModelError
from litmine.nn.references import is_builtin, locate, model_folder_errors
from litmine.nn.tokenizer import WordTokenizer
from litmine.nn.trunk import Placement, load_trunk
from litmine.nn.trunk_folder import TrunkLink, trunk_digest
from litmine.tasks.relations.examples import RelationExample, group_index, make_example
from litmine.tasks.relations.found_mentions import TextTagger, extend_document
from litmine.tasks.relations.heads import ENTITY_TYPES, head_of, learnt_types, make_heads
from litmine.tasks.relations.loss import group_log_probabilities, relation_loss
from litmine.tasks.relations.network import RelationNetwork
from litmine.tasks.relations.pair_head import HeadShape
from litmine.tasks.relations.prepare import DividedCorpus, entity_types_of
from litmine.tasks.relations.recipe import RelationRecipe
from litmine.tasks.relations.settings import RelationHead, RelationSettings
from litmine.tasks.relations.states import ExampleStates
from litmine.training.base import read_base
from litmine.training.trainer import CHECKPOINT_SECONDS, TrainingDevice, TrainingPlan, train_network, training_precision
from litmine.types import Entity

_FURTHER_MARKS = 0.5
_STATES_FILE = "training.states.npy"

Log = Callable[[str], None]
Batch = tuple[str, list[int]]


@dataclass(frozen=True, slots=True)
class RelationTrainingSummary:
    """What a training did, for the card. Steps, tokens and seconds include those of killed and resumed runs."""

    steps: int
    tokens: int
    seconds: float
    device: str
    precision: str


def train_top(
    recipe: RelationRecipe,
    corpora: Sequence[DividedCorpus],
    tagger: TextTagger,
    folder: Path,
    log: Log,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> tuple[RelationNetwork, RelationSettings, RelationTrainingSummary]:
    """Train the layers and the head; a killed run resumes from its last checkpoint in the folder.

    Raises ModelError for a trunk or tagger that cannot be loaded, and as `train_network`.
    """
    machine = TrainingDevice.current()
    torch.manual_seed(recipe.seed)
    trunk_folder, _ = locate(recipe.trunk)
    place = Placement(machine.device, machine.precision)
    with model_folder_errors(trunk_folder):
        trunk = load_trunk(trunk_folder, place)
    if trunk.config.num_hidden_layers < recipe.after:
        raise ModelError(f"{recipe.trunk} is no trunk with {recipe.after} layers; use builtin-trunk, or fewer --after")
    heads = make_heads([one.corpus for one in corpora])
    reference = recipe.trunk if is_builtin(recipe.trunk) else os.path.relpath(trunk_folder, folder.resolve())
    after = None if recipe.after == trunk.config.num_hidden_layers else recipe.after
    link = TrunkLink(reference, trunk_digest(trunk_folder), recipe.layers, after)
    types = _entity_types(heads)
    # A stretch is at most as long as a window of the trunk.
    settings = RelationSettings(recipe.name, heads, types, recipe.inner, trunk.windows.window, link)
    documents = {one.corpus.name: _documents(recipe, one) for one in corpora}
    texts = sorted({document.text for one in documents.values() for document in one})
    log(f"{tagger.reference} marks further mentions in {len(texts):,} texts")
    tagged = dict(zip(texts, tagger.tag(texts), strict=True))
    examples = [
        example
        for one in corpora
        for example in _examples(one, documents[one.corpus.name], settings, trunk.tokenizer, tagged)
    ]
    network = _new_network(recipe, settings, replace(trunk.config, hidden_dropout_prob=recipe.dropout))
    network.to(machine.device)
    states_file = folder / _STATES_FILE
    states = ExampleStates(trunk, recipe.after, examples, states_file, log)
    loss = _Loss(recipe, network, settings, corpora, examples, states, machine)

    def plan(epoch: int) -> list[Batch]:
        return plan_epoch(recipe, corpora, examples, epoch)

    steps = sum(len(plan(epoch)) for epoch in range(recipe.epochs))
    training = json.dumps(asdict(recipe) | {"steps": steps}, sort_keys=True)
    shares = {"encoder.": recipe.layer_rate}
    training_plan = TrainingPlan(recipe.epochs, steps, plan, loss, recipe.ema_decay, shares)
    try:
        progress = train_network(network, recipe, training_plan, folder, training, log, checkpoint_seconds)
    finally:
        states_file.unlink(missing_ok=True)
    progress.save(folder)
    summary = RelationTrainingSummary(
        progress.steps, progress.tokens, progress.seconds, machine.name, machine.precision
    )
    return network, settings, summary


def plan_epoch(
    recipe: RelationRecipe, corpora: Sequence[DividedCorpus], examples: Sequence[RelationExample], epoch: int
) -> list[Batch]:
    """The batches of an epoch, each of one corpus, in random order: its name and the numbers of its examples."""
    rng = random.Random(f"{recipe.seed} {epoch}")
    batches: list[Batch] = []
    for corpus in corpora:
        pool: list[int] = []
        for number, one in enumerate(examples):
            if one.corpus != corpus.corpus.name or not one.marked.stretches:
                continue
            whole = int(corpus.how.times)
            pool += [number] * (whole + (rng.random() < corpus.how.times - whole))
        longest = {i: max(one.end - one.start for one in examples[i].marked.stretches) for i in pool}
        pool.sort(key=lambda i: longest[i] * (1 + 0.1 * rng.random()))
        batch: list[int] = []
        tokens = 0
        for number in pool:
            of_example = examples[number].marked.tokens
            if batch and tokens + of_example > recipe.batch_tokens:
                batches.append((corpus.corpus.name, batch))
                batch, tokens = [], 0
            batch.append(number)
            tokens += of_example
        if batch:
            batches.append((corpus.corpus.name, batch))
    rng.shuffle(batches)
    return batches


class _Loss:
    """The loss of a batch: a function of the corpus and the numbers of its examples."""

    def __init__(
        self,
        recipe: RelationRecipe,
        network: RelationNetwork,
        settings: RelationSettings,
        corpora: Sequence[DividedCorpus],
        examples: Sequence[RelationExample],
        states: ExampleStates,
        machine: TrainingDevice,
    ) -> None:
        self._recipe, self._network, self._settings, self._examples = recipe, network, settings, examples
        self._states, self._machine = states, machine
        self._taught = {one.corpus.name: learnt_types(one.corpus) for one in corpora}

    def __call__(self, batch: Batch) -> tuple[Tensor, int]:
        corpus, chosen = batch
        head = head_of(self._settings.heads, corpus)
        # torch's random numbers are those of the checkpoint in a resumed training.
        states, mask, row = self._states.batch(chosen, (torch.rand(len(chosen)) < _FURTHER_MARKS).tolist())
        left_out = torch.rand(len(row.mark_at)) < self._recipe.mention_dropout
        tokens = mask.flatten().nonzero()[:, 0][torch.from_numpy(row.mark_at[left_out.numpy()]).to(mask.device)]
        states.flatten(0, 1)[tokens] = 0
        with training_precision(self._machine.device, self._machine.bf16):
            hidden = self._network(states, mask, row)
        examples = [self._examples[i] for i in chosen]
        place = {
            (text, number): at
            for at, (text, number) in enumerate(zip(row.text.tolist(), row.number.tolist(), strict=True))
        }
        groups = [group for one in examples for group in one.groups]
        loss = torch.zeros((), device=self._machine.device)
        if groups:
            rows: list[int] = []
            owners: list[int] = []
            count = 0
            for text, one in enumerate(examples):
                members, owned = group_index(one.groups, {n: place[text, n] for g in one.groups for n in g.pairs})
                rows += members.tolist()
                owners += (owned + count).tolist()
                count += len(one.groups)
            logits = self._network.pair_logits(hidden.flatten(0, 1), row, np.flatnonzero(mask.cpu().numpy()))
            first = self._settings.first_output(head)
            own = logits[:, first : first + head.outputs]
            device = own.device
            found = group_log_probabilities(
                head, own, groups, torch.tensor(rows, device=device), torch.tensor(owners, device=device)
            )
            loss = loss + relation_loss(head, found, groups, self._taught[corpus])
        return loss, int(mask.sum())


def _entity_types(heads: Sequence[RelationHead]) -> tuple[str, ...]:
    judged = {kind for head in heads for pair in head.rule.type_pairs for kind in pair}
    return tuple(dict.fromkeys([*ENTITY_TYPES, *sorted(judged)]))


def _documents(recipe: RelationRecipe, corpus: DividedCorpus) -> list[AnnotatedDocument]:
    """The documents that are learnt from: all with a relation, and a share of the others."""
    rng = random.Random(f"{recipe.seed} {corpus.corpus.name}")
    return [one for one in corpus.train if one.relations or rng.random() < corpus.how.negatives]


def _examples(
    corpus: DividedCorpus,
    documents: Sequence[AnnotatedDocument],
    settings: RelationSettings,
    reader: WordTokenizer,
    tagged: Mapping[str, Sequence[Entity]],
) -> list[RelationExample]:
    name = corpus.corpus.name
    head, annotated = head_of(settings.heads, name), entity_types_of(name, corpus.train)
    found = []
    for document, text in zip(documents, reader.read([one.text for one in documents]), strict=True):
        extended = extend_document(document, tagged[document.text], annotated)
        found.append(
            make_example(
                extended.document, text, head, name, settings.type_numbers, settings.max_tokens, extended.further
            )
        )
    return found


def _new_network(recipe: RelationRecipe, settings: RelationSettings, config: Any) -> RelationNetwork:
    """A network whose layers are the next ones of the recipe's model, and whose head is random."""
    shape = HeadShape(int(config.hidden_size), len(settings.entity_types), settings.inner)
    network = RelationNetwork(config, recipe.after, recipe.layers, shape, settings.outputs, recipe.dropout)
    source = read_base(recipe.first_layers, settings.max_tokens).encoder
    layers = list(source.encoder.layer)[recipe.after : recipe.after + recipe.layers]
    if len(layers) < recipe.layers:
        raise ModelError(
            f"{recipe.first_layers} has no {recipe.layers} layers after layer {recipe.after}; use fewer --layers"
        )
    for own, other in zip(network.encoder.layers, layers, strict=True):
        own.load_state_dict(other.state_dict())
    return network
