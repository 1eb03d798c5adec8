"""From a training run to a checked ONNX artifact with its card. Serving the artifact is not here but in
`models`.
"""
