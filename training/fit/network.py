"""One encoder, mean pooling, a linear head per question; and the tokeniser that belongs to it."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.utils import logging as transformers_logging

from models.batching import padded
from models.text import normalise
from models.tokens import CHARACTERS_PER_TOKEN
from training.config import TrainingConfig
from training.data.labelled import Example
from training.errors import TrainingConfigError, TrainingError
from training.fit.base_models import checkpoint_of
from training.fit.batches import UNLABELLED, Encoded


class Network(nn.Module):
    """(batch, tokens) of ids -> for every head (batch, n_labels) of logits, in the order of `sizes`."""

    def __init__(self, encoder: nn.Module, sizes: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.sizes = tuple(sizes)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleList(nn.Linear(encoder.config.hidden_size, size) for size in sizes)  # type: ignore[union-attr, arg-type]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
        pooled = self.dropout((hidden * weights).sum(1) / weights.sum(1).clamp(min=1))  # (batch, hidden)
        return tuple(head(pooled) for head in self.heads)


def new_network(config: TrainingConfig) -> tuple[Network, Tokenizer]:
    """The base model with fresh heads, and its tokeniser, set to cut at `max_tokens` and not to pad."""
    transformers_logging.set_verbosity_error()  # it warns of the pooler, which is left out on purpose
    transformers_logging.disable_progress_bar()
    checkpoint = checkpoint_of(config.base_model)
    try:
        described = AutoConfig.from_pretrained(checkpoint)
    except Exception as error:  # nothing narrower: what is wrong in the file decides
        raise TrainingError(_unloadable(config.base_model, error)) from error
    _check_family(described, config.base_model)
    try:
        encoder, loaded = AutoModel.from_pretrained(
            checkpoint, dtype=torch.float32, output_loading_info=True, **_no_pooler(checkpoint)
        )
        told = AutoTokenizer.from_pretrained(checkpoint)
        tokenizer: Tokenizer = told.backend_tokenizer
    except Exception as error:  # likewise; KeyError of a tokeniser, UnpicklingError of weights
        raise TrainingError(_unloadable(config.base_model, error)) from error
    missing = sorted(name for name in loaded["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise TrainingError(
            f"base_model {config.base_model!r}: the checkpoint lacks {len(missing)} weights of a "
            f"{encoder.config.model_type}, {missing[0]} for one; training would start from chance"
        )
    _check_tokenizer(tokenizer, told.all_special_tokens, encoder, config)
    tokenizer.enable_truncation(config.max_tokens)
    tokenizer.no_padding()
    return _network(encoder, config), tokenizer


def saved_network(run: Path, config: TrainingConfig) -> tuple[Network, Tokenizer]:
    """The architecture of a training run without its weights. Raises TrainingError."""
    try:
        encoder = AutoModel.from_config(
            AutoConfig.from_pretrained(run / "encoder"), **_no_pooler(str(run / "encoder"))
        )
        return _network(encoder, config), Tokenizer.from_file(str(run / "tokenizer.json"))
    except Exception as error:  # the libraries raise nothing narrower
        raise TrainingError(
            f"{run}: its encoder/ or tokenizer.json is missing or damaged: {error}"
        ) from error


def encode(examples: Sequence[Example], tokenizer: Tokenizer, config: TrainingConfig) -> list[Encoded]:
    """Tokenised as the serving side tokenises: normalised first."""
    heads = {name: i for i, name in enumerate(config.heads)}
    return [
        Encoded(row.tokens, heads[e.head], config.heads[e.head].labels.index(e.label))
        for e, row in zip(examples, encode_texts([e.text for e in examples], tokenizer), strict=True)
    ]


def encode_texts(texts: Sequence[str], tokenizer: Tokenizer) -> list[Encoded]:
    """The same of texts without labels."""
    assert tokenizer.truncation is not None  # noqa: S101 - it was made by new_network
    longest = CHARACTERS_PER_TOKEN * tokenizer.truncation["max_length"]  # cut as in serving: `TextEncoder`
    encodings = tokenizer.encode_batch_fast([normalise(text)[:longest] for text in texts])
    return [Encoded(tuple(encoding.ids), UNLABELLED, UNLABELLED) for encoding in encodings]


def pad_id(encoder: nn.Module) -> int:
    return int(encoder.config.pad_token_id or 0)  # type: ignore[union-attr, arg-type]


def _network(encoder: nn.Module, config: TrainingConfig) -> Network:
    return Network(encoder, [len(h.labels) for h in config.heads.values()], config.hyperparameters.dropout)


def _check_family(described: PretrainedConfig, base_model: str) -> None:
    """BERT's family reads in both directions and learned to fill in masked words; others are not for this network."""
    family, made_as = (
        described.model_type,
        ", ".join(getattr(described, "architectures", None) or ("nothing",)),
    )
    masked = family in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if not masked or described.is_encoder_decoder or getattr(described, "is_decoder", False):
        raise TrainingConfigError(
            f"base_model {base_model!r} is no BERT but a model of the type {family!r}, made as {made_as}; take a "
            "masked language model such as BERT, RoBERTa, DistilBERT or ELECTRA"
        )


def _check_tokenizer(
    tokenizer: Tokenizer, special: Sequence[str], encoder: nn.Module, config: TrainingConfig
) -> None:
    """It knows words, and the encoder takes its ids and `max_tokens` of them, as serving pads them."""
    if not tokenizer.get_vocab().keys() - set(special):  # what transformers makes where there is no file
        raise TrainingError(
            f"base_model {config.base_model!r}: the checkpoint has no vocabulary; is its tokenizer.json missing?"
        )
    longest = padded(config.max_tokens)
    ids = torch.full((1, longest), max(tokenizer.get_vocab().values()))
    try:
        with torch.no_grad():
            encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
    except (IndexError, RuntimeError) as error:
        raise TrainingConfigError(
            f"base_model {config.base_model!r} does not take {longest} tokens up to the id {ids[0, 0]}: {error}; "
            f"lower max_tokens ({config.max_tokens}), or give it the tokeniser that it was made with"
        ) from error


def _unloadable(base_model: str, error: Exception) -> str:
    first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return f"base_model {base_model!r} cannot be loaded: {first_line}"


def _no_pooler(checkpoint: str) -> dict[str, bool]:
    """BERT's pooler is not used here; the families that have one take this argument, the others refuse it."""
    family = AutoConfig.from_pretrained(checkpoint).model_type
    return {"add_pooling_layer": False} if family in {"bert", "roberta", "xlm-roberta", "camembert"} else {}
