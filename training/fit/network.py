"""The network, an encoder with mean pooling and a linear layer per head, and its tokeniser."""

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
from training.fit.base_models import resolve_checkpoint
from training.fit.batches import UNLABELLED, Encoded


class Network(nn.Module):
    """Token ids, (batch, tokens) -> the logits of every head, (batch, n_labels) each.

    `sizes`: the number of labels of each head.
    """

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
    """The base model with randomly initialised heads, and its tokeniser, which cuts at `max_tokens` and does not pad.

    Raises:
        TrainingConfigError: the base model is not of BERT's family, or does not take `max_tokens` tokens.
        TrainingError: its checkpoint cannot be loaded or is incomplete.
    """
    transformers_logging.set_verbosity_error()  # it warns about the pooler, which is not used
    transformers_logging.disable_progress_bar()
    checkpoint = resolve_checkpoint(config.base_model)
    try:
        described = AutoConfig.from_pretrained(checkpoint, **_trusting_nothing(checkpoint))
    except Exception as error:  # the libraries raise nothing narrower
        raise TrainingError(_unloadable(config.base_model, error)) from error
    _check_family(described, config.base_model)
    try:
        encoder, loaded = AutoModel.from_pretrained(
            checkpoint,
            dtype=torch.float32,
            output_loading_info=True,
            weights_only=True,
            **_trusting_nothing(checkpoint),
            **_no_pooler(described),
        )
        pretrained = AutoTokenizer.from_pretrained(checkpoint, **_trusting_nothing(checkpoint))
        tokenizer: Tokenizer = pretrained.backend_tokenizer
    except Exception as error:  # such as KeyError of a tokeniser, UnpicklingError of weights
        raise TrainingError(_unloadable(config.base_model, error)) from error
    missing = sorted(name for name in loaded["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise TrainingError(
            f"base_model {config.base_model!r}: the checkpoint lacks {len(missing)} weights of a "
            f"{encoder.config.model_type}, such as {missing[0]}; training would start from random weights"
        )
    _check_tokenizer(tokenizer, pretrained.all_special_tokens, encoder, config)
    tokenizer.enable_truncation(config.max_tokens)
    tokenizer.no_padding()
    return _network(encoder, config), tokenizer


def saved_network(run: Path, config: TrainingConfig) -> tuple[Network, Tokenizer]:
    """The network of the training run in the folder `run`, without trained weights, and its tokeniser.

    Raises TrainingError.
    """
    try:
        folder = str(run / "encoder")
        described = AutoConfig.from_pretrained(folder, **_trusting_nothing(folder))
        encoder = AutoModel.from_config(described, trust_remote_code=False, **_no_pooler(described))
        return _network(encoder, config), Tokenizer.from_file(str(run / "tokenizer.json"))
    except Exception as error:  # the libraries raise nothing narrower
        raise TrainingError(
            f"{run}: its encoder/ or tokenizer.json is missing or damaged: {error}"
        ) from error


def encode(examples: Sequence[Example], tokenizer: Tokenizer, config: TrainingConfig) -> list[Encoded]:
    """Normalise and tokenise labelled examples, as serving does."""
    heads = {name: i for i, name in enumerate(config.heads)}
    return [
        Encoded(row.tokens, heads[e.head], config.heads[e.head].labels.index(e.label))
        for e, row in zip(examples, encode_texts([e.text for e in examples], tokenizer), strict=True)
    ]


def encode_texts(texts: Sequence[str], tokenizer: Tokenizer) -> list[Encoded]:
    """Normalise and tokenise texts, as serving does; the rows are UNLABELLED."""
    assert tokenizer.truncation is not None  # noqa: S101 - new_network sets it
    longest = CHARACTERS_PER_TOKEN * tokenizer.truncation["max_length"]  # cut as in serving: `TextEncoder`
    encodings = tokenizer.encode_batch_fast([normalise(text)[:longest] for text in texts])
    return [Encoded(tuple(encoding.ids), UNLABELLED, UNLABELLED) for encoding in encodings]


def pad_id(encoder: nn.Module) -> int:
    """The token id that the encoder was trained to see as padding; 0 where its configuration names none."""
    return int(encoder.config.pad_token_id or 0)  # type: ignore[union-attr, arg-type]


def _network(encoder: nn.Module, config: TrainingConfig) -> Network:
    return Network(encoder, [len(h.labels) for h in config.heads.values()], config.hyperparameters.dropout)


def _check_family(described: PretrainedConfig, base_model: str) -> None:
    """Only masked language models, which read in both directions, fit this network. Raises TrainingConfigError."""
    family = described.model_type
    architectures = ", ".join(getattr(described, "architectures", None) or ("none",))
    masked = family in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if not masked or described.is_encoder_decoder or getattr(described, "is_decoder", False):
        raise TrainingConfigError(
            f"base_model {base_model!r} is not a BERT but a model of the type {family!r} (architectures: "
            f"{architectures}); choose a masked language model such as BERT, RoBERTa, DistilBERT or ELECTRA"
        )


def _check_tokenizer(
    tokenizer: Tokenizer, special: Sequence[str], encoder: nn.Module, config: TrainingConfig
) -> None:
    """The tokeniser has a vocabulary, and the encoder takes its ids and `max_tokens` tokens, padded as in serving.

    Raises TrainingConfigError and TrainingError.
    """
    if not tokenizer.get_vocab().keys() - set(special):  # what transformers builds where the file is missing
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
            f"lower max_tokens ({config.max_tokens}), or use the tokeniser that it was trained with"
        ) from error


def _unloadable(base_model: str, error: Exception) -> str:
    first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return f"base_model {base_model!r} cannot be loaded: {first_line}"


def _trusting_nothing(checkpoint: str) -> dict[str, bool]:
    """Arguments by which no code of a checkpoint runs, and a folder makes nothing be fetched from the hub."""
    return {"trust_remote_code": False, "local_files_only": Path(checkpoint).is_dir()}


def _no_pooler(described: PretrainedConfig) -> dict[str, bool]:
    """Arguments that leave out BERT's pooler, which is not used here; only families that have one accept them."""
    has_one = described.model_type in {"bert", "roberta", "xlm-roberta", "camembert"}
    return {"add_pooling_layer": False} if has_one else {}
