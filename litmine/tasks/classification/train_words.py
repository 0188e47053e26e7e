"""Learn the votes of words (`litmine.tasks.classification.word_votes`), and how much they count beside the heads."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from litmine.corpora.held_out import held_out
from litmine.tasks.classification.calibration import target_matrix
from litmine.tasks.classification.pooling import Floats
from litmine.tasks.classification.prepare import Example
from litmine.tasks.classification.settings import ONE, TEXT, Scheme
from litmine.tasks.classification.word_votes import WordVotes, feature_counts

# The penalty is the best of these on a tenth of the articles, drawn by this name; with none there, the middle one.
_PENALTIES = (1e-5, 1e-4, 1e-3)
_CHOOSING = "{article} penalty"
# Rarer words than the most frequent so many are left out.
_MOST_FEATURES = 50_000


class WordTraining:
    """The labelled texts of a training as words. Schemes of sentences have no votes of words."""

    def __init__(self, schemes: Sequence[Scheme], examples: Sequence[Example]) -> None:
        self._schemes, self._examples = schemes, examples
        self._counts = {
            i: feature_counts(one.text.text) for i, one in enumerate(examples) if schemes[one.scheme].unit == TEXT
        }

    def train(self, chosen: Sequence[int]) -> dict[str, WordVotes]:
        """The votes that some of the examples teach, by the name of the scheme."""
        found = {}
        for number, scheme in enumerate(self._schemes):
            own = [i for i in chosen if i in self._counts and self._examples[i].scheme == number]
            if own:
                targets = target_matrix(scheme, [self._examples[i].targets[0] for i in own])
                articles = [self._examples[i].text.article for i in own]
                found[scheme.name] = fit_words([self._counts[i] for i in own], targets, articles, scheme.choice == ONE)
        return found

    def scores(self, votes: Mapping[str, WordVotes], chosen: Sequence[int]) -> dict[int, Floats]:
        """Logits (1, labels) of some of the examples, by number."""
        return {
            i: votes[name].logits(self._examples[i].text.text)
            for i in chosen
            if i in self._counts and (name := self._schemes[self._examples[i].scheme].name) in votes
        }


def fit_words(
    texts: Sequence[Counter[int]], targets: np.ndarray, articles: Sequence[str], one_label: bool
) -> WordVotes:
    """Logistic regression with an L2 penalty. targets: 0 or 1, (texts, labels). Features of one text are left out."""
    known = Counter(feature for one in texts for feature in one)
    often = [feature for feature, count in known.most_common(_MOST_FEATURES) if count > 1]
    features = np.array(sorted(often), dtype=np.int64)
    rarity = np.log(len(texts) / np.array([known[one] for one in features.tolist()], dtype=np.float32))
    none = np.zeros((len(features), targets.shape[1]), dtype=np.float32)
    votes = WordVotes(features, rarity.astype(np.float32), none, none.sum(axis=0))
    inputs = _matrix(votes, texts)
    wanted = torch.from_numpy(targets).float()
    tenth = np.array([held_out(_CHOOSING.format(article=one)) for one in articles])
    penalty = _PENALTIES[1]
    if tenth.any() and not tenth.all():
        rest, choosing = np.flatnonzero(~tenth), np.flatnonzero(tenth)
        losses = [
            float(_loss(_rows(inputs, choosing), wanted[choosing], one_label, *fitted))
            for tried in _PENALTIES
            for fitted in [_fit(_rows(inputs, rest), wanted[rest], one_label, tried)]
        ]
        penalty = _PENALTIES[int(np.argmin(losses))]
    weights, bias = _fit(inputs, wanted, one_label, penalty)
    return WordVotes(features, votes.rarity, weights.numpy(), bias.numpy())


def word_shares(
    schemes: Sequence[Scheme], examples: Sequence[Example], heads: Mapping[int, Floats], words: Mapping[int, Floats]
) -> dict[str, float]:
    """For each scheme, the factor that gives the votes of words the same weight as the heads.

    heads, words: logits of both for examples that neither learnt from, by number. With the factor, both differ as much
    from text to text. It is 0 where the words tell nothing.
    """
    found = {}
    for number, scheme in enumerate(schemes):
        own = [i for i in words if i in heads and examples[i].scheme == number]
        if own:
            of_heads, of_words = (_spread(scheme, np.concatenate([one[i] for i in own])) for one in (heads, words))
            found[scheme.name] = of_heads / of_words if of_words > 0 else 0.0
    return found


def _spread(scheme: Scheme, logits: Floats) -> float:
    """How much logits differ from text to text: the mean of the labels' standard deviations."""
    # Where one label is chosen, a logit counts beside those of the others.
    if scheme.choice == ONE:
        logits = logits - logits.mean(axis=1, keepdims=True)
    return float(logits.std(axis=0).mean())


def _matrix(votes: WordVotes, texts: Sequence[Counter[int]]) -> Tensor:
    """The values of the features, (texts, features)."""
    found = [votes.values(one) for one in texts]
    rows = np.repeat(np.arange(len(texts)), [len(places) for places, _ in found])
    index = torch.from_numpy(np.stack([rows, np.concatenate([places for places, _ in found])]))
    values = torch.from_numpy(np.concatenate([values for _, values in found]))
    shape = (len(texts), len(votes.features))
    return torch.sparse_coo_tensor(index, values, shape, check_invariants=True).coalesce()


def _rows(matrix: Tensor, rows: np.ndarray) -> Tensor:
    return matrix.index_select(0, torch.from_numpy(rows)).coalesce()


def _loss(inputs: Tensor, wanted: Tensor, one_label: bool, weights: Tensor, bias: Tensor) -> Tensor:
    logits = torch.sparse.mm(inputs, weights) + bias
    return cross_entropy(logits, wanted.argmax(1)) if one_label else binary_cross_entropy_with_logits(logits, wanted)


def _fit(inputs: Tensor, wanted: Tensor, one_label: bool, penalty: float) -> tuple[Tensor, Tensor]:
    weights = torch.zeros(inputs.shape[1], wanted.shape[1], requires_grad=True)
    bias = torch.zeros(wanted.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=80, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = _loss(inputs, wanted, one_label, weights, bias) + penalty * (weights**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach(), bias.detach()
