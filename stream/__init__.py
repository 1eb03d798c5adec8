"""Documents in, classified and windowed; Faust at the rim; feeds; the local Kafka."""
