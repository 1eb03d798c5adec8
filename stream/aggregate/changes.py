"""What a batch of messages leads to. Pure."""

from dataclasses import dataclass, field

from alerting.alerts import Alert
from stream.aggregate.records import MinuteRecord
from stream.aggregate.state import encode_record, minute_record_key
from stream.messages import Classified, Rate


@dataclass
class Changes:
    """It belongs into one transaction."""

    records: dict[bytes, bytes | None] = field(default_factory=dict)  # of `state`; None removes
    rates: list[Rate] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    late: list[Classified] = field(default_factory=list)  # for a closed pane: not counted
    repeated: list[Classified] = field(default_factory=list)  # behind one that was counted: not counted
    evaluated: list[Classified] = field(default_factory=list)  # met their first evaluation
    minutes: set[tuple[str, int]] = field(default_factory=set)  # (key, minute) whose record is to be written
    keys: set[str] = field(default_factory=set)  # whose record is to be written

    def archive(self, key: str, minute: int, record: MinuteRecord) -> None:
        """A minute leaves memory: if its record is to be written, it is written as it is now."""
        if (key, minute) in self.minutes:
            self.minutes.discard((key, minute))
            self.records[minute_record_key(key, minute)] = encode_record(record)

    def forget(self, key: str, minute: int) -> None:
        """The record of a minute is of no use any longer."""
        self.records[minute_record_key(key, minute)] = None
