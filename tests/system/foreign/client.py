"""A sender by python-hl7: `client.py PORT [CA [CERT KEY]]`, by TLS where CA says who signs the gate. Each line of stdin is
a message as hex, sent over one connection and answered by a line: what came back as hex, or `closed` (by TLS: without
a farewell, `cut off`). `reconnect PORT` opens a new connection and says `connected`, or `refused`; `serial` says the number
of the gate's certificate; `end` says farewell and waits for the gate's, which is `ended`."""

import ssl
import sys

import hl7.client

context = None
if len(sys.argv) > 2:
    context = ssl.create_default_context(cafile=sys.argv[2])
    if len(sys.argv) > 4:
        context.load_cert_chain(sys.argv[3], sys.argv[4])


class Client(hl7.client.MLLPClient):
    def __init__(self, port):
        super().__init__("127.0.0.1", port)
        if context:
            # An end without a farewell is an error, not an end.
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost", suppress_ragged_eofs=False)


def connected(port):
    try:
        return Client(port), "connected"
    except OSError:
        return None, "refused"


client, outcome = connected(int(sys.argv[1]))
if context:
    print(outcome, flush=True)
for line in sys.stdin:
    word = line.strip()
    if word.startswith("reconnect"):
        if client:
            client.close()
        client, outcome = connected(int(word.split()[1]))
        print(outcome, flush=True)
        continue
    if word == "serial":
        print(client.socket.getpeercert()["serialNumber"], flush=True)
        continue
    if word == "end":
        client.socket.unwrap()
        print("ended", flush=True)
        continue
    ended = "closed"
    try:
        answer = client.send_message(bytes.fromhex(word))
    except ssl.SSLEOFError:
        answer, ended = b"", "cut off"
    except OSError:
        answer = b""
    print(answer.hex() or ended, flush=True)
