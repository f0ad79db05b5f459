# SPDX-License-Identifier: GPL-3.0-or-later
"""What container engines tell about a container: the bodies of
GET /containers/NAME/json, whole, in the shapes of three of them.

"docker": Docker 20.10.24, API 1.41, as a running one answered. "docker-new": the
same with what API 1.52 (Docker 29) no longer returns taken out (moby, api/docs/
CHANGELOG.md, v1.52: everything in NetworkSettings about the default bridge) and
what versions since 1.41 have put in. "podman": Podman 4.3.1, as a running one
answered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

NEVER = "0001-01-01T00:00:00Z"
STARTED = "2026-03-01T08:00:01.182736455Z"
FINISHED = "2026-03-01T09:30:00.415926535Z"

# Status: whether State.Running is true, and whether there is a process. A Docker
# container that waits for its restart is "running" without one.
STATUSES = {
    "running": (True, True),
    "paused": (True, True),
    "restarting": (True, False),
    "created": (False, False),
    "exited": (False, False),
    # Podman: the process is gone, what it leaves is not yet cleaned up.
    "stopped": (False, False),
    "dead": (False, False),
    "removing": (False, False),
}


@dataclass
class Container:
    """A container as a test states it. `networks`: name to (IPv4, IPv6), either
    may be "". `mounts`: (type, source, destination)."""

    name: str
    pid: int = 0
    networks: dict[str, tuple[str, str]] = field(default_factory=dict)
    network_mode: str | None = None
    mounts: list[tuple[str, str, str]] = field(default_factory=list)
    status: str = "running"
    exit_code: int = 0
    # By the name they are called in it (engine_exec.py, Program).
    programs: dict[str, Callable[[Any], int]] = field(default_factory=dict)
    image: str = "docker.example.test/homeserver:latest"
    id: str = ""

    def __post_init__(self) -> None:
        assert self.status in STATUSES, self.status
        self.id = self.id or digest(self.name)

    @property
    def running(self) -> bool:
        return STATUSES[self.status][0]

    @property
    def has_process(self) -> bool:
        return STATUSES[self.status][1]


def digest(*parts: str) -> str:
    """64 hexadecimal digits, as an engine's ids are."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def inspected(container: Container, dialect: str) -> dict[str, Any]:
    """The body; its keys come in the engine's order."""
    podman = dialect == "podman"
    place = "/run/containers/storage/overlay-containers" if podman else "/var/lib/docker/containers"
    folder = f"{place}/{container.id}" + ("/userdata" if podman else "")

    def file(name: str) -> str:
        return "" if container.status == "created" else f"{folder}/{name}"

    return {
        "Id": container.id,
        "Created": "2026-03-01T08:00:00.930164777Z",
        "Path": "/start.py",
        "Args": ["run"],
        "State": state(container, dialect),
        "Image": "sha256:" + digest("image", container.image),
        "ResolvConfPath": file("resolv.conf"),
        "HostnamePath": file("hostname"),
        "HostsPath": file("hosts"),
        "LogPath": f"{folder}/ctr.log" if podman else file(f"{container.id}-json.log"),
        # Also Podman's, in this API.
        "Name": "/" + container.name,
        "RestartCount": 0,
        "Driver": "overlay" if podman else "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "" if podman else "docker-default",
        "ExecIDs": [] if podman else None,
        "HostConfig": host_config(container, dialect),
        "GraphDriver": {
            "Data": {"MergedDir": f"/var/lib/storage/{container.id[:26]}/merged"},
            "Name": "overlay" if podman else "overlay2",
        },
        **({"SizeRootFs": 0} if podman else {}),
        "Mounts": [mount(*one, podman=podman) for one in container.mounts],
        "Config": config(container, dialect),
        "NetworkSettings": network_settings(container, dialect),
    }


