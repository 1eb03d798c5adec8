"""The model card says what the manifest says, and which probes a model reads wrongly."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
from keyword_model import TOPICS, write_keyword_model

from models.classifier import BUNDLED, Classifier
from models.manifest import Dataset, Parity, load_manifest
from training.export.card import CARD, PROBES, Probe, card, run_probes, write_card

DATASET = Dataset("our headlines", "0" * 64, 12_345, "train", "CC0")


def test_the_bundled_card_is_what_the_generator_writes():
    manifest = load_manifest(BUNDLED)
    text = (BUNDLED / CARD).read_text("utf-8")
    for name, figures in manifest.metrics.items():
        assert f"| {name} | {figures['n']:,.0f} | {figures['accuracy']:.4f}" in text
    head, _, _ = text.partition("## Known failures")  # which depend on the machine in the last digit
    sizes = {name: (BUNDLED / name).stat().st_size / 1e6 for name in manifest.files}
    assert card(manifest, sizes, []).startswith(head)


def test_a_probe_that_is_read_wrongly_is_named(tmp_path: Path):
    folder = write_keyword_model(tmp_path / "model")
    probes = [
        Probe("irony", "sentiment", "negative", "oil positive"),
        Probe("irony", "sentiment", "negative", "oil negative"),
        Probe("other labels", "topic", "IPO", "oil positive"),
        Probe("other heads", "intent", "balance", "oil positive"),
    ]
    (tmp_path / "probes.jsonl").write_bytes(b"\n".join(msgspec.json.encode(each) for each in probes))
    (kind,) = run_probes(Classifier.load(folder), tmp_path / "probes.jsonl")
    assert (kind.name, kind.probes) == ("irony", 2)
    (missed,) = kind.missed
    assert (missed.predicted, missed.probe.text) == ("positive", "oil positive")
    text = card(load_manifest(folder), {"model.onnx": 1.5}, [kind])
    assert "**irony**: 1 of 2 right." in text
    assert '- "oil positive": positive (' in text


def test_the_card_names_data_figures_and_limits(tmp_path: Path):
    manifest = msgspec.structs.replace(
        load_manifest(write_keyword_model(tmp_path / "model")),
        created=datetime(2026, 5, 6, tzinfo=UTC),
        datasets=(DATASET,),
        metrics={"our headlines": {"n": 200, "accuracy": 0.9, "macro_f1": 0.8, "ece": 0.0123}},
        parity={"onnxruntime-cpu": Parity(200, 1.0, 1e-6)},
        intended_use="Reading headlines.",
    )
    text = card(manifest, {"model.onnx": 1.5, "tokenizer.json": 0.5}, [])
    for part in (
        "2.0 MB",
        "2026-05-06",
        "Reading headlines.",
        "| our headlines | train | 12,345 | CC0 |",
        "| our headlines | 200 | 0.9000 | 0.8000 | 0.012 |",
        "| onnxruntime-cpu | 200 | 100.00 % | 1e-06 |",
        "There are no probes for these labels.",
        f"- topic: {', '.join(TOPICS)}",
    ):
        assert part in text


def test_it_is_written_next_to_the_model(tmp_path: Path):
    folder = write_keyword_model(tmp_path / "model")
    write_card(folder, Classifier.load(folder))
    assert (folder / CARD).read_text("utf-8").startswith("# Model card: keywords")


def test_probes_are_about_labels_that_the_bundled_model_has():
    heads = load_manifest(BUNDLED).heads
    probes = msgspec.json.Decoder(Probe).decode_lines(PROBES.read_bytes())
    assert all(each.label in heads[each.head].labels for each in probes)
    assert len({each.text for each in probes}) >= 45
