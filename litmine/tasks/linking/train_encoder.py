"""Train the encoder of names on synonyms, and on mentions of training documents with the names of their concepts."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from litmine.tasks.linking.encoder import LONGEST, NameEncoder, padded

_TEMPERATURE = 0.05
_BACKWARD_SHARE = 0.5
_IMPOSSIBLE = -1e4
_WARM_UP = 40
_CHUNKS = 4


@dataclass(frozen=True, slots=True)
class Synonyms:
    """What the encoder learns from.

    names: the names of each concept. neighbours: for a concept, others with similar names, which are the hard cases.
    mentions: pairs of a mention and its concept.
    """

    names: Mapping[str, Sequence[str]]
    neighbours: Mapping[str, Sequence[str]]
    mentions: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """Steps of training, concepts and mentions in a step, the highest learning rate, and the random seed.

    groups: concepts drawn in a step, each with up to `neighbours` of its neighbours. mentions: mentions in a step.
    """

    steps: int = 3000
    groups: int = 22
    neighbours: int = 6
    mentions: int = 72
    learning_rate: float = 2e-3
    seed: int = 0


@dataclass(slots=True)
class _Batch:
    """Pairs of names of one concept each."""

    first: list[str] = field(default_factory=list)
    second: list[str] = field(default_factory=list)
    concepts: list[str] = field(default_factory=list)

    def add(self, first: str, second: str, concept: str) -> None:
        self.first.append(first)
        self.second.append(second)
        self.concepts.append(concept)


def train_encoder(
    encoder: NameEncoder,
    tokenizer: Tokenizer,
    synonyms: Synonyms,
    settings: EncoderSettings,
    report: Callable[[int, float], None] = lambda _step, _loss: None,
) -> None:
    """Train an encoder in place. The rate rises for a few steps and falls to 0 in a straight line.

    The loss is that of telling a name's synonym from all other names of the step (InfoNCE), both ways; names of one
    concept are never each other's negatives. van den Oord et al., arXiv 1807.03748. `report` gets step and loss.
    """
    torch.manual_seed(settings.seed)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98))
    encoder.train()
    for step, batch in enumerate(_batches(synonyms, settings)):
        rate = settings.learning_rate * min((step + 1) / _WARM_UP, 1 - step / settings.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        vectors = _encode(encoder, tokenizer, [*batch.first, *batch.second])
        loss = synonym_loss(vectors[: len(batch.first)], vectors[len(batch.first) :], batch.concepts)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        report(step, loss.item())
    encoder.eval()


def synonym_loss(first: Tensor, second: Tensor, concepts: Sequence[str]) -> Tensor:
    """The loss of pairs of vectors, a row of each per pair; `concepts` are the pairs' concepts."""
    numbers = {concept: number for number, concept in enumerate(dict.fromkeys(concepts))}
    of_pair = torch.tensor([numbers[concept] for concept in concepts])
    same = of_pair[:, None] == of_pair[None, :]
    same.fill_diagonal_(False)
    scores = (first @ second.T / _TEMPERATURE).masked_fill(same, _IMPOSSIBLE)
    target = torch.arange(len(concepts))
    return functional.cross_entropy(scores, target) + _BACKWARD_SHARE * functional.cross_entropy(scores.T, target)


def _batches(synonyms: Synonyms, settings: EncoderSettings) -> Iterator[_Batch]:
    """A batch per step: groups of concepts with similar names, and mentions, each with neighbours of its concept."""
    chosen = random.Random(settings.seed)
    concepts = sorted(synonyms.names)
    # A concept with many names is drawn more often; one without synonyms seldom.
    weights = [min(len(synonyms.names[concept]), 8) - 0.8 for concept in concepts]
    mentions: dict[str, list[str]] = defaultdict(list)
    for name, concept in synonyms.mentions:
        mentions[concept].append(name)
    known = [pair for pair in synonyms.mentions if pair[1] in synonyms.names]
    for _ in range(settings.steps):
        batch = _Batch()
        for seed in chosen.choices(concepts, weights, k=settings.groups):
            near = [one for one in synonyms.neighbours.get(seed, ()) if one in synonyms.names]
            for concept in dict.fromkeys([seed, *chosen.sample(near, min(len(near), settings.neighbours))]):
                batch.add(*_two_names(synonyms.names[concept], chosen), concept)
        for name, concept in chosen.sample(known, min(len(known), settings.mentions)):
            pool = [*synonyms.names[concept], *mentions[concept]]
            others = [one for one in pool if one != name] or pool
            batch.add(name, chosen.choice(others), concept)
        yield batch


def _two_names(names: Sequence[str], chosen: random.Random) -> tuple[str, str]:
    """Two names of a concept, inverted ones (`Neoplasms, Breast`) in their natural order half of the time."""
    if len(names) == 1:
        return names[0], " ".join(reversed(names[0].split(", ")))
    pair = chosen.sample(names, 2)
    first, second = (" ".join(reversed(one.split(", "))) if chosen.random() < 0.5 else one for one in pair)
    return first, second


def _encode(encoder: NameEncoder, tokenizer: Tokenizer, names: Sequence[str]) -> Tensor:
    """The vectors of names, in chunks of about one length, so that little padding is computed."""
    ids = [encoded.ids[:LONGEST] for encoded in tokenizer.encode_batch(list(names))]
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    size = -(-len(order) // _CHUNKS)
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    vectors = torch.cat([encoder(padded([ids[row] for row in chunk])) for chunk in chunks])
    places = torch.empty(len(order), dtype=torch.int64)
    places[torch.tensor(order)] = torch.arange(len(order))
    return vectors[places]
