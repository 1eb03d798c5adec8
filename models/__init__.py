"""What a trained model is: labels, manifest, text preparation, ONNX classifier, the bundled artifact."""
