"""The training of an NER model, from top to bottom: base, heads, epochs, folder."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModel

from litmine.errors import ModelError
from litmine.models.folder import loading, positions, read_network, read_tokenizer, save_folder, special_ids
from litmine.models.heads import SETTINGS_FILE, Head, Settings
from litmine.models.network import MultiHeadNetwork, bfloat16_is_fast
from litmine.models.registry import locate
from litmine.models.words import WordReader
from litmine.train.checkpoint import drop_checkpoint, load_checkpoint, save_checkpoint
from litmine.train.corpora import Corpus
from litmine.train.dropout import set_dropout
from litmine.train.examples import BIO, IGNORED, Batch, Example, batches, make_examples, make_heads, pass_over
from litmine.train.pace import Pace
from litmine.train.recipe import Recipe
from litmine.train.vocabulary import abstracts, prune_vocabulary


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training did, for the card: seconds and tokens of this run, steps of all, and on what."""

    heads: tuple[Head, ...]
    steps: int
    tokens: int
    seconds: float
    device: str
    precision: str


def train(recipe: Recipe, corpora: Sequence[Corpus], folder: Path, say: Callable[[str], None]) -> Trained:
    """Train on `corpora` and write the model to `folder`; a run that was killed goes on from its last epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    bf16 = bfloat16_is_fast(device)
    torch.manual_seed(recipe.seed)

    heads = make_heads(corpora, recipe.apart)
    network, tokenizer = _start(recipe, heads, corpora)
    network.to(device)
    random_bytes = set_dropout(network, recipe.dropout, device)
    special = special_ids(tokenizer, network.config)
    reader = WordReader(tokenizer)
    examples = [make_examples(corpus, heads, recipe.apart, reader, recipe.longest) for corpus in corpora]

    optimizer = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    resolved = json.dumps(asdict(recipe), sort_keys=True)
    done = load_checkpoint(folder, network, optimizer, resolved)
    if done:
        say(f"going on after epoch {done} of {recipe.epochs}")
    # The number of steps differs a little from epoch to epoch; a dry pass over each gives the schedule its length.
    plan = [sum(1 for _ in _epoch(recipe, corpora, examples, special, epoch)) for epoch in range(recipe.epochs)]
    total, step = sum(plan), sum(plan[:done])

    pace = Pace(total, step, say)
    network.train()
    for epoch in range(done, recipe.epochs):
        # Order and dropout of an epoch depend on the seed and the epoch alone, so a resumed run is the same run.
        torch.manual_seed(recipe.seed * 1_000 + epoch)
        random_bytes.seed(recipe.seed * 1_000 + epoch)
        for batch in _epoch(recipe, corpora, examples, special, epoch):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * _schedule(step, total, recipe.warmup)
            loss = _loss(network, batch, len(heads), device, bf16)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            pace.step(int(batch.mask.sum()), float(loss.detach()))
        save_checkpoint(folder, network, optimizer, epoch + 1, resolved)
        say(f"epoch {epoch + 1} of {recipe.epochs} is done: loss {pace.loss:.4f}")

    settings = Settings(recipe.name, heads, recipe.window, recipe.overlap)
    save_folder(folder, network, tokenizer, settings, recipe.int8)
    recipe.save(folder / "recipe.json")
    drop_checkpoint(folder)
    return Trained(heads, total, pace.tokens, pace.seconds, _device_name(device), "bf16" if bf16 else "float32")


def _start(recipe: Recipe, heads: Sequence[Head], corpora: Sequence[Corpus]) -> tuple[MultiHeadNetwork, Tokenizer]:
    """The base's encoder under new heads, its vocabulary pruned if the recipe asks."""
    base, _ = locate(recipe.base)
    with loading(base):
        if (base / SETTINGS_FILE).is_file():
            own = read_network(base, Settings.load(base))
            encoder, config = own.encoder, own.config
        else:
            config = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
            encoder = AutoModel.from_pretrained(base, config=config, use_safetensors=True, local_files_only=True)
        tokenizer = read_tokenizer(base)
    needed = max(recipe.window, recipe.longest + 2)
    if positions(config) < needed:
        raise ModelError(
            f"{recipe.base} reads at most {positions(config)} tokens at a time and the recipe needs {needed};"
            " start from a base that reads as many"
        )
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


def _epoch(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    examples: Sequence[Sequence[Example]],
    special: tuple[int, int, int],
    epoch: int,
) -> Iterator[Batch]:
    rng = random.Random(f"{recipe.seed} {epoch}")
    passages: list[Example] = []
    for corpus, own in zip(corpora, examples, strict=True):
        passages += pass_over(own, recipe.passage_tokens, recipe.alone, rng) if corpus.continuous else own
    return batches(passages, recipe.batch_tokens, special, rng)


def _loss(network: MultiHeadNetwork, batch: Batch, heads: int, device: torch.device, bf16: bool) -> torch.Tensor:
    """The mean cross-entropy over every word and head that the batch's corpora annotate."""
    # The CPU's flash kernel is slow backwards: 78 ms a layer against 12 for plain products (46 passages of 80 tokens).
    kernel = sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()
    with torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext(), kernel:
        logits = network(batch.ids.to(device), batch.mask.to(device))
    words = logits[batch.rows.to(device), batch.columns.to(device)].float().view(-1, heads, len(BIO))
    return cross_entropy(words.transpose(1, 2), batch.labels.to(device), ignore_index=IGNORED)


def _schedule(step: int, total: int, warmup: float) -> float:
    """Linear up over the warm-up, linear down to nothing."""
    up = max(1, round(total * warmup))
    return (step + 1) / up if step < up else (total - step) / max(1, total - up)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
