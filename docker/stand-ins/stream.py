"""Makes a JetStream stream, as `nats stream add` would, and prints what it holds; the protocol of NATS in a few lines.

    python3 stream.py HOST:PORT STREAM SUBJECT
"""

import json
import socket
import sys
import time


def connected(address: str) -> socket.socket:
    host, port = address.rsplit(":", 1)
    for _ in range(60):
        try:
            return socket.create_connection((host, int(port)), timeout=10)
        except OSError:
            time.sleep(0.5)
    sys.exit(f"{address} does not answer")


def ask(lines, send, subject: str, body: dict) -> dict:
    payload = json.dumps(body).encode()
    send(b"PUB %s _INBOX.orgate %d\r\n%s\r\n" % (subject.encode(), len(payload), payload))
    while True:
        words = lines.readline().split()
        if not words or words[0] == b"-ERR":
            sys.exit(f"NATS: {words}")
        if words[0] == b"PING":
            send(b"PONG\r\n")
        if words[0] == b"MSG":
            answer = lines.read(int(words[-1]))
            lines.readline()
            return json.loads(answer)


address, stream, subject = sys.argv[1:]
link = connected(address)
lines, send = link.makefile("rb"), link.sendall
lines.readline()
send(b'CONNECT {"verbose":false}\r\nSUB _INBOX.orgate 1\r\n')
wanted = {"name": stream, "subjects": [subject], "storage": "file", "retention": "limits", "duplicate_window": 7200 * 10**9}
made = ask(lines, send, f"$JS.API.STREAM.CREATE.{stream}", wanted)
if "error" in made:
    sys.exit(f"{stream}: {made['error']}")
state = ask(lines, send, f"$JS.API.STREAM.INFO.{stream}", {})["state"]
print(f"{stream}: {state['messages']} alerts")
