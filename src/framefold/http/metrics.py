"""Metrics: the facts of the status as Prometheus reads them, looked up when it asks."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from framefold.http.description import installed_version
from framefold.http.metric_table import METRICS, Family, Kind
from framefold.http.query import no_parameters
from framefold.http.services import Services

REGISTRY = web.AppKey("metrics", CollectorRegistry)
"""Of this application alone: what other libraries put into the global one is not ours to show."""

_RANGE = re.compile(
    r"\s*(?:application/openmetrics-text|text/plain)"
    r"(?:\s*;\s*(?:version=(?:0\.0\.1|0\.0\.4|1\.0\.0)|(?!version)[a-z]+=[\w.-]{0,40}))*\s*"
)
"""Media ranges with versions that there are. The encoders take any other for a number, which
fails, or put it into their answer."""

_MOST_LABELS = 1000
"""No family has more samples than that, whatever is configured."""


@dataclass(frozen=True, slots=True)
class StatusCollector(Collector):
    """Reads everything at the moment it is asked; keeps nothing.

    Parameters
    ----------
    services : Services
    """

    services: Services

    def collect(self) -> Iterator[Metric]:
        """All families; those of parts that are not there have no samples."""
        version = {"version": installed_version(), "python": platform.python_version()}
        yield InfoMetricFamily("framefold_build", "What is running.", version)
        services = self.services
        facts = {
            **services.status(),
            "http": {
                "held": services.updates.held,
                "watched": services.updates.watched,
                "remembered": len(services.history.runs()),
            },
        }
        for family in METRICS:
            yield _made(family, facts)


def _made(family: Family, facts: Mapping[str, object]) -> Metric:
    found = family.read(facts)
    if family.kind is Kind.STATE:
        states = StateSetMetricFamily(family.name, family.help, labels=())
        if isinstance(found, str):
            states.add_metric((), {state: state == found for state in family.states})
        return states
    made = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = made(family.name, family.help, labels=family.labels, unit=family.unit)
    if not family.labels:
        if _is_number(found):
            metric.add_metric((), float(found))  # type: ignore[arg-type]
    elif isinstance(found, Mapping):
        for label, value in list(found.items())[:_MOST_LABELS]:
            if _is_number(value):
                metric.add_metric((str(label),), float(value))
    return metric


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def registry(services: Services) -> CollectorRegistry:
    """A registry with everything there is to tell of these services."""
    made = CollectorRegistry()
    made.register(StatusCollector(services))
    return made


def understood(accept: Iterable[str]) -> str:
    """What of some Accept headers is about forms that metrics have; the rest is left out."""
    ranges = (part for value in accept for part in value.split(","))
    return ",".join(part.strip() for part in ranges if _RANGE.fullmatch(part))


async def metrics(request: web.Request) -> web.Response:
    """Everything that is counted, as text for Prometheus or as OpenMetrics."""
    no_parameters(request)
    encode, media_type = choose_encoder(understood(request.headers.getall(hdrs.ACCEPT, [])))
    body = encode(request.app[REGISTRY])
    return web.Response(
        body=body, headers={hdrs.CONTENT_TYPE: media_type, hdrs.CACHE_CONTROL: "no-store"}
    )
