"""Puts a DataFrame for Go to chart, and tells what it reads of one that Go has put.

main.go says how to run it. CACHETTE_REDIS_URL chooses another Redis than redis://localhost:6379, PORT another port than 8000.
"""

from os import environ

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi_cachette import Cachette
from numpy import cos, pi
from pandas import DataFrame, date_range

KEY = "weather"  # what Go calls the frame

app = FastAPI()


@Cachette.load_config
def config():
    return [
        ("backend", "redis"),
        ("redis_url", environ.get("CACHETTE_REDIS_URL", "redis://localhost:6379")),
        ("codec", "feather"),
        ("ttl", 3600),
    ]


def sample() -> DataFrame:
    """Makes the frame that Python puts: a day, a month after Go's, with a row every 10 minutes."""
    times = date_range("2026-04-01", periods=24 * 6, freq="10min", tz="UTC")
    warmth = -cos((times.hour + times.minute / 60 - 3) / 12 * pi)
    frame = DataFrame({"attic": 19 + 6 * warmth, "cellar": 11.5 + 0.5 * warmth, "garden": 9 + 9 * warmth}).round(1)
    frame.insert(0, "time", times)
    frame.loc[30:41, "cellar"] = None  # the sensor was silent
    frame.loc[120:125, "garden"] = None
    return frame


def describe(frame: DataFrame) -> dict:
    return frame.set_index("time").describe().to_dict()


@app.post("/frame")
async def put(cachette: Cachette = Depends()):
    frame = sample()
    await cachette.put(KEY, frame)
    return describe(frame)


@app.get("/frame")
async def fetch(cachette: Cachette = Depends()):
    frame = await cachette.fetch(KEY)
    if frame is None:
        raise HTTPException(404, "there is no frame: put one with POST /frame, here or in Go")
    return describe(frame)


if __name__ == "__main__":
    uvicorn.run(app, port=int(environ.get("PORT", 8000)))
