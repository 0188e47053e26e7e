"""Other libraries on the same weights and texts, used as their documentation shows; returns seconds without loading."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

from litmine.tasks.ner.network import PlainNetwork

STRIDE = 128
DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}
# Token ids and mask, each (windows, longest), to logits (windows, longest, outputs).
Compute = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]


def hugging_face(model: Path, dtype: torch.dtype, device: torch.device) -> Callable[[Sequence[str], int], float]:
    """Time `token_pipeline` on texts with a batch size."""
    run = token_pipeline(model, dtype, device)
    return lambda texts, size: timed(lambda: run(list(texts), batch_size=size))


def token_pipeline(model: Path, dtype: torch.dtype, device: torch.device) -> Any:
    """`pipeline("token-classification", aggregation_strategy="simple")`, with overlapping windows as in litmine."""
    run = pipeline(
        "token-classification",
        model=str(model),
        aggregation_strategy="simple",
        stride=STRIDE,
        dtype=dtype,
        device=device,
    )
    run(["An allergy to penicillin."] * 2, batch_size=2)
    return run


def ray_data(model: Path, texts: Sequence[str], size: int, threads: int) -> float:
    """Ray Data's `map_batches` with the pipeline in one actor, in float32 on the CPU."""
    import ray  # noqa: TID251 - a peer, not a part

    class Tag:
        def __init__(self) -> None:
            torch.set_num_threads(threads)
            self.run = pipeline("token-classification", model=str(model), aggregation_strategy="simple", stride=STRIDE)

        def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            found = self.run(list(batch["text"]), batch_size=size)
            return {"mentions": np.array([len(entities) for entities in found])}

    ray.init(num_cpus=2, include_dashboard=False, logging_level="error", _node_ip_address="127.0.0.1")
    try:
        data = ray.data.from_items([{"text": text} for text in texts])
        return timed(
            lambda: data.map_batches(Tag, batch_size=64, compute=ray.data.ActorPoolStrategy(size=1)).take_all()
        )
    finally:
        ray.shutdown()


def openvino(model: Path, texts: Sequence[str], size: int, threads: int, precision: str) -> float:
    """OpenVINO's CPU plug-in on batches of texts of similar length; includes tokenization, but no spans."""
    network, tokenizer = _network(model)
    return _batched(texts, size, tokenizer, openvino_network(network, threads, precision))


def openvino_network(network: torch.nn.Module, threads: int, precision: str) -> Compute:
    """A network of token ids and mask, compiled by OpenVINO; precision: f32 or bf16."""
    import openvino

    example = torch.zeros((1, 8), dtype=torch.int64)
    converted = openvino.convert_model(network, example_input=(example, example))
    compiled = openvino.Core().compile_model(
        converted, "CPU", {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads}
    )
    return lambda ids, mask: compiled([ids, mask])[0]


def onnx_runtime(model: Path, texts: Sequence[str], size: int, threads: int, folder: Path, int8: bool) -> float:
    """ONNX Runtime's CPU provider, in float32 or with dynamic int8; includes the same steps as for OpenVINO."""
    network, tokenizer = _network(model)
    return _batched(texts, size, tokenizer, onnx_network(network, threads, folder, int8))


def onnx_network(network: torch.nn.Module, threads: int, folder: Path, int8: bool) -> Compute:
    """A network of token ids and mask in ONNX Runtime; its file is written to a folder."""
    import onnxruntime
    from onnxruntime.quantization import quantize_dynamic

    example, file = torch.ones((2, 8), dtype=torch.int64), folder / "model.onnx"
    axes = {"texts": torch.export.Dim("texts"), "tokens": torch.export.Dim("tokens", max=512)}
    shape = {0: axes["texts"], 1: axes["tokens"]}
    torch.onnx.export(network, (example, example), file, dynamic_shapes=(shape, shape), dynamo=True, verbose=False)
    if int8:
        quantize_dynamic(file, folder / "int8.onnx", per_channel=True, reduce_range=True)
        file = folder / "int8.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options)
    ids_name, mask_name = (model_input.name for model_input in session.get_inputs())
    return lambda ids, mask: session.run(None, {ids_name: ids, mask_name: mask})[0]


def _network(model: Path) -> tuple[torch.nn.Module, Any]:
    classifier = AutoModelForTokenClassification.from_pretrained(model).eval()
    return PlainNetwork(classifier), AutoTokenizer.from_pretrained(model)


def _batched(texts: Sequence[str], size: int, tokenizer: Any, compute: Compute) -> float:
    def run() -> None:
        encoding = tokenizer(list(texts), truncation=True, stride=STRIDE, return_overflowing_tokens=True)
        windows = sorted(encoding["input_ids"], key=len)
        for i in range(0, len(windows), size):
            batch = tokenizer.pad({"input_ids": windows[i : i + size]}, return_tensors="np")
            compute(batch["input_ids"], batch["attention_mask"]).argmax(axis=-1)

    return timed(run)


def timed(run: Callable[[], object]) -> float:
    """Duration of a call in seconds."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
