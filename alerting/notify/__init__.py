"""Alertmanager: silences, notices, the webhook receiver and its receipts."""
