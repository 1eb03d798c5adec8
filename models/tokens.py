"""From texts to token ids, truncated at the model's limit, with the `tokenizers` library (no transformers)."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from models.errors import ModelError

# The end of a text of 900 kB is not tokenised. English has 4 to 5 characters per token, so this is more than ten
# times what the token limit keeps.
CHARACTERS_PER_TOKEN = 64


class TextEncoder:
    """A tokeniser with truncation to `max_tokens`; `pad_id` is the id of the padding token, `last_id` the largest.

    Args:
        content: of tokenizer.json.
        max_tokens: of a text, with [CLS] and [SEP].
        where: the file, for the error.

    Raises:
        ModelError: it is not a tokeniser, has no token for what it does not know, or does not keep to `max_tokens`.
    """

    def __init__(self, content: bytes, max_tokens: int, where: object) -> None:
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_buffer(content)
            self._tokenizer.enable_truncation(max_tokens)
            self._tokenizer.no_padding()  # before anything is encoded: the file's own may be of any length
            probe = "a \u0378\ue000 " * min(max_tokens, 2**14)  # characters that no vocabulary has
            encodings = self._tokenizer.encode_batch_fast(["", probe])
        except (
            BaseException
        ) as error:  # the library raises nothing narrower, and its panics are not Exceptions
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            raise ModelError(f"{where}: not a tokeniser that can be loaded ({error})") from error
        if (longest := max(len(each.ids) for each in encodings)) > max_tokens:
            raise ModelError(
                f"{where}: gives a text {longest} tokens, but the model takes {max_tokens} at most"
            )
        self._max_characters = CHARACTERS_PER_TOKEN * max_tokens
        self.pad_id = next(
            (
                found
                for name in ("[PAD]", "<pad>")
                if (found := self._tokenizer.token_to_id(name)) is not None
            ),
            0,
        )
        # Around a text: not all need be in the vocabulary.
        added = (id_ for each in encodings for id_ in each.ids)
        self.last_id = max((*self._tokenizer.get_vocab().values(), *added), default=0)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, [CLS] and [SEP] included."""
        encodings = self._tokenizer.encode_batch_fast([text[: self._max_characters] for text in texts])
        return [encoding.ids for encoding in encodings]