def state(container: Container, dialect: str) -> dict[str, Any]:
    created = container.status == "created"
    told = {
        "Status": container.status,
        "Running": container.running,
        "Paused": container.status == "paused",
        "Restarting": container.status == "restarting",
        "OOMKilled": False,
        "Dead": container.status == "dead",
        "Pid": container.pid if container.has_process else 0,
        "ExitCode": container.exit_code,
        "Error": "",
        "StartedAt": NEVER if created else STARTED,
        "FinishedAt": NEVER if created or container.has_process else FINISHED,
    }
    if dialect == "podman":
        told["Health"] = {"Status": "", "FailingStreak": 0, "Log": None}
    return told


def network_mode(container: Container, dialect: str) -> str:
    """As the engine writes it: Podman says "bridge" for networks of any name."""
    if container.network_mode is not None:
        return container.network_mode
    if dialect == "podman":
        return "bridge"
    first = next(iter(container.networks), "bridge")
    return "default" if first == "bridge" and dialect == "docker" else first


def host_config(container: Container, dialect: str) -> dict[str, Any]:
    podman = dialect == "podman"
    none: list[Any] | None = [] if podman else None
    some: list[Any] | None = None if podman else []
    told = {
        "Binds": [f"{m[1]}:{m[2]}" for m in container.mounts if m[0] == "bind"] or none,
        "ContainerIDFile": "",
        "LogConfig": {"Type": "json-file", "Config": None if podman else {}},
        "NetworkMode": network_mode(container, dialect),
        "PortBindings": {},
        "RestartPolicy": {"Name": "" if podman else "no", "MaximumRetryCount": 0},
        "AutoRemove": False,
        "VolumeDriver": "",
        "VolumesFrom": None,
        "CapAdd": none,
        "CapDrop": ["ALL"],
        "CgroupnsMode": "" if podman else "private",
        "Dns": [],
        "DnsOptions": [],
        "DnsSearch": [],
        "ExtraHosts": none,
        "GroupAdd": none,
        "IpcMode": "shareable" if podman else "private",
        "Cgroup": "",
        "Links": None,
        "OomScoreAdj": 0,
        "PidMode": "private" if podman else "",
        "Privileged": False,
        "PublishAllPorts": False,
        "ReadonlyRootfs": True,
        "SecurityOpt": none,
        "UTSMode": "private" if podman else "",
        "UsernsMode": "",
        "ShmSize": 65536000 if podman else 67108864,
        "Runtime": "oci" if podman else "runc",
        "ConsoleSize": [0, 0],
        "Isolation": "",
        "CpuShares": 0,
        "Memory": 0,
        "NanoCpus": 0,
        "CgroupParent": "",
        "BlkioWeight": 0,
        "BlkioWeightDevice": some,
        "BlkioDeviceReadBps": some,
        "BlkioDeviceWriteBps": some,
        "BlkioDeviceReadIOps": some,
        "BlkioDeviceWriteIOps": some,
        "CpuPeriod": 0,
        "CpuQuota": 0,
        "CpuRealtimePeriod": 0,
        "CpuRealtimeRuntime": 0,
        "CpusetCpus": "",
        "CpusetMems": "",
        "Devices": [],
        "DeviceCgroupRules": None,
        "DeviceRequests": None,
        "MemoryReservation": 0,
        "MemorySwap": 0,
        "MemorySwappiness": 0 if podman else None,
        "OomKillDisable": False,
        "PidsLimit": 2048 if podman else None,
        "Ulimits": [],
        "CpuCount": 0,
        "CpuPercent": 0,
        "IOMaximumIOps": 0,
        "IOMaximumBandwidth": 0,
        "MaskedPaths": None if podman else ["/proc/acpi", "/proc/kcore", "/sys/firmware"],
        "ReadonlyPaths": None if podman else ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
    }
    if dialect != "docker-new":
        told |= {"KernelMemory": 0, "KernelMemoryTCP": 0}
    return told


