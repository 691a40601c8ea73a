"""What `POST /jobs` is measured against: FastAPI, one insert with pymongo, and nothing else.

`python bare_endpoint.py PORT` with `MONGODB_URI` in the environment.
"""

import os
import sys
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from pymongo import AsyncMongoClient

app = FastAPI()
client: AsyncMongoClient[dict[str, Any]] | None = None


class Wanted(BaseModel):
    """The body of a recurring job."""

    action: str
    payload: dict[str, Any]
    type: str
    intervalMinutes: float  # noqa: N815  # as users write it


@app.post("/jobs", status_code=201)
async def create_job(wanted: Wanted) -> dict[str, str]:
    """Insert one document."""
    global client  # a client belongs to the running loop
    if client is None:
        client = AsyncMongoClient(os.environ["MONGODB_URI"], w="majority")
    now = datetime.now(UTC)
    document = {**wanted.model_dump(), "status": "pending", "createdAt": now, "nextRunAt": now}
    inserted = await client["bare"]["jobs"].insert_one(document)
    return {"id": str(inserted.inserted_id)}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_config=None, server_header=False)
