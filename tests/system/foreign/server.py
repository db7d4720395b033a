"""A downstream system by python-hl7: prints its port, then each message as hex; answers with its own ACK."""

import asyncio
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
    finally:
        writer.close()


async def main():
    server = await hl7.mllp.start_hl7_server(serve, host="127.0.0.1", port=0, encoding="utf-8")
    print("port", server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
