"""How good the alarms are: simulated keys with known surges, everything that could detect them, and the tables of
docs/DETECTION.md. No Kafka, no texts, and nothing that the product imports.
"""
