"""Train all layers of a BERT as a classifier of marked texts: base, markers, examples, loss, weights."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import cross_entropy

from litmine.corpora.relation_corpus import RelationCorpus
from litmine.errors import CorpusError, ModelError
from litmine.nn.config import is_plain_bert
from litmine.nn.loading import special_ids
from litmine.tasks.relations.marked.examples import (
    NONE,
    MarkedExample,
    make_marked_examples,
    pad_ids,
    plan_marked_epoch,
    sampled_share,
)
from litmine.tasks.relations.marked.input import PairReader, add_markers
from litmine.tasks.relations.marked.network import MarkedNetwork
from litmine.tasks.relations.marked.settings import MARKINGS, MarkedOptions, MarkedSettings
from litmine.tasks.relations.pairs import PairRule, default_rule
from litmine.training.base import PretrainedEncoder, read_base
from litmine.training.checkpoint import model_write_errors
from litmine.training.trainer import (
    CHECKPOINT_SECONDS,
    TrainingDevice,
    TrainingPlan,
    train_network,
    training_precision,
)


@dataclass(frozen=True, slots=True)
class MarkedTraining:
    """A training of all layers. options: how pairs are shown and chosen; the others as in `TrainingRecipe`."""

    name: str
    base: str
    options: MarkedOptions
    epochs: int = 6
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    dropout: float = 0.1
    seed: int = 1

    @property
    def learning_rate(self) -> float:
        """Peak learning rate, for `train_network`."""
        return self.options.base_learning_rate


@dataclass(frozen=True, slots=True)
class TrainedMarked:
    """A trained classifier that is not saved yet, and what its training did, for the model card.

    examples, related: pairs of mentions or identifiers, and those with a relation. Steps, tokens and seconds include
    those of killed and resumed runs.
    """

    network: MarkedNetwork
    tokenizer: Tokenizer
    settings: MarkedSettings
    examples: int
    related: int
    steps: int
    tokens: int
    seconds: float
    device: str
    precision: str


def train_layers(
    training: MarkedTraining,
    corpora: Sequence[RelationCorpus],
    folder: Path,
    log: Callable[[str], None],
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> TrainedMarked:
    """Train on corpora that litmine knows; a killed run resumes from its last checkpoint in `folder`, which stays.

    Raises CorpusError for a corpus without a declaration and when no pair is related, ModelError for a base that is no
    BERT or too short, a loss that is not finite, and a folder that cannot be written.
    """
    with model_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    options = training.options
    machine = TrainingDevice.current()
    torch.manual_seed(training.seed)
    labels, rule = relation_labels(corpora), joint_rule(corpora)
    marking = MARKINGS[options.marking]
    base = read_base(training.base, options.window)
    _check_base(base, training.base)
    _add_embeddings(base, len(add_markers(base.tokenizer, marking)))
    base.config.hidden_dropout_prob, base.config.attention_probs_dropout_prob = training.dropout, 0.0
    network = MarkedNetwork(base.config, len(labels), base.encoder).to(machine.device)
    padding = special_ids(base.tokenizer, base.config)[2]
    reader = PairReader(base.tokenizer, marking, options.window)
    examples = [example for one in corpora for example in make_marked_examples(one, labels, options.nearest, reader)]
    related = sum(bool(one.label) for one in examples)
    if not related:
        raise CorpusError("no pair of the corpora is related within its sentences; give other documents with --data")
    share = sampled_share(examples, options.unrelated)

    def plan(epoch: int) -> list[list[int]]:
        return plan_marked_epoch(examples, share, options.base_batch_tokens, training.seed, epoch)

    def loss(batch: list[int]) -> tuple[Tensor, int]:
        return batch_loss(network, [examples[i] for i in batch], padding, machine)

    steps = sum(len(plan(epoch)) for epoch in range(training.epochs))
    log(f"{len(examples):,} pairs, {related:,} of them related; {steps:,} steps")
    identity = json.dumps([asdict(training), steps, len(examples)], sort_keys=True)
    training_plan = TrainingPlan(training.epochs, steps, plan, loss)
    progress = train_network(network, training, training_plan, folder, identity, log, checkpoint_seconds)
    with torch.no_grad():
        # An epoch reads a share of the pairs without a relation, so they look rarer than they are.
        network.classifier.bias[0] += math.log(1 / share)
    progress.save(folder)
    named = tuple((label, "" if label == NONE else label) for label in labels)
    settings = MarkedSettings(
        training.name, named, rule.type_pairs, marking, options.window, rule.max_sentences, nearest=options.nearest
    )
    done = progress.steps, progress.tokens, progress.seconds
    return TrainedMarked(
        network, base.tokenizer, settings, len(examples), related, *done, machine.name, machine.precision
    )


def relation_labels(corpora: Sequence[RelationCorpus]) -> list[str]:
    """`NONE` and the relation types that the corpora declare. Raises CorpusError for one that litmine does not know."""
    for one in corpora:
        if one.declaration is None:
            raise CorpusError(
                f"litmine does not know what {one.path.name} annotates; name its corpus, as in ChemProt={one.path.name}"
            )
    kinds = [kind.name for one in corpora if one.declaration for kind in one.declaration.kinds]
    return [NONE, *dict.fromkeys(kinds)]


def joint_rule(corpora: Sequence[RelationCorpus]) -> PairRule:
    """The pairs that the corpora judge together: all their pairs of types, up to the largest of their distances."""
    rules = [default_rule(one.declaration) for one in corpora if one.declaration]
    pairs = tuple(dict.fromkeys(pair for rule in rules for pair in rule.type_pairs))
    return PairRule(pairs, max((rule.max_sentences or 0 for rule in rules), default=0))


def batch_loss(
    network: MarkedNetwork, examples: Sequence[MarkedExample], padding: int, machine: TrainingDevice
) -> tuple[Tensor, int]:
    """The mean cross-entropy of some examples, and their number of tokens.

    The evidence for a relation type of a pair of identifiers is the log-sum-exp over its pairs of mentions of the logit
    of the type minus that of no relation, so that one pair that says so is enough.
    """
    ids, mask = pad_ids((one for example in examples for one in example.ids), padding)
    with training_precision(machine.device, machine.bf16):
        logits = network(torch.from_numpy(ids).to(machine.device), torch.from_numpy(mask).to(machine.device))
    evidence = logits.float() - logits[:, :1].float()
    counts = [len(example.ids) for example in examples]
    if max(counts) > 1:
        evidence = torch.stack([part.logsumexp(0) for part in evidence.split(counts)])
        evidence = torch.cat([torch.zeros_like(evidence[:, :1]), evidence[:, 1:]], dim=1)
    target = torch.tensor([example.label for example in examples], device=machine.device)
    return cross_entropy(evidence, target), int(mask.sum())


def _check_base(base: PretrainedEncoder, ref: str) -> None:
    if not is_plain_bert(base.config):
        raise ModelError(
            f"{ref} is a {base.config.model_type}, and relations need a BERT to train all layers; use one such as"
            " BioBERT, PubMedBERT, MiniLM or builtin"
        )


@torch.no_grad()
def _add_embeddings(base: PretrainedEncoder, count: int) -> None:
    """Add rows for new tokens: the mean of all embeddings, with a little noise so that they differ."""
    if not count:
        return
    words = base.encoder.get_input_embeddings()
    rows = words.weight.detach()
    new = rows.mean(0) + 0.1 * rows.std(0) * torch.randn(count, rows.shape[1])
    made = torch.nn.Embedding.from_pretrained(torch.cat([rows, new]), freeze=False, padding_idx=words.padding_idx)
    base.encoder.set_input_embeddings(made)
    base.config.vocab_size = len(made.weight)
