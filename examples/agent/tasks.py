"""Something that an agent may want to know."""

import math
from typing import Any

from jobs import Fail, task

EARTH_KM = 6371.0
#: Latitude and longitude in degrees.
CITIES = {
    "Berlin": (52.52, 13.41), "Cairo": (30.04, 31.24), "Lima": (-12.05, -77.04),
    "Nairobi": (-1.29, 36.82), "Osaka": (34.69, 135.50), "Paris": (48.86, 2.35),
}  # fmt: skip


@task("agent.distance")
def distance(ctx: Any, item: list[str]) -> dict[str, Any]:
    """Kilometres along the surface of the Earth between two cities, a list of two names."""
    for city in item:
        if city not in CITIES:
            raise Fail(f"{city} is not on the map; there are {', '.join(CITIES)}")
    (lat_a, lon_a), (lat_b, lon_b) = (map(math.radians, CITIES[city]) for city in item)
    # The haversine formula, https://en.wikipedia.org/wiki/Haversine_formula
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return {"between": item, "km": round(2 * EARTH_KM * math.asin(math.sqrt(half)))}
