"""The model card, written beside the weights from what was done and measured."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from litmine.corpora.corpus import Corpus, corpus_name
from litmine.corpora.registry import registry
from litmine.tasks.ner.confidence import RESAMPLES
from litmine.tasks.ner.error_analysis import KINDS, count_kinds
from litmine.tasks.ner.recipe import Recipe
from litmine.tasks.ner.report import Report
from litmine.tasks.ner.settings import Head, identify
from litmine.tasks.ner.train import Trained
from litmine.training.base_terms import OWNER, base_terms
from litmine.versions import __version__

_CARD = """\
# {name}

Finds {types} in biomedical titles and abstracts. `{model}`, made by litmine {version}.

## Heads

One head a type, over every word; `annotate` uses the default ones. A head that is not a default one is what a corpus
got whose guideline marks other things than the other corpora of that type.

| head | default | learnt from | why |
|---|---|---|---|
{heads}

## Data and its terms

| corpus | passages | mentions | marks | licence | terms |
|---|---|---|---|---|---|
{corpora}{unlabelled}
| {base} (the encoder to start from) | – | – | – | {base_terms} | – |

Whoever uses the weights is bound by the terms of the data that they learnt from.

## Scores

Exact span and type, in percent, on each corpus' dev split, every sentence or document read alone, in float32, by the
heads that learnt from the corpus. The interval is the 95 % one of F1, from {resamples:,} bootstrap resamples of the
sentences or documents; sentences of one abstract resemble each other, so it is rather too narrow. No test split was
read. The default window was chosen on the dev documents of NCBI-disease and BC5CDR; what else a dev split decided,
litmine's `docs/decisions.md` says.

{scores}

## What it is bad at

The most frequent class of mistake of each head on those dev splits; `litmine evaluate ner --errors` shows them.

{mistakes}

## Recipe

{recipe}

Weights are kept in {bits}. A window is {window} tokens; the windows of a longer text share at least {overlap}.

## What a person may add

