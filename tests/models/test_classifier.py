"""The classifier: predictions do not depend on the batch, keep their order, and name the model that gave them."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_bert import MAX_TOKENS, WORDS, write_tiny_bert

from models.classifier import Classifier, Prediction, softmax
from models.engines import CPU, FP32, Ids, Logits
from models.errors import ModelError
from models.manifest import load_manifest, model_hash, write_manifest

texts = st.lists(st.sampled_from(WORDS), max_size=MAX_TOKENS + 5).map(" ".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bert(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module", params=[CPU, FP32])
def classifier(request: pytest.FixtureRequest, folder: Path) -> Classifier:
    return Classifier.load(folder, request.param, threads=2)


@settings(max_examples=40, deadline=None)
@given(text=texts, before=st.lists(texts, max_size=40), after=st.lists(texts, max_size=40))
def test_a_prediction_does_not_depend_on_the_other_texts_of_the_batch(
    classifier: Classifier, text: str, before: list[str], after: list[str]
) -> None:
    """To the last bit: probabilities are compared as they are."""
    assert classifier.classify([*before, text, *after])[len(before)] == classifier.classify([text])[0]


@settings(max_examples=30, deadline=None)
@given(many=st.lists(texts, min_size=1, max_size=60), seed=st.randoms(use_true_random=False))
def test_order_is_kept(classifier: Classifier, many: list[str], seed: object) -> None:
    shuffled = list(range(len(many)))
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    straight = classifier.classify(many)
    assert classifier.classify([many[i] for i in shuffled]) == [straight[i] for i in shuffled]


def test_labels_and_probabilities_agree(classifier: Classifier) -> None:
    many = [" ".join(WORDS[i : i + 1 + i % 9]) for i in range(50)]
    probabilities = classifier.probabilities(many)
    assert {head: p.shape for head, p in probabilities.items()} == {"topic": (50, 20), "sentiment": (50, 3)}
    for i, result in enumerate(classifier.classify(many)):
        assert list(result.predictions) == ["topic", "sentiment"]
        for head, prediction in result.predictions.items():
            row = probabilities[head][i]
            assert row.sum() == pytest.approx(1)
            label = classifier.manifest.heads[head].labels[row.argmax()]
            assert prediction == Prediction(label, row.max())
    assert len({result.predictions["topic"].label for result in classifier.classify(many)}) > 3


def test_texts_are_normalised(classifier: Classifier) -> None:
    raw, plain = classifier.classify(["<b>w1</b> &amp;\n w2 https://t.co/x", "w1 & w2"])
    assert raw == plain


def test_a_text_over_the_token_limit_is_truncated(classifier: Classifier) -> None:
    words = WORDS[: MAX_TOKENS - 2]
    short, long, huge = classifier.classify(
        [" ".join(words), " ".join([*words, "w199"]), " ".join(words * 3000)]
    )
    assert short == long == huge


def test_no_text_and_an_empty_text(classifier: Classifier) -> None:
    assert classifier.classify([]) == []
    assert classifier.probabilities([])["topic"].shape == (0, 20)
    assert set(classifier.classify([""])[0].predictions) == {"topic", "sentiment"}


def test_an_answer_names_the_model_and_the_engine_that_gave_it(
    classifier: Classifier, request: pytest.FixtureRequest
) -> None:
    answers = classifier.classify(["w1", "w2"])
    assert [(each.model, each.engine) for each in answers] == [
        (model_hash(classifier.manifest), request.node.callspec.params["classifier"])
    ] * 2


def test_batches_are_full_where_the_engine_asks_for_it(folder: Path) -> None:
    classifier = Classifier.load(folder, CPU)
    shapes = set()

    def run(ids: Ids, mask: Ids) -> list[Logits]:
        shapes.add(ids.shape)
        return engine.run(ids, mask)

    engine = classifier._engine
    classifier._engine = replace(engine, fixed_rows=True, budget_tokens=64, run=run)
    many = [" ".join(WORDS[:n]) for n in (1, 1, 1, 9, 10, 46)]
    assert [r.predictions["topic"].label for r in classifier.classify(many)] == [
        r.predictions["topic"].label for r in Classifier.load(folder, CPU).classify(many)
    ]
    assert shapes == {(16, 4), (5, 12), (2, 48)}


def test_labels_that_do_not_fit_the_graph_are_an_error(tmp_path: Path) -> None:
    manifest = load_manifest(write_tiny_bert(tmp_path))
    heads = {**manifest.heads, "topic": msgspec.structs.replace(manifest.heads["topic"], labels=("a", "b"))}
    write_manifest(tmp_path, msgspec.structs.replace(manifest, heads=heads))
    with pytest.raises(ModelError, match=r"head topic has 2 labels .* topic_logits is of shape \(2, 20\)"):
        Classifier.load(tmp_path, CPU)


def test_a_file_that_is_not_a_tokeniser_is_an_error(tmp_path: Path) -> None:
    manifest = load_manifest(write_tiny_bert(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{}")
    write_manifest(
        tmp_path,
        msgspec.structs.replace(
            manifest,
            files={
                **manifest.files,
                "tokenizer.json": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            },
        ),
    )
    with pytest.raises(ModelError, match=r"tokenizer\.json: not a tokeniser"):
        Classifier.load(tmp_path, CPU)


def test_softmax_of_large_logits() -> None:
    np.testing.assert_allclose(
        softmax(np.array([[1000, 1000], [-1000, 0]], np.float32)), [[0.5, 0.5], [0, 1]]
    )
