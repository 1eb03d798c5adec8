"""What a trained model is and how it answers: manifest, text preparation, ONNX classifier, the bundled
artifact. It does not train and knows no Kafka.
"""
