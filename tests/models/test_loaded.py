"""Two models are loaded, an English one and a Chinese one, each of which knows its own language's words alone."""

import pytest
from keyword_model import write_keyword_model

from models.classifier import Classifier
from models.engines import CPU
from models.loaded import Input, Models, run_grouped

CHINESE = {"oil": "石油", "bank": "银行", "negative": "暴跌", "positive": "大涨"}
ENGLISH_NEWS = Input("oil negative", "en")
CHINESE_NEWS = Input("石油 暴跌", "zh")


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier.load(write_keyword_model(tmp_path_factory.mktemp("english")), CPU, threads=1)


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier.load(write_keyword_model(tmp_path_factory.mktemp("chinese"), CHINESE), CPU, threads=1)


@pytest.fixture(scope="module")
def both(english: Classifier, chinese: Classifier) -> Models:
    return Models(english, {"zh": chinese})


def test_each_document_is_classified_by_the_model_of_its_language(
    both: Models, english: Classifier, chinese: Classifier
) -> None:
    inputs = [CHINESE_NEWS, ENGLISH_NEWS, Input("银行 大涨", "zh"), Input("bank positive", "en")]
    answers = both.classify(inputs)
    labels = [tuple(each.predictions[head].label for head in ("topic", "sentiment")) for each in answers]
    assert labels == [
        ("Energy | Oil", "negative"),
        ("Energy | Oil", "negative"),
        ("Financials", "positive"),
        ("Financials", "positive"),
    ]
    assert [each.model for each in answers] == [chinese.model_hash, english.model_hash] * 2
    assert english.model_hash != chinese.model_hash


@pytest.mark.parametrize(
    ("language", "of"),
    [("zh", "chinese"), ("zh-Hans-CN", "chinese"), ("ZH", "chinese"), ("en", "english"), ("zha", "english"),
     ("", "english"), (None, "english")],
)  # fmt: skip
def test_a_declared_language_chooses_by_its_primary_subtag(
    both: Models, english: Classifier, chinese: Classifier, language: str | None, of: str
) -> None:
    assert both.choose(Input("text", language)) is {"english": english, "chinese": chinese}[of]


def test_one_call_per_model_however_the_texts_are_mixed(english: Classifier, chinese: Classifier) -> None:
    calls = []

    def work(classifier: Classifier, texts: list[str]) -> list[str]:
        calls.append(texts)
        return [f"{classifier.model_hash} {text}" for text in texts]

    texts = [(chinese, "a"), (english, "b"), (chinese, "c"), (english, "d"), (english, "e")]
    results = run_grouped(work, texts)
    assert sorted(calls) == [["a", "c"], ["b", "d", "e"]]
    assert [result.split()[1] for result in results] == list("abcde")
    assert run_grouped(work, []) == []


def test_an_answer_leads_to_the_classifier_that_gave_it(both: Models, english: Classifier) -> None:
    for answer in both.classify([CHINESE_NEWS, ENGLISH_NEWS]):
        assert both.with_hash(answer.model).model_hash == answer.model
    assert both.with_hash("of a former release") is english


def test_a_single_model_answers_everything_under_its_own_hash(english: Classifier) -> None:
    models = Models(english)
    assert models.hash == english.model_hash
    assert {each.model for each in models.classify([ENGLISH_NEWS, CHINESE_NEWS])} == {english.model_hash}
    assert models.classify([ENGLISH_NEWS]) == english.classify([ENGLISH_NEWS.text])


def test_the_hash_of_several_models_depends_on_each_of_them(
    both: Models, english: Classifier, chinese: Classifier
) -> None:
    assert both.loaded == [english, chinese]
    assert len({both.hash, english.model_hash, chinese.model_hash}) == 3
    assert both.hash == Models(chinese, {"en": english, "en-gb": english}).hash
    assert Models(english, {"zh": english}).hash == english.model_hash