- Meant for: –
- Not meant for: –
- Tried on, and how it did: –
- Contact: –
- To be cited as: –
"""
_MADE = """\
{start}; {epochs} epochs, {steps:,} steps of up to {batch_tokens:,} tokens, AdamW, learning rate
{learning_rate:g}, dropout {dropout:g}, seed {seed}; every setting is in `recipe.json`{place}. {tokens:,} tokens in
{minutes:.0f} minutes on {device} ({precision}), at {rate:,.0f} tokens/s. One run, one seed.{beside}"""
_SCORES = """\
| corpus (dev) | type | precision | recall | F1 | 95 % interval | mentions |
|---|---|---|---|---|---|---|
"""
_UNMEASURED = "Nothing was measured: no corpus has a dev split."


def write_card(
    folder: Path, made: Sequence[tuple[Recipe, Trained]], corpora: Sequence[Corpus], reports: Sequence[Report]
) -> None:
    """Write `README.md` into the model's folder.

    `made` are the recipes that made it, one after another, and what each did; `corpora` those of all of them, `reports`
    of dev splits.
    """
    first, _ = made[0]
    recipe, trained = made[-1]
    places = {corpus_name(reference): reference for one, _ in made for reference in one.corpora}
    card = _CARD.format(
        name=recipe.name,
        types=", ".join(_type(head) for head in trained.heads if head.default),
        model=identify(folder, folder.name),
        version=__version__,
        heads=_rows(
            (head.name, "yes" if head.default else "no", ", ".join(head.corpora), _why(head, trained.heads))
            for head in trained.heads
        ),
        corpora=_rows(
            (corpus.name, len(corpus.passages), _mentions(corpus), *_terms(corpus, places[corpus.name]))
            for corpus in corpora
        ),
        unlabelled=_unlabelled([one for one, _ in made]),
        resamples=RESAMPLES,
        scores=_SCORES + _rows(_scores(reports)) if reports else _UNMEASURED,
        mistakes="\n".join(_worst(head, reports) for head in trained.heads) if reports else _UNMEASURED,
        base=first.base_name,
        base_terms=base_terms(first.base),
        recipe="\n\n".join(_made(made)),
        bits="8 bits, a scale a row" if recipe.int8 else "float32",
        window=recipe.window,
        overlap=recipe.overlap,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _terms(corpus: Corpus, reference: str) -> tuple[str, str, str]:
    """What a corpus marks, its licence and its terms, as the registry has them."""
    known = registry()
    entry = known.get(corpus.name) or known.get(Path(reference.rpartition("=")[2]).name)
    return (entry.guideline, entry.licence, entry.terms) if entry else (", ".join(corpus.entity_types), OWNER, "–")


def _unlabelled(recipes: Iterable[Recipe]) -> str:
    """The row of the texts that nobody annotated, if they taught the model anything."""
    read = [recipe.unlabelled for recipe in recipes if recipe.unlabelled and (recipe.pretrain or recipe.teachers)]
    rows = [(f"{Path(one).name} (texts alone)", "–", "–", "–", OWNER, "–") for one in dict.fromkeys(read)]
    return "".join("\n" + _rows([row]) for row in rows)


def _made(made: Sequence[tuple[Recipe, Trained]]) -> Iterator[str]:
    """A paragraph on each recipe, in their order."""
    for number, (recipe, trained) in enumerate(made, 1):
        yield _MADE.format(
            start=f"Base `{recipe.base_name}`" if number == 1 else "Then, from that model's weights and heads",
            place="" if number == len(made) else ", under `first`",
            epochs=recipe.epochs,
            steps=trained.steps,
            batch_tokens=recipe.batch_tokens,
            learning_rate=recipe.learning_rate,
            dropout=recipe.dropout,
            seed=recipe.seed,
            tokens=trained.tokens,
            minutes=trained.seconds / 60,
            rate=trained.tokens / max(trained.seconds, 1e-9),
            device=trained.device,
            precision=trained.precision,
            beside=_beside(recipe),
        )


def _beside(recipe: Recipe) -> str:
    """What came before those steps, and what after them."""
    before = [f" Before that came {recipe.pretrain:,} tokens of masked words."] if recipe.pretrain else []
    if recipe.teachers:
        before.append(
            f" Where no corpus annotates, it learnt the mean opinion of {recipe.teachers} models of the same recipe and"
            " other seeds."
        )
    if recipe.base_weight_share:
        before.append(f" {recipe.base_weight_share:.0%} of the weights are those that it began with.")
    return "".join(before)


def _why(head: Head, heads: Sequence[Head]) -> str:
    """Why a head is a default one, or is not."""
    shared = _type(head)
    if head.name == shared:
        return "shared by the corpora of the type that are not kept apart"
    if head.default:
        return "no head of the type is shared, and this corpus came first"
    other = next(one.name for one in heads if one.default and _type(one) == shared)
    return f"kept apart, as the corpus follows another guideline than `{other}`"


def _scores(reports: Sequence[Report]) -> Iterable[Sequence[object]]:
    for report in reports:
        for kind, figures in report.scores.items():
            if kind != "micro" or len(report.scores) > 2:
                low, high = report.intervals[kind]["f1"]
                shown = (figures["precision"], figures["recall"], figures["f1"], f"{low:.1f} to {high:.1f}")
                yield report.ours.corpus.name, kind, *shown, int(figures["support"])


def _worst(head: Head, reports: Sequence[Report]) -> str:
    """A line on a head's most frequent class of mistake, over the dev splits of the corpora that it learnt from."""
    judged = [
        report
        for report in reports
        if report.ours.corpus.name in head.corpora and _type(head) in report.ours.corpus.entity_types
    ]
    made = [mistake for report in judged for mistake in report.mistakes if _type(head) in mistake.entity_types]
    if not made:
        return f"- {head.name}: {'no mistake' if judged else 'not measured, as no dev split marks any'}"
    kind, count = max(count_kinds(made).items(), key=lambda item: item[1])
    return f"- {head.name}: {100 * count / len(made):.0f} % of its {len(made):,} mistakes are `{kind}` ({KINDS[kind]})"


def _type(head: Head) -> str:
    return head.labels[1].partition("-")[2]


def _mentions(corpus: Corpus) -> int:
    return sum(len(passage.spans) for passage in corpus.passages)


def _rows(rows: Iterable[Sequence[object]]) -> str:
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", r"\|")
