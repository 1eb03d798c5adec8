"""Alertmanager: silences, notifications, the webhook receiver and the file of its receipts. The rules that
fire are not here but in `monitoring`.
"""
