"""A model artifact with random weights and all that makes a BERT's last bits vary: attention, norms, padding."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from models.files import MODEL, TOKENIZER
from models.manifest import Head, Manifest, hash_files, write_manifest

WORDS = [f"w{i}" for i in range(200)]
HIDDEN, HEADS, TOPICS, SENTIMENTS, MAX_TOKENS = 64, 4, 20, 3, 48

GRAPH = """
<ir_version: 9, opset_import: ["" : 17]>
tiny (int64[batch, tokens] input_ids, int64[batch, tokens] attention_mask, int64[batch, tokens] token_type_ids)
  => (float[batch, 20] topic_logits, float[batch, 3] sentiment_logits)
{
  words = Cast <to = 1> (words16)
  embedded = Gather (words, input_ids)
  segments = Gather (types, token_type_ids)
  summed = Add (embedded, segments)
  x = LayerNormalization <axis = -1> (summed, gain, shift)
  mask = Cast <to = 1> (attention_mask)
  kept = Sub (one, mask)
  hidden_by = Mul (kept, lowest)
  bias = Unsqueeze (hidden_by, axes12)
  q0 = MatMul (x, wq)  q1 = Reshape (q0, split)  q = Transpose <perm = [0, 2, 1, 3]> (q1)
  k0 = MatMul (x, wk)  k1 = Reshape (k0, split)  k = Transpose <perm = [0, 2, 3, 1]> (k1)
  v0 = MatMul (x, wv)  v1 = Reshape (v0, split)  v = Transpose <perm = [0, 2, 1, 3]> (v1)
  scores = MatMul (q, k)
  masked = Add (scores, bias)
  weights = Softmax <axis = -1> (masked)
  attended = MatMul (weights, v)
  joined = Transpose <perm = [0, 2, 1, 3]> (attended)
  flat = Reshape (joined, merge)
  skip = Add (x, flat)
  y = LayerNormalization <axis = -1> (skip, gain, shift)
  wide = Unsqueeze (mask, axis2)
  real = Mul (y, wide)
  total = ReduceSum <keepdims = 0> (real, axis1)
  count = ReduceSum <keepdims = 0> (wide, axis1)
  pooled = Div (total, count)
  topic_logits = Gemm (pooled, topic, topic_shift)
  sentiment_logits = Gemm (pooled, sentiment, sentiment_shift)
}
"""


def write_tiny_bert(folder: Path, seed: int = 0) -> Path:
    """Write the artifact; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph(seed), folder / MODEL)
    tokenizer().save(str(folder / TOKENIZER))
    manifest = Manifest(
        name="tiny",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        heads={
            "topic": Head(tuple(f"topic {i}" for i in range(TOPICS)), "topic_logits"),
            "sentiment": Head(("negative", "neutral", "positive"), "sentiment_logits"),
        },
        max_tokens=MAX_TOKENS,
        base_model="none",
        pooling="mean",
        opset=17,
        seed=seed,
        files=hash_files(folder),
    )
    write_manifest(folder, manifest)
    return folder


def graph(seed: int) -> onnx.ModelProto:
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> np.ndarray:
        return rng.normal(0, 1 / np.sqrt(shape[0]), shape).astype(np.float32)

    constants = {
        "words16": rng.normal(0, 1, (len(WORDS) + 4, HIDDEN)).astype(np.float16),
        "types": random(2, HIDDEN),
        "gain": np.ones(HIDDEN, np.float32),
        "shift": random(HIDDEN),
        "one": np.array(1, np.float32),
        "lowest": np.array(-1e4, np.float32),
        "axis1": np.array([1]),
        "axis2": np.array([2]),
        "axes12": np.array([1, 2]),
        "split": np.array([0, 0, HEADS, HIDDEN // HEADS]),
        "merge": np.array([0, 0, HIDDEN]),
        **{name: random(HIDDEN, HIDDEN) for name in ("wq", "wk", "wv")},
        "topic": random(HIDDEN, TOPICS),
        "topic_shift": random(TOPICS),
        "sentiment": random(HIDDEN, SENTIMENTS),
        "sentiment_shift": random(SENTIMENTS),
    }
    model = parser.parse_model(GRAPH)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    onnx.checker.check_model(model)
    return model


def tokenizer() -> Tokenizer:
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return made
