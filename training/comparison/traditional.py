"""Traditional text classifiers: TF-IDF of words and of character runs, then a linear model or naive Bayes.

Features are words, pairs of words, and runs of 2 to 5 characters within words, which are robust against typing
mistakes and inflections. The strength of regularisation (the smoothing of naive Bayes) is chosen by accuracy on the
dev split; where values are equal, scikit-learn's default. All other settings are scikit-learn's defaults, with three
exceptions: the logarithm of counts is used, logistic regression may take 1000 steps to converge, and with RARE_FROM
texts or more features that occur in a single text are left out. Complement naive Bayes: Rennie, Shih, Teevan and
Karger 2003, "Tackling the Poor Assumptions of Naive Bayes Text Classifiers".
"""

import pickle
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

from models.text import normalise
from training.comparison.cells import BAYES, LOGISTIC, SVM, Trained
from training.comparison.memory import peak_memory_bytes
from training.config import TrainingConfig
from training.data.labelled import Example

RARE_FROM = 1000  # texts; templates/report.html states it as well


class Recipe(NamedTuple):
    """How to build a classifier: `values` of its `parameter` to choose from, scikit-learn's default first."""

    parameter: str
    values: tuple[float, ...]
    make: Callable[[float, int], Any]  # of a value and a seed


RECIPES = {
    LOGISTIC: Recipe("C", (1.0, 4.0, 16.0), lambda c, _: LogisticRegression(C=c, max_iter=1000)),
    SVM: Recipe("C", (1.0, 0.3, 0.1), lambda c, seed: LinearSVC(C=c, random_state=seed % 2**32)),
    BAYES: Recipe("alpha", (1.0, 0.3, 0.1), lambda alpha, _: ComplementNB(alpha=alpha)),
}


def train(
    method: str, head: str, examples: Sequence[Example], dev: Sequence[Example], config: TrainingConfig
) -> Trained:
    """Train one method for one head; all examples are labelled for that head."""
    began = perf_counter()
    recipe, labels = RECIPES[method], config.heads[head].labels
    vectors = _vectors(len(examples))
    train_vectors = vectors.fit_transform(_texts(examples))  # (n_texts, n_features), sparse
    truth = _indices(examples, labels)
    dev_vectors, dev_truth = vectors.transform(_texts(dev)), _indices(dev, labels)
    fitted = {value: recipe.make(value, config.seed).fit(train_vectors, truth) for value in recipe.values}
    value = max(fitted, key=lambda each: fitted[each].score(dev_vectors, dev_truth))
    pipeline = Pipeline([("vectors", vectors), ("classifier", fitted[value])])

    def predict(texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        return {head: _matrix(pipeline, [normalise(text) for text in texts], len(labels))}

    return Trained(
        predict=predict,
        probabilities=hasattr(fitted[value], "predict_proba"),
        chosen=f"{recipe.parameter} = {value:g}",
        training_seconds=perf_counter() - began,
        peak_memory_bytes=peak_memory_bytes(),
        size_bytes=len(pickle.dumps(pipeline)),
        engine="scikit-learn",
    )


def _vectors(n_texts: int) -> FeatureUnion:
    least = 2 if n_texts >= RARE_FROM else 1
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=least, sublinear_tf=True)
    runs = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=least, sublinear_tf=True)
    return FeatureUnion([("words", words), ("runs", runs)])


def _matrix(pipeline: Pipeline, texts: Sequence[str], n_labels: int) -> NDArray[np.float64]:
    """(n_texts, n_labels): probabilities, or 1 for the predicted label; a label without a training text has 0."""
    predictions = np.zeros((len(texts), n_labels))
    classifier = pipeline.named_steps["classifier"]
    if hasattr(classifier, "predict_proba"):
        predictions[:, classifier.classes_] = pipeline.predict_proba(texts)
    else:
        predictions[np.arange(len(texts)), pipeline.predict(texts)] = 1
    return predictions


def _texts(examples: Sequence[Example]) -> list[str]:
    return [normalise(example.text) for example in examples]


def _indices(examples: Sequence[Example], labels: Sequence[str]) -> NDArray[np.int64]:
    return np.array([labels.index(example.label) for example in examples])
