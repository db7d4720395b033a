"""A sender by python-hl7: `client.py PORT`. Each line of stdin is a message as hex, sent over one connection and
answered by a line: what came back as hex, or `closed`; `reconnect PORT` opens a new connection."""

import sys

import hl7.client

client = hl7.client.MLLPClient("127.0.0.1", int(sys.argv[1]))
for line in sys.stdin:
    word = line.strip()
    if word.startswith("reconnect"):
        client.close()
        client = hl7.client.MLLPClient("127.0.0.1", int(word.split()[1]))
        print("connected", flush=True)
        continue
    try:
        answer = client.send_message(bytes.fromhex(word))
    except OSError:
        answer = b""
    print(answer.hex() or "closed", flush=True)
