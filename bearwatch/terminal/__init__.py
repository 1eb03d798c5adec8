"""Text for people in a terminal: the live view, alerts, evaluations. It starts nothing and changes nothing."""
