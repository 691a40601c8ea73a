"""A MongoDB replica set of several members on this machine, any of which may be killed."""

import time
from pathlib import Path
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from local_stack.servers import MongoServer

MEMBERS = 3
START_SECONDS = 90.0


class MongoMembers:
    """Three servers, of which two are a majority."""

    def __init__(self, directory: Path) -> None:
        """Keep data and logs in `directory`; nothing is started yet."""
        self._members = [
            MongoServer(directory / f"member-{number}", directory / f"member-{number}.log")
            for number in range(MEMBERS)
        ]

    @property
    def uri(self) -> str:
        """Connection string that names all of them."""
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self._members)
        return f"mongodb://{hosts}/?replicaSet=rs0"

    def start(self) -> None:
        """Start all and wait until one of them is the primary of all."""
        for member in self._members:
            member.launch()
        members = [
            {"_id": number, "host": f"127.0.0.1:{member.port}"}
            for number, member in enumerate(self._members)
        ]
        # a primary that is silent for two seconds is replaced, instead of ten
        settings = {"electionTimeoutMillis": 2_000}
        configuration = {"_id": "rs0", "members": members, "settings": settings}
        for member in self._members:
            self._ask(member, "ping")
        self._ask(self._members[0], {"replSetInitiate": configuration})
        self.primary()

    def primary(self) -> MongoServer:
        """Return the member that is the primary, as soon as there is one."""
        with pymongo.MongoClient[dict[str, Any]](
            self.uri, serverSelectionTimeoutMS=round(START_SECONDS * 1000)
        ) as client:
            client.admin.command("ping")
            assert client.primary is not None
            _, port = client.primary
        return next(member for member in self._members if member.port == port)

    def kill(self) -> None:
        """End all of them."""
        for member in self._members:
            member.kill()

    @staticmethod
    def _ask(member: MongoServer, command: str | dict[str, Any]) -> None:
        """Give a command to one member, as soon as it listens."""
        deadline = time.monotonic() + START_SECONDS
        direct = f"mongodb://127.0.0.1:{member.port}/?directConnection=true"
        with pymongo.MongoClient[dict[str, Any]](direct, serverSelectionTimeoutMS=500) as client:
            while True:
                try:
                    client.admin.command(command)
                except PyMongoError:
                    if time.monotonic() > deadline or not member.process.is_running:
                        raise
                    time.sleep(0.1)
                else:
                    return
