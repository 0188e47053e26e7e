"""The training of an NER model, from top to bottom: base, heads, batches, steps, folder."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy

from litmine.models.folder import save_folder, special_ids
from litmine.models.heads import Head, Settings
from litmine.models.network import MultiHeadNetwork
from litmine.models.words import WordReader
from litmine.train.base import read_base
from litmine.train.batching import join_passages, make_batches
from litmine.train.checkpoint import writing
from litmine.train.corpora import Corpus
from litmine.train.descent import CHECKPOINT_SECONDS, Course, Machine, arithmetic, descend
from litmine.train.examples import BIO, IGNORED, Batch, Example, collate, join, make_examples, make_heads
from litmine.train.recipe import Recipe
from litmine.train.vocabulary import abstracts, prune_vocabulary

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


def train(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    folder: Path,
    say: Callable[[str], None],
    every: float = CHECKPOINT_SECONDS,
) -> Trained:
    """Train on `corpora` and write the model to `folder`; a run that was killed goes on from its last checkpoint.

    The last checkpoint stays, so that what follows the training can be repeated without it.
    Raises ModelError for a base that cannot be started from, a loss that is no number, and a folder that cannot be
    written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    machine = Machine.here()
    torch.manual_seed(recipe.seed)

    heads = make_heads(corpora, recipe.apart)
    network, tokenizer = _start(recipe, heads, corpora)
    network.to(machine.device)
    special = special_ids(tokenizer, network.config)
    reader = WordReader(tokenizer)
    examples = [make_examples(corpus, heads, recipe.apart, reader, recipe.longest) for corpus in corpora]
    all_examples = [example for own in examples for example in own]

    def plan(epoch: int) -> list[list[Passage]]:
        return plan_epoch(recipe, corpora, examples, epoch)

    def loss(passages: list[Passage]) -> tuple[torch.Tensor, int]:
        batch = collate([join([all_examples[i] for i in passage]) for passage in passages], special)
        return _loss(network, batch, len(heads), machine), int(batch.mask.sum())

    # The number of steps differs a little from epoch to epoch; lengths alone tell it.
    steps = sum(len(plan(epoch)) for epoch in range(recipe.epochs))
    training = json.dumps(asdict(recipe) | {"steps": steps}, sort_keys=True)
    pace = descend(network, recipe, Course(recipe.epochs, steps, plan, loss), folder, training, say, every)

    with writing(folder):
        save_folder(
            folder, network, tokenizer, Settings(recipe.name, heads, recipe.window, recipe.overlap), recipe.int8
        )
        recipe.save(folder / "recipe.json")
        pace.save(folder)
    return Trained(heads, steps, pace.tokens, pace.seconds, machine.name, machine.precision)


def plan_epoch(
    recipe: Recipe, corpora: Sequence[Corpus], examples: Sequence[Sequence[Example]], epoch: int
) -> list[list[Passage]]:
    """The batches of an epoch, in its order, from the lengths of the examples alone."""
    rng = random.Random(f"{recipe.seed} {epoch}")
    passages: list[Passage] = []
    lengths: list[int] = []
    for corpus, own in zip(corpora, examples, strict=True):
        tokens = [len(example.ids) for example in own]
        first = len(lengths)
        lengths += tokens
        if corpus.continuous:
            joined = join_passages(tokens, recipe.passage_tokens, recipe.alone, rng)
            passages += [[first + i for i in passage] for passage in joined]
        else:
            passages += [[first + i] for i in range(len(own))]
    batches = make_batches([sum(lengths[i] for i in passage) for passage in passages], recipe.batch_tokens, rng)
    return [[passages[i] for i in batch] for batch in batches]


def _start(recipe: Recipe, heads: Sequence[Head], corpora: Sequence[Corpus]) -> tuple[MultiHeadNetwork, Tokenizer]:
    """The base's encoder under new heads, its vocabulary pruned if the recipe asks."""
    base = read_base(recipe.base, max(recipe.window, recipe.longest + 2))
    encoder, config, tokenizer = base.encoder, base.config, base.tokenizer
    if recipe.vocabulary:
        texts = [passage.text for corpus in corpora for passage in corpus.passages]
        texts += abstracts(Path(recipe.vocabulary_text)) if recipe.vocabulary_text else []
        tokenizer, rows = prune_vocabulary(
            tokenizer, encoder.get_input_embeddings().weight.data, texts, recipe.vocabulary
        )
        encoder.set_input_embeddings(
            torch.nn.Embedding.from_pretrained(rows.clone(), freeze=False, padding_idx=tokenizer.token_to_id("[PAD]"))
        )
        config.vocab_size, config.pad_token_id = len(rows), tokenizer.token_to_id("[PAD]")
    config.hidden_dropout_prob, config.attention_probs_dropout_prob = recipe.dropout, 0.0
    return MultiHeadNetwork(config, len(heads) * len(BIO), encoder), tokenizer


def _loss(network: MultiHeadNetwork, batch: Batch, heads: int, machine: Machine) -> torch.Tensor:
    """The mean cross-entropy over every word and head that the batch's corpora annotate."""
    device = machine.device
    with arithmetic(device, machine.bf16):
        logits = network(batch.ids.to(device), batch.mask.to(device))
    words = logits[batch.rows.to(device), batch.columns.to(device)].float().view(-1, heads, len(BIO))
    return cross_entropy(words.transpose(1, 2), batch.labels.to(device), ignore_index=IGNORED)
