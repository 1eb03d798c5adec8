"""From labelled text to a fine-tuned, evaluated, exported model."""
