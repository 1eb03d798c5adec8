"""ONNX files with weights in other files: found wherever a tensor may stand, before an engine opens them."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress

import onnx
import pytest
from google.protobuf.descriptor import Descriptor
from hypothesis import given
from hypothesis import strategies as st
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto
from tiny_bert import graph

from models.classifier import BUNDLED
from models.errors import ModelError
from models.graph import DATA_LOCATION, EXTERNAL_DATA, MESSAGES, check_self_contained

NAMES = {
    "ModelProto": "model",
    "TrainingInfoProto": "training",
    "GraphProto": "graph",
    "FunctionProto": "function",
    "NodeProto": "node",
    "AttributeProto": "attribute",
    "SparseTensorProto": "sparse",
    "TensorProto": "tensor",
}
WHOLE = graph(0).SerializeToString()


def tensor(location: str = "weights.bin") -> TensorProto:
    outside = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    outside.external_data.add(key="location", value=location)
    return outside


def of_node(attribute: AttributeProto) -> NodeProto:
    return NodeProto(op_type="Constant", attribute=[attribute])


def of_graph(attribute: AttributeProto) -> ModelProto:
    return ModelProto(graph=GraphProto(node=[of_node(attribute)]))


def nested(depth: int) -> ModelProto:
    inner = GraphProto(initializer=[tensor()])
    for _ in range(depth):
        inner = GraphProto(node=[of_node(AttributeProto(name="body", g=inner))])
    return ModelProto(graph=inner)


PLACES: dict[str, Callable[[], ModelProto]] = {
    "initializer": lambda: ModelProto(graph=GraphProto(initializer=[tensor()])),
    "sparse values": lambda: ModelProto(graph=GraphProto(sparse_initializer=[{"values": tensor()}])),  # type: ignore[list-item]
    "sparse indices": lambda: ModelProto(graph=GraphProto(sparse_initializer=[{"indices": tensor()}])),  # type: ignore[list-item]
    "attribute": lambda: of_graph(AttributeProto(name="value", t=tensor())),
    "list of tensors": lambda: of_graph(AttributeProto(name="values", tensors=[TensorProto(), tensor()])),
    "sparse attribute": lambda: of_graph(AttributeProto(sparse_tensor={"values": tensor()})),  # type: ignore[arg-type]
    "branch": lambda: nested(1),
    "branches of a branch": lambda: nested(20),
    "list of graphs": lambda: of_graph(AttributeProto(graphs=[nested(1).graph])),
    "function": lambda: ModelProto(functions=[{"node": [of_node(AttributeProto(t=tensor()))]}]),  # type: ignore[list-item]
    "default of a function": lambda: ModelProto(functions=[{"attribute_proto": [{"t": tensor()}]}]),  # type: ignore[list-item]
    "training": lambda: ModelProto(training_info=[{"initialization": nested(0).graph}]),  # type: ignore[list-item]
}


def ways(message: Descriptor) -> Iterator[tuple[str, int, str]]:
    """Every field of ONNX's messages that may lead to a tensor."""
    seen, todo = set(), [message]
    while todo:
        one = todo.pop()
        if one.name in NAMES and one.name not in seen and one.name != "TensorProto":
            seen.add(one.name)
            for field in one.fields:
                if field.message_type is not None and field.message_type.name in NAMES:
                    yield NAMES[one.name], field.number, NAMES[field.message_type.name]
                    todo.append(field.message_type)


def test_every_way_to_a_tensor_is_walked() -> None:
    """Held against the messages of the installed `onnx`: a new field that may hold a tensor fails here."""
    known = {(kind, number, inner) for kind, fields in MESSAGES.items() for number, inner in fields.items()}
    assert set(ways(ModelProto.DESCRIPTOR)) == known
    fields = TensorProto.DESCRIPTOR.fields_by_name
    assert fields["external_data"].number == EXTERNAL_DATA
    assert fields["data_location"].number == DATA_LOCATION


@pytest.mark.parametrize("place", PLACES)
def test_weights_in_another_file_are_found(place: str) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx: stores weights in another file \('weights\.bin'\)"):
        check_self_contained(PLACES[place]().SerializeToString(), "model.onnx")


@pytest.mark.parametrize("location", ["../../secret", "/etc/passwd", "*/_ORT_MEM_ADDR_/*", "", "w\x00"])
def test_wherever_they_are(location: str) -> None:
    outside = ModelProto(graph=GraphProto(initializer=[tensor(location)]))
    with pytest.raises(ModelError, match="stores weights in another file"):
        check_self_contained(outside.SerializeToString(), "model.onnx")


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (b"\x70\x01", True),  # data_location: EXTERNAL, and no location
        (b"\x70\x81\x80\x80\x80\x10", True),  # 2**32 + 1, which a decoder of 32 bits takes for EXTERNAL
        (b"\x70\x01\x70\x00", True),  # and then DEFAULT: a decoder takes the last
        (b"\x6a\x00", True),  # an empty external_data, and no data_location
        (b"\x70\x00", False),  # DEFAULT, written out
        (b"\x4a\x01\x00", False),  # raw_data
    ],
)
def test_unusual_ways_to_write_it(fields: bytes, found: bool) -> None:
    initializer = bytes([0x2A, len(fields)]) + fields
    model = bytes([0x3A, len(initializer)]) + initializer
    expected = pytest.raises(ModelError, match="stores weights in another file") if found else nullcontext()
    with expected:
        check_self_contained(model, "model.onnx")


def test_what_is_in_one_file_passes() -> None:
    check_self_contained(WHOLE, "model.onnx")
    check_self_contained((BUNDLED / "model.onnx").read_bytes(), "model.onnx")


@pytest.mark.parametrize(
    "content", [b"\x3a\xff", b"ORTM....", b"<?xml", b"\x80" * 11, b"\x3a" + b"\xff" * 9 + b"\x01"]
)
def test_what_is_not_such_a_message_is_an_error(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx: damaged, or not an ONNX file"):
        check_self_contained(content, "model.onnx")


def test_graphs_nested_beyond_the_limit_are_an_error() -> None:
    """Deeper than Protobuf itself would write them."""
    content = b""
    for tag in 3_000 * (0x32, 0x2A, 0x0A):  # the graph of an attribute of a node
        content = field(tag, content)
    with pytest.raises(ModelError, match="messages nested deeper than 100"):
        check_self_contained(field(0x3A, content), "model.onnx")


def field(tag: int, content: bytes) -> bytes:
    size = len(content)
    return bytes([tag, size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + content


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=20), st.integers(0, 20))
def test_damage_is_an_error_or_goes_unnoticed_here(at: int, inserted: bytes, removed: int) -> None:
    """Its sha256 differs anyway; the walk ends, and raises nothing else."""
    with suppress(ModelError):
        check_self_contained(WHOLE[:at] + inserted + WHOLE[at + removed :], "model.onnx")


@given(st.integers(0, len(WHOLE)))
def test_no_damage_hides_weights_from_us_that_onnx_sees(at: int) -> None:
    outside = onnx.load_from_string(WHOLE)
    outside.graph.initializer[at % len(outside.graph.initializer)].CopyFrom(tensor())
    with pytest.raises(ModelError, match="stores weights in another file"):
        check_self_contained(outside.SerializeToString(), "model.onnx")
