"""Write the model card (`README.md`): heads, data and licences, scores, weaknesses and the training."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from litmine.corpora.corpus import Corpus, corpus_name
from litmine.corpora.registry import registry
from litmine.specs import BUILTIN, spec_by_name
from litmine.tasks.ner.confidence import RESAMPLES
from litmine.tasks.ner.error_analysis import KINDS, count_kinds
from litmine.tasks.ner.recipe import TaggerRecipe
from litmine.tasks.ner.report import EvaluationReport
from litmine.tasks.ner.settings import TASK, Head, TaggerSettings
from litmine.tasks.ner.train import TaggerTrainingSummary
from litmine.tasks.registry import identify_folder
from litmine.training.base_licence import UNKNOWN_LICENCE, base_licence
from litmine.training.card_text import counted, describe_base_data, format_duration
from litmine.versions import __version__

_CARD = """\
# {name}

Finds {types} in biomedical titles and abstracts. `{model}`, trained with litmine {version}.
{trunk}
## Heads

{use}

| head | default | trained on | why |
|---|---|---|---|
{heads}

## Data and its terms

| corpus | passages | mentions | annotates | licence | terms |
|---|---|---|---|---|---|
{corpora}{unlabelled}
| {base} (base encoder) | – | – | – | {base_terms} | – |

The terms of the training data also apply to users of the weights.

## Scores

Percent, exact match of span and type, on the dev split of each corpus. Every sentence or document is tagged separately,
in float32, by the heads trained on that corpus. The 95 % interval of F1 comes from {resamples:,} bootstrap resamples of
the sentences or documents. It is somewhat too narrow for sentences, because sentences of one abstract are similar. No
test split was used.{choices}

`litmine evaluate {task}` computes in the precision of the device. In bf16 F1 differs a little;
`--precision float32` gives the figures below.{base_data}

{scores}

## Weaknesses

The most frequent kind of error of each head on these dev splits.{examples}

{mistakes}

## Recipe

{recipe}

Weights are stored in {bits}. A window has {window} tokens; consecutive windows of a longer text overlap by at least
{overlap} tokens.

## To be completed by the author

- Intended use: –
- Out of scope: –
- Other evaluations: –
- Contact: –
- Citation: –
"""
_DEFAULT_HEADS = """\
Each head labels every word for one entity type. `annotate` uses the default heads, one per type. A non-default head
belongs to a corpus with an annotation guideline that differs from the type's other corpora."""
_ALL_HEADS = """\
Each head labels every word for one type of mention, by the annotation guideline of one corpus. `annotate` uses all."""
_EXAMPLES = " `litmine evaluate ner --errors` shows examples."
# True of the built-in model alone: whoever trains another chooses its settings.
_CHOICES = (
    " The default window was chosen on the dev documents of NCBI-disease and BC5CDR; `docs/decisions/` of litmine lists"
    " the other choices made on dev splits."
)
_TRAINING = """\
{start}; {epochs}, {steps} of up to {batch_tokens:,} tokens, AdamW, learning rate
{learning_rate:g}, dropout {dropout:g}, seed {seed}; all settings are in `recipe.json`{place}. {tokens:,} tokens in
{duration} on {device} ({precision}), at {rate:,.0f} tokens/s. {runs}{extras}"""
_MEAN = "The weights are the mean of {runs} runs, each with its own seed; steps, tokens and time are those of all."
_SCORES = """\
| corpus (dev) | type | precision | recall | F1 | 95 % interval | mentions |
|---|---|---|---|---|---|---|
"""
_UNMEASURED = "Not measured: no corpus has a dev split."


