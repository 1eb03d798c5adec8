"""Times as datetimes: UTC everywhere."""

from datetime import UTC, datetime


def utc(seconds: float) -> datetime:
    """Unix seconds as a datetime in UTC, which messages hold as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC)
