"""Handlers of arrays: a result channel, or the coverage, in the representation asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from aiohttp import hdrs, web

from framefold import representations
from framefold.core.coverage import PositionState
from framefold.core.snapshot import Channel, Snapshot
from framefold.errors import nearest
from framefold.http.conditional import entity_tag
from framefold.http.description import COVERAGE, coverage_channel
from framefold.http.negotiation import acceptable
from framefold.http.observation import Observation, find, observe
from framefold.http.problems import Problem
from framefold.http.query import parameters
from framefold.http.scans import OPTIONS as SCANS
from framefold.http.scans import rule_of
from framefold.http.services import SERVICES
from framefold.representations import Representation
from framefold.representations.selection import OPTIONS as SELECTION
from framefold.representations.selection import select

# coverage is a state, not an amount: each has its own colour unless something else is asked for
_COVERAGE_LOOK = {"png": {"cmap": "states", "limits": f"0,{max(PositionState)}"}}


@dataclass(frozen=True, slots=True)
class _Target:
    """What a path names: where to find the channel in a snapshot, and in which form."""

    resource: str
    pick: Callable[[Snapshot], Channel]
    suffix: str | None
    look: Mapping[str, Mapping[str, str]]


async def result(request: web.Request) -> web.Response:
    """One result channel."""
    udf, leaf = request.match_info["udf"], request.match_info["channel"]
    run = await find(request.app[SERVICES], request.match_info["acquisition"])
    name, suffix = _split(leaf, run.latest.results.get(udf, {}))
    return await _serve(
        request, _Target(f"{udf}/{name}", lambda s: _channel(s, udf, name), suffix, {})
    )


async def coverage(request: web.Request) -> web.Response:
    """The state of every position."""
    _, dot, suffix = request.match_info["leaf"].partition(".")
    target = _Target(COVERAGE, coverage_channel, suffix if dot else None, _COVERAGE_LOOK)
    return await _serve(request, target)


def _split(leaf: str, channels: Mapping[str, Channel]) -> tuple[str, str | None]:
    """A channel name and the suffix behind it; a name with a dot in it stays whole."""
    if leaf in channels or "." not in leaf:
        return leaf, None
    name, _, suffix = leaf.rpartition(".")
    return name, suffix


def _channel(snapshot: Snapshot, udf: str, name: str) -> Channel:
    """The channel of that name.

    Raises
    ------
    Problem
        If there is none, or its UDF raised.
    """
    group = snapshot.results.get(udf)
    if group is None or name not in group:
        for failure in snapshot.failures:
            if failure.udf == udf:
                raise Problem("udf-failed", f"UDF {udf!r} raised: {failure.error}")
    if group is None:
        raise _unknown("unknown-udf", "UDF", udf, snapshot.results)
    if name not in group:
        raise _unknown("unknown-channel", f"channel of UDF {udf!r}", name, group)
    return group[name]


def _unknown(kind: str, what: str, name: str, known: Mapping[str, object]) -> Problem:
    close = nearest(name[:100], known)
    listed = ", ".join(sorted(known)[:50]) or "none"
    return Problem(
        kind,
        f"there is no {what} named {name[:100]!r}",
        hint=(f"did you mean {close!r}? " if close else "") + f"there are: {listed}",
    )


async def _serve(request: web.Request, target: _Target) -> web.Response:
    form = choose(request, target.suffix)
    options = parameters(request, (*SELECTION, *SCANS, *form.options))
    seen, channel = await _observed(request, target, options)
    if channel.data.dtype.hasobject:
        raise Problem(
            "not-acceptable",
            f"the values of {target.resource!r} are Python objects, which are never sent",
            hint="declare the buffer with a numeric dtype",
        )
    part = select(channel, options)
    headers = {**seen.headers, **array_facts(part), **_state(part, seen), hdrs.VARY: hdrs.ACCEPT}
    if seen.is_known:
        return web.Response(status=304, headers=headers)
    own = {name: options[name] for name in options if name not in (*SELECTION, *SCANS)}
    own = {**target.look.get(form.name, {}), **own} if "cmap" not in own else own
    check_size(form, part, own, request.app[SERVICES].max_response_bytes)
    key = (seen.tag, form.name, tuple(sorted({**options, **own}.items())))
    body = await request.app[SERVICES].bodies.get(key, lambda: form(part, own))
    return web.Response(body=body, content_type=form.media_type, headers=headers)


async def _observed(
    request: web.Request, target: _Target, options: Mapping[str, str]
) -> tuple[Observation, Channel]:
    """What a request gets to see; in another scan than the run's, if it asks for one."""
    run = await find(request.app[SERVICES], request.match_info["acquisition"])
    rule, text = rule_of(options, run.latest.acquisition.nav_shape)
    resource = f"{target.resource}?{text}" if text else target.resource
    seen = await observe(
        request, lambda r, s: entity_tag(r.ident, resource, target.pick(s).version)
    )
    if rule is None:
        return seen, target.pick(seen.snapshot)
    # made of what is there now, which may be newer than what the tag names: hence a weak one
    other = await asyncio.to_thread(seen.run.refolded, rule)
    tag = seen.tag if seen.tag.startswith("W/") else f"W/{seen.tag}"
    return replace(seen, tag=tag, snapshot=other), target.pick(other)


def choose(request: web.Request, suffix: str | None) -> Representation:
    """The representation asked for, by suffix or Accept.

    Raises
    ------
    Problem
        If none will do.
    """
    names = representations.names()
    hint = f"there are: {', '.join('.' + name for name in names)}"
    if suffix is not None:
        if suffix not in names:
            raise Problem("not-acceptable", f"no representation {'.' + suffix[:50]!r}", hint=hint)
        return representations.representation(suffix)
    forms = [representations.representation(name) for name in names]
    wanted = request.headers.getall(hdrs.ACCEPT, [])
    media_type = acceptable(wanted, [form.media_type for form in forms])
    for form in forms:
        if form.media_type == media_type:
            return form
    types = ", ".join(form.media_type for form in forms)
    raise Problem("not-acceptable", f"only these can be made: {types}", hint=hint)


def array_facts(channel: Channel) -> dict[str, str]:
    """What a client must know of an array that its bytes may not say."""
    return {
        "X-Array-Shape": ",".join(map(str, channel.data.shape)),
        "X-Array-Dtype": channel.data.dtype.newbyteorder("<").str,
        "X-Valid-Fraction": f"{channel.valid_fraction:.6g}",
    }


def _state(channel: Channel, seen: Observation) -> dict[str, str]:
    """How far the run has come."""
    return {
        "X-Result-Complete": "true" if seen.snapshot.state.is_final else "false",
        "X-Result-Version": str(channel.version),
    }


def check_size(
    form: Representation, channel: Channel, options: Mapping[str, str], limit_bytes: int
) -> None:
    """Refuse what could be larger than the limit, from shapes alone, before it is made."""
    size = form.estimate(channel, options)
    if size > limit_bytes:
        raise Problem(
            "too-large",
            f"as {form.name} this is up to {size} bytes; the limit is {limit_bytes}",
            hint="ask for a part, e.g. ?slice=0:64,0:64, or for a picture with ?size=512",
        )