def write_card(
    folder: Path,
    trainings: Sequence[tuple[TaggerRecipe, TaggerTrainingSummary]],
    corpora: Sequence[Corpus],
    reports: Sequence[EvaluationReport],
) -> None:
    """Write `README.md` into the model's folder.

    `trainings` are the recipes in the order they were run, with the summary of each training. `corpora` are those of
    all recipes, `reports` those of the dev splits.
    """
    first, _ = trainings[0]
    recipe, trained = trainings[-1]
    settings, spec = TaggerSettings.load(folder), spec_by_name(recipe.task)
    references = {corpus_name(reference): reference for one, _ in trainings for reference in one.corpora}
    card = _CARD.format(
        name=recipe.name,
        types=", ".join(dict.fromkeys(_type(head) for head in trained.heads if head.default)),
        model=identify_folder(spec, folder, folder.name),
        use=_ALL_HEADS if recipe.every_guideline else _DEFAULT_HEADS,
        task=recipe.task,
        examples=_EXAMPLES if recipe.task == TASK else "",
        version=__version__,
        heads=_rows(
            (head.name, "yes" if head.default else "no", ", ".join(head.corpora), _why(head, trained.heads, recipe))
            for head in trained.heads
        ),
        corpora=_rows(
            (corpus.name, len(corpus.passages), _mentions(corpus), *_terms(corpus, references[corpus.name]))
            for corpus in corpora
        ),
        unlabelled=_unlabelled_rows([one for one, _ in trainings]),
        resamples=RESAMPLES,
        choices=_CHOICES if recipe.name == BUILTIN else "",
        base_data=describe_base_data(first.base, first.base_name, [corpus.name for corpus in corpora], recipe.task),
        scores=_SCORES + _rows(_score_rows(reports)) if reports else _UNMEASURED,
        mistakes="\n".join(_weakness(head, reports) for head in trained.heads) if reports else _UNMEASURED,
        base=first.base_name,
        base_terms=base_licence(first.base),
        recipe="\n\n".join(_training_paragraphs(trainings)),
        bits="8 bits with one scale per row" if recipe.int8 else "float32",
        trunk=_trunk_paragraph(settings),
        window=settings.window,
        overlap=settings.overlap,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _trunk_paragraph(settings: TaggerSettings) -> str:
    """What the model shares with others; empty for a model with an encoder of its own."""
    link = settings.trunk
    if link is None:
        return ""
    place = "its last layer" if link.after is None else f"its layer {link.after}"
    layers = counted(link.layers, "layers")
    return (
        f"\nThe tokenizer, the embeddings and the lower layers are in `{Path(link.reference).name}@{link.digest}`.\n"
        f"This folder has {layers} after {place}, and the heads.\n"
    )


def _terms(corpus: Corpus, reference: str) -> tuple[str, str, str]:
    """What a corpus annotates, its licence and its terms, from the registry if it is there."""
    entries = registry()
    entry = entries.get(corpus.name) or entries.get(Path(reference.rpartition("=")[2]).name)
    return (
        (entry.guideline, entry.licence, entry.terms)
        if entry
        else (", ".join(corpus.entity_types), UNKNOWN_LICENCE, "–")
    )


def _unlabelled_rows(recipes: Iterable[TaggerRecipe]) -> str:
    """A row for each file of unlabelled texts that pretraining or teachers used."""
    used = [
        recipe.unlabelled for recipe in recipes if recipe.unlabelled and (recipe.pretrain_tokens or recipe.teachers)
    ]
    rows = [
        (f"{Path(file).name} (unlabelled texts)", "–", "–", "–", UNKNOWN_LICENCE, "–") for file in dict.fromkeys(used)
    ]
    return "".join("\n" + _rows([row]) for row in rows)


def _training_paragraphs(trainings: Sequence[tuple[TaggerRecipe, TaggerTrainingSummary]]) -> Iterator[str]:
    """A paragraph about each training, in order."""
    for number, (recipe, trained) in enumerate(trainings, 1):
        yield _TRAINING.format(
            start=f"Base `{recipe.base_name}`"
            if number == 1
            else "Then continued from the weights and heads of that model",
            place="" if number == len(trainings) else ", under `first`",
            epochs=counted(recipe.epochs, "epochs"),
            steps=counted(trained.steps, "steps"),
            batch_tokens=recipe.batch_tokens,
            learning_rate=recipe.learning_rate,
            dropout=recipe.dropout,
            seed=recipe.seed,
            tokens=trained.tokens,
            duration=format_duration(trained.seconds),
            rate=trained.tokens / max(trained.seconds, 1e-9),
            device=trained.device,
            precision=trained.precision,
            runs=_MEAN.format(runs=recipe.averaged) if recipe.averaged > 1 else "One run, one seed.",
            extras=_extras(recipe),
        )


def _extras(recipe: TaggerRecipe) -> str:
    """Sentences about pretraining, teachers and interpolation with the base."""
    sentences = (
        [f" Before that, the encoder was pretrained on {recipe.pretrain_tokens:,} tokens of masked words."]
        if recipe.pretrain_tokens
        else []
    )
    if recipe.teachers:
        sentences.append(
            f" Where no corpus annotates a type, it learnt the mean probabilities of {recipe.teachers} teachers,"
            " which are models of the same recipe with other seeds."
        )
    if recipe.base_weight_share:
        sentences.append(
            f" The final weights are a weighted mean: {recipe.base_weight_share:.0%} base, the rest trained."
        )
    return "".join(sentences)


def _why(head: Head, heads: Sequence[Head], recipe: TaggerRecipe) -> str:
    """Why a head is a default head or not."""
    shared = _type(head)
    if recipe.every_guideline:
        return "the guideline of its corpus"
    if head.judged and head.name != shared:
        return "separate, because the corpus follows another guideline; evaluations judge it on its own corpora"
    if head.judged:
        return "shared by all corpora of the type without separate heads; evaluations judge it on other corpora"
    if head.name == shared:
        return "shared by all corpora of the type without separate heads"
    if head.default and any(one.judged and one.name == _type(one) == shared for one in heads):
        return "the preferred guideline of the type"
    if head.default:
        return "the type has no shared head, and this corpus is the first"
    other = next(one.name for one in heads if one.default and _type(one) == shared)
    return f"separate, because the corpus follows another guideline than `{other}`"


def _score_rows(reports: Sequence[EvaluationReport]) -> Iterable[Sequence[object]]:
    for report in reports:
        for kind, figures in report.scores.items():
            if kind != "micro" or len(report.scores) > 2:
                low, high = report.intervals[kind]["f1"]
                shown = (figures["precision"], figures["recall"], figures["f1"], f"{low:.1f} to {high:.1f}")
                yield report.ours.corpus.name, kind, *shown, int(figures["support"])


def _weakness(head: Head, reports: Sequence[EvaluationReport]) -> str:
    """A line about a head's most frequent kind of error, on the dev splits of the corpora it was trained on."""
    relevant = [
        report
        for report in reports
        if report.ours.corpus.name in head.corpora and _type(head) in report.ours.corpus.entity_types
    ]
    mistakes = [mistake for report in relevant for mistake in report.mistakes if _type(head) in mistake.entity_types]
    if not mistakes:
        return f"- {head.name}: {'no errors' if relevant else 'not measured, no dev split annotates the type'}"
    kind, count = max(count_kinds(mistakes).items(), key=lambda item: item[1])
    share = f"{100 * count / len(mistakes):.0f} % of its {len(mistakes):,} errors are"
    return f"- {head.name}: {'its only error is' if len(mistakes) == 1 else share} `{kind}` ({KINDS[kind]})"


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
