"""The operating-room system's stand-in: takes every MLLP message, writes down that it arrived, answers AA.

    python3 downstream.py his-orders=16661 his-zop=16662 …

One line for each arrival in /var/lib/stand-in/arrived.jsonl, written before the answer: the route and the SHA-256 of the
bytes. `--delay-ms` lets answers wait, so that there is always something on its way when a gate is killed.
"""

import argparse
import asyncio
import hashlib
import json

ARRIVED = "/var/lib/stand-in/arrived.jsonl"


def acknowledgement(payload: bytes) -> bytes:
    header = payload.replace(b"\n", b"\r").split(b"\r")[0].split(b"|")
    control_id = header[9] if len(header) > 9 else b""
    return b"MSH|^~\\&|OR|STAND-IN|HIS|STAND-IN|20260302080000||ACK|1|P|2.4\rMSA|AA|" + control_id + b"\r"


async def serve(reader, writer, route, arrived, delay_s):
    try:
        while True:
            frame = await reader.readuntil(b"\x1c\r")
            payload = frame[frame.rfind(b"\x0b") + 1 : -2]
            line = {"route": route, "sha256": hashlib.sha256(payload).hexdigest()}
            arrived.write(json.dumps(line) + "\n")
            arrived.flush()
            await asyncio.sleep(delay_s)
            writer.write(b"\x0b" + acknowledgement(payload) + b"\x1c\r")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--delay-ms", type=float, default=0)
    arguments.add_argument("routes", nargs="+", metavar="ROUTE=PORT")
    asked = arguments.parse_args()
    with open(ARRIVED, "a", encoding="ascii") as arrived:
        servers = []
        for word in asked.routes:
            route, port = word.split("=")

            async def connected(reader, writer, route=route):
                await serve(reader, writer, route, arrived, asked.delay_ms / 1000)

            servers.append(await asyncio.start_server(connected, "0.0.0.0", int(port), limit=1 << 25))
            print(f"{route}: port {port}", flush=True)
        await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
