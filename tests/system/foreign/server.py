"""A downstream system by python-hl7: `server.py [CERT KEY [CLIENT_CA]]`, by TLS where it is given a certificate. Prints its
port, then each message as hex; answers with its own ACK."""

import asyncio
import ssl
import sys

import hl7.mllp


async def serve(reader, writer):
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            print("message", str(message).encode("utf-8").hex(), flush=True)
            writer.writemessage(message.create_ack())
            await writer.drain()
    except asyncio.IncompleteReadError:
        print("end", flush=True)
    except OSError as error:
        print("broken", error, flush=True)
    finally:
        writer.close()


def tls():
    if len(sys.argv) < 3:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    if len(sys.argv) > 3:
        context.load_verify_locations(sys.argv[3])
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def main():
    server = await hl7.mllp.start_hl7_server(
        serve, host="127.0.0.1", port=0, encoding="utf-8", limit=1 << 24, ssl=tls()
    )
    print("port", server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
