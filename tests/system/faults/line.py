"""A line between two network namespaces, as bad as it is told: what netem does, where the kernel has none.

Takes the pids of two processes in the namespaces, makes a TUN interface `line0` in each, says `ready`, and carries IP
packets between them. Lines on stdin say how: LOSS (percent, each way) and DELAY (milliseconds, each way). Ends with stdin.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000


def interface(pid):
    """A TUN interface in the network namespace of a process."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/proc/{pid}/ns/net") as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    end = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", b"line0", IFF_TUN | IFF_NO_PI))
    return end


def main():
    ends = [interface(pid) for pid in sys.argv[1:3]]
    print("ready", flush=True)
    chance = random.Random(20260302)
    loss, delay = 0.0, 0.0
    waiting, count = [], 0  # (when, nth, to, packet)
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([*ends, 0], [], [], pause)
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, to, packet = heapq.heappop(waiting)
            try:
                os.write(to, packet)
            except OSError:
                pass  # the other end is not up
        for end in readable:
            if end == 0:
                told = os.read(0, 1000).decode().split()
                if not told:
                    return
                loss, delay = int(told[-2]) / 100, int(told[-1]) / 1000
                continue
            packet = os.read(end, 65536)
            if chance.random() >= loss:
                count += 1
                to = ends[1 - ends.index(end)]
                heapq.heappush(waiting, (time.monotonic() + delay, count, to, packet))


main()
