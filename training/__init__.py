"""From labelled text to a fine-tuned, evaluated, exported model. Nothing that runs in production is here."""
