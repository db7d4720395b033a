"""The HIS's stand-in: plays the sample day, again and again, and sends anew what was not answered, as senders do.

    python3 his.py --rounds 20 --lines 8 his-orders=haproxy:6661 his-zop=haproxy:6662 …

Each round is the whole day with message numbers (MSH-10) of its own, so that its messages differ from those of every
other round. Up to `--lines` rounds are played at the same time, each over a connection of its own for each route, and
each message waits for the answer to the one before. When a connection breaks, or no answer comes in time, the very same
bytes are sent again over a new one; likewise after a while when the answer says: later.

What came of it is one JSON object in /var/lib/stand-in/sent.json: for each message, by the SHA-256 of its bytes, how often it was sent and
what was answered at last.
"""

import argparse
import asyncio
import hashlib
import json
import sys
import tomllib
from pathlib import Path

DAY = Path("/opt/day")
SENT = Path("/var/lib/stand-in/sent.json")
PATIENCE_S = 15
LATER_S = 1
# Findings that a later try may be free of, and how often it is tried.
LATER = (b"privileges-unavailable", b"ledger-unavailable")
TRIES = 60


def numbered(message: bytes, number: int) -> bytes:
    """The message with a number of its round's own: `HIS2603020001` becomes `HIS2603020001-7`."""
    end = message.find(b"\r") if b"\r" in message else len(message)
    fields = message[:end].split(b"|")
    if len(fields) > 9 and fields[9]:
        fields[9] += b"-%d" % number
    return b"|".join(fields) + message[end:]


class Line:
    """A connection to a route, opened anew when it is broken."""

    def __init__(self, address: str):
        self.host, self.port = address.rsplit(":", 1)
        self.open = None

    async def ask(self, message: bytes) -> bytes:
        if self.open is None:
            self.open = await asyncio.open_connection(self.host, int(self.port), limit=1 << 25)
        reader, writer = self.open
        writer.write(b"\x0b" + message + b"\x1c\r")
        await writer.drain()
        frame = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), PATIENCE_S)
        return frame[frame.rfind(b"\x0b") + 1 : -2]

    def drop(self):
        if self.open is not None:
            self.open[1].close()
        self.open = None


def code(answer: bytes) -> str:
    for segment in answer.replace(b"\n", b"\r").split(b"\r"):
        fields = segment.split(segment[3:4]) if segment[:3] == b"MSA" else []
        if len(fields) > 1:
            return fields[1].decode("ascii", "replace")
    return "?"


async def deliver(line: Line, message: bytes, told: dict):
    for _ in range(TRIES):
        told["sent"] += 1
        try:
            answer = await line.ask(message)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            told["unanswered"] += 1
            line.drop()
            await asyncio.sleep(0.2)
            continue
        told["answer"] = code(answer)
        if not any(word in answer for word in LATER):
            return
        told["later"] += 1
        await asyncio.sleep(LATER_S)


async def play(number: int, day: list, addresses: dict, sent: dict):
    lines = {route: Line(address) for route, address in addresses.items()}
    for entry in day:
        if entry["route"] not in lines:
            continue
        message = numbered((DAY / entry["file"]).read_bytes(), number)
        name = hashlib.sha256(message).hexdigest()
        # What the gate need not look at is in no ledger.
        recorded = entry["decision"] != "not-surgical"
        fresh = {"file": entry["file"], "recorded": recorded, "sent": 0, "unanswered": 0, "later": 0, "answer": None}
        told = sent.setdefault(name, fresh)
        await deliver(lines[entry["route"]], message, told)
    for line in lines.values():
        line.drop()


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--lines", type=int, default=1)
    arguments.add_argument("routes", nargs="+", metavar="ROUTE=HOST:PORT")
    asked = arguments.parse_args()
    addresses = dict(word.split("=") for word in asked.routes)
    day = tomllib.loads((DAY / "day.toml").read_text("utf-8"))["message"]
    places, sent = asyncio.Semaphore(asked.lines), {}

    async def one(number: int):
        async with places:
            await play(number, day, addresses, sent)
            print(f"round {number} played", flush=True)

    await asyncio.gather(*(one(number) for number in range(1, asked.rounds + 1)))
    SENT.write_text(json.dumps(sent))
    print(f"{len(sent)} messages, sent {sum(told['sent'] for told in sent.values())} times", flush=True)
    sys.exit(any(told["answer"] is None for told in sent.values()))


asyncio.run(main())
