"""From a trained run to a checked ONNX artifact with its card."""
