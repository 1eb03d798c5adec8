import json
import shutil
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from tiny_bert import write_tiny_bert
from waiting import PATIENCE_SECONDS

from bearwatch.commands.classify import MAX_LINE_BYTES, command, whole_lines
from models.manifest import load_manifest, write_manifest


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_bert(tmp_path_factory.mktemp("tiny")))


def classify(model: str, *arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(command, ["--model", model, *arguments], input=stdin)


def lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_arguments(model: str) -> None:
    result = classify(model, "w1 w2", "<b>w3</b>")
    assert result.exit_code == 0
    first, second = lines(result)
    assert list(first) == ["text", "topic", "topic_probability", "sentiment", "sentiment_probability"]
    assert (first["text"], second["text"]) == ("w1 w2", "<b>w3</b>")
    assert str(first["topic"]).startswith("topic ")
    assert 1 / 20 <= first["topic_probability"] <= 1


def test_lines_keep_their_order(model: str) -> None:
    texts = [f"w{i % 200} " * (1 + i % 7) + f"w{i % 3}" for i in range(1500)]
    result = classify(model, stdin="\n".join(texts).encode())
    assert result.exit_code == 0
    assert [line["text"] for line in lines(result)] == texts


def test_below_the_threshold_the_label_is_null(model: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    manifest = load_manifest(folder)
    topic = msgspec.structs.replace(manifest.heads["topic"], abstain_below=1.0)
    write_manifest(folder, msgspec.structs.replace(manifest, heads={**manifest.heads, "topic": topic}))
    (line,) = lines(classify(str(folder), "--abstain", "w1 w2"))
    assert line["topic"] is None and line["topic_probability"] > 0
    assert line["sentiment"] in ("negative", "neutral", "positive")
    (line,) = lines(classify(str(folder), "w1 w2"))
    assert line["topic"] is not None


def test_windows_line_ends_blank_lines_and_a_missing_last_line_end(model: str) -> None:
    result = classify(model, stdin=b"w1\r\n\n  \nw2")
    assert [line["text"] for line in lines(result)] == ["w1", "w2"]


def test_json_lines_keep_their_other_fields(model: str) -> None:
    document = b'{"id":7,"big":123456789012345678901234567890,"price":1.10,"text":"w1 \\u00e9","topic":"old","x":[{}]}'
    result = classify(model, "--jsonl", stdin=document)
    assert '"big":123456789012345678901234567890,"price":1.10' in result.stdout
    line = lines(result)[0]
    assert (line["id"], line["text"], line["x"]) == (7, "w1 é", [{}])
    assert line["topic"] != "old"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "not a JSON object with a text"),
        (b"[1]", "Expected `object`, got `array`"),
        (b'{"txt":"w1"}', "no field `text`"),
        (b'{"text":5}', "Expected `str`, got `int`"),
        (b'{"text":"\\ud800"}', "not a JSON object with a text"),
        (b'{"text":""}', "the text is empty"),
        (b'{"text":"https://t.co/x"}', "the text is empty"),
        (b'{"text":"\xff"}', "not UTF-8 (byte 10)"),
        (b'{"text":"w1","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "recursion"),
        (b'{"text":"' + b"w" * MAX_LINE_BYTES + b'"}', "longer than 4 MiB"),
    ],
)
def test_a_bad_line_is_reported_and_the_other_lines_are_classified(
    model: str, bad: bytes, reason: str
) -> None:
    result = classify(model, "--jsonl", stdin=b'{"text":"w1"}\n' + bad + b'\n{"text":"w2"}\n')
    assert result.exit_code == 1
    assert [line["text"] for line in lines(result)] == ["w1", "w2"]
    assert result.stderr.startswith("line 2: ")
    assert reason in result.stderr


def test_lines_that_are_not_utf8(model: str) -> None:
    result = classify(model, stdin=b"w1\nw2 \xe9\nw3\n")
    assert (result.exit_code, len(lines(result))) == (1, 2)
    assert result.stderr == "line 2: not UTF-8 (byte 4); left out\n"


def test_jsonl_with_arguments_is_wrong_use(model: str) -> None:
    result = classify(model, "--jsonl", "w1")
    assert result.exit_code == 2
    assert "leave out TEXT" in result.stderr


def test_an_endless_line_does_not_fill_the_memory() -> None:
    (found,) = [line for lines in whole_lines(BytesIO(b"x" * 20_000_000)) for line in lines]
    assert len(found) == MAX_LINE_BYTES + 1


def start(model: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "bearwatch", "classify", "--model", model, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )


def test_a_line_is_answered_before_the_next_one_comes(model: str) -> None:
    with start(model) as process:
        assert process.stdin is not None and process.stdout is not None
        for text in ("w1", "w2"):
            process.stdin.write(text.encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0


def test_a_closed_output_ends_it_without_an_error(model: str) -> None:
    with start(model) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(b"w1\n")
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(b"w2\n" * 1000)
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0
        errors = process.stderr.read()
        assert b"Traceback" not in errors and b"Broken" not in errors


def test_an_interrupt_ends_it_without_a_traceback(model: str) -> None:
    with start(model) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(b"w1\n")
        process.stdin.flush()
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 130
        assert b"Traceback" not in process.stderr.read()


def test_a_damaged_model_is_an_error_without_traceback(tmp_path: Path) -> None:
    folder = write_tiny_bert(tmp_path)
    (folder / "model.onnx").write_bytes(b"damaged")
    with start(str(folder), "w1") as process:
        out, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (1, b"")
    assert b"model.onnx: damaged or of another model" in errors
    assert b"Traceback" not in errors