def mount(kind: str, source: str, destination: str, podman: bool) -> dict[str, Any]:
    if kind == "volume":
        return {
            "Type": kind,
            "Name": source.rstrip("/").split("/")[-2] if source.count("/") > 1 else source,
            "Source": source,
            "Destination": destination,
            "Driver": "local",
            "Mode": "" if podman else "z",
            "RW": True,
            "Propagation": "rprivate" if podman else "",
        }
    return {
        "Type": kind,
        "Source": source,
        "Destination": destination,
        "Mode": "",
        "RW": True,
        "Propagation": "rprivate" if kind == "bind" else "",
    }


def config(container: Container, dialect: str) -> dict[str, Any]:
    podman = dialect == "podman"
    told = {
        "Hostname": container.id[:12],
        "Domainname": "",
        "User": "991:991",
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        # Never to be believed, or told to anybody: what runs in there may have
        # its secrets here.
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "A_SECRET=Engine_environment_secret"],
        "Cmd": ["run"],
        "Image": container.image,
        "Volumes": None,
        "WorkingDir": "/",
        "Entrypoint": ["/start.py"],
        "OnBuild": None,
        "Labels": {"org.opencontainers.image.title": "homeserver"},
    }
    if podman:
        told |= {"StopSignal": "15", "StopTimeout": 10}
    if dialect == "docker-new":
        del told["OnBuild"]
    return told


def network_settings(container: Container, dialect: str) -> dict[str, Any]:
    mode = network_mode(container, dialect)
    shares = mode.startswith("container:")
    # Docker forgets the addresses when the process ends; Podman does when it has
    # cleaned up, which a container that is still "stopped" says has not been.
    up = container.has_process or (dialect == "podman" and container.status == "stopped")
    networks = {
        name: endpoint(container, name, *(addresses if up else ("", "")), dialect)
        for name, addresses in container.networks.items()
    }
    if dialect != "podman" and mode in ("host", "none") and not networks:
        networks = {mode: endpoint(container, mode, "", "", dialect)}
    sandbox = "" if container.status == "created" else digest("sandbox", container.id)
    if shares if dialect != "podman" else not (shares or networks and up):
        sandbox = ""
    told: dict[str, Any] = {
        "Bridge": "",
        "SandboxID": "" if dialect == "podman" else sandbox,
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Ports": {},
        "SandboxKey": sandbox and f"/run/netns/{sandbox[:12]}",
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
    }
    # The default network's endpoint, once more.
    default = networks.get("podman" if dialect == "podman" else "bridge", {})
    for key, empty in TOP_LEVEL.items():
        told[key] = default.get(key, empty)
    told["Networks"] = networks
    if dialect == "docker-new":
        kept = ("SandboxID", "SandboxKey", "Ports", "Networks")
        told = {key: told[key] for key in kept}
    return told


TOP_LEVEL: dict[str, Any] = {
    "EndpointID": "",
    "Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "MacAddress": "",
}


def endpoint(
    container: Container, network: str, ipv4: str, ipv6: str, dialect: str
) -> dict[str, Any]:
    podman = dialect == "podman"
    up = bool(ipv4 or ipv6)
    short = container.id[:12]
    aliases = [short] if podman or network != "bridge" else None
    told: dict[str, Any] = {
        "IPAMConfig": None,
        "Links": None,
        "Aliases": None if dialect == "docker-new" else aliases,
        "NetworkID": network_id(container, network, podman),
        "EndpointID": digest("endpoint", container.id, network) if up and not podman else "",
        "Gateway": ipv4.rpartition(".")[0] + ".1" if ipv4 else "",
        "IPAddress": ipv4,
        "IPPrefixLen": 24 if ipv4 else 0,
        "IPv6Gateway": ipv6.rpartition(":")[0] + ":1" if ipv6 else "",
        "GlobalIPv6Address": ipv6,
        "GlobalIPv6PrefixLen": 64 if ipv6 else 0,
        "MacAddress": "02:42:c6:12:00:02" if up else "",
        "DriverOpts": None,
    }
    if dialect == "docker-new":
        told |= {"GwPriority": 0, "DNSNames": [container.name, short]}
    return told


def network_id(container: Container, network: str, podman: bool) -> str:
    if podman:
        return network
    return "" if container.status == "created" else digest("network", network)
