"""Runs commands where no way leads out, and counts who tried: `unshare --map-root-user --net python no_network.py COMMANDS`.

COMMANDS is a list of command lines, as JSON. In the new network namespace loopback is all there is; the kernel counts there,
for every process and library alike, what was sent and what had no route. Prints the counts as the last line.
"""

import fcntl
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # netdevice(7)


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def counts() -> dict[str, int]:
    """TcpActiveOpens, IpOutNoRoutes, Ip6OutNoRoutes and the others of /proc/net/snmp and snmp6."""
    rows = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    found = {
        row[0].rstrip(":") + name: int(value)
        for row, values in zip(rows[::2], rows[1::2], strict=True)
        for name, value in zip(row[1:], values[1:], strict=True)
    }
    return found | {
        name: int(value)
        for name, value in (line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    }


loopback_up()
codes = [subprocess.run(command, check=False).returncode for command in json.loads(sys.argv[1])]
sys.stdout.write(
    json.dumps({"codes": codes, "interfaces": [name for _, name in socket.if_nameindex()]} | counts()) + "\n"
)
