"""What large batches took is given back: measured in a process of its own."""

import subprocess
import sys
from pathlib import Path

SUPPORT = Path(__file__).parents[2] / "support"
PROGRAM = """
import asyncio
from pathlib import Path
from raw_batches import CODECS, Entry, batch
from hostile_records import bomb
from stream.kafka.record_batches import readable
from stream.worker.allocator import return_large_memory

def resident_bytes():
    return 1024 * int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])

def large(codec, mebibytes):
    return batch([Entry(b"x" * 2**20)] * mebibytes, codec=CODECS[codec])

async def main(sent):
    for _ in range(5):
        for each in sent:
            await asyncio.to_thread(readable, each, 0, 100)

return_large_memory()
sent = [large(codec, size) for codec in ("gzip", "snappy", "lz4", "zstd") for size in (5, 11, 15)]
sent.append(batch(stored=bomb("zstd"), codec=CODECS["zstd"], count=1))
before = resident_bytes()
asyncio.run(main(sent))
print(resident_bytes() - before)
"""
# 3 MiB were seen, and 50 to 130 without the limit.
GROWTH_BYTES = 25 * 2**20


def test_what_large_batches_took_is_given_back():
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\n{PROGRAM}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(found.stdout) < GROWTH_BYTES
