"""Shipped UDFs, one file each, by the name that configuration and commands use."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from framefold.errors import ParameterError, nearest
from framefold.registry import Registry, load_target

UDFS = Registry(
    "UDF",
    {
        "com": "framefold.analyses.com:CoMUDF",
        "crystallinity": "framefold.analyses.crystallinity:CrystallinityUDF",
        "fem": "framefold.analyses.fem:FEMUDF",
        "logsum": "framefold.analyses.logsum:LogsumUDF",
        "masks": "framefold.analyses.masks:ApplyMasksUDF",
        "max": "framefold.analyses.max:MaxUDF",
        "noop": "framefold.analyses.noop:NoOpUDF",
        "partition_monitor": "framefold.analyses.monitor:PartitionMonitorUDF",
        "pick": "framefold.analyses.pick:PickUDF",
        "pick_shifted": "framefold.analyses.pick_shifted:PickShiftedUDF",
        "radial_profile": "framefold.analyses.radial_profile:RadialProfileUDF",
        "record": "framefold.analyses.record:RecordUDF",
        "signal_monitor": "framefold.analyses.monitor:SignalMonitorUDF",
        "stddev": "framefold.analyses.stddev:StdDevUDF",
        "sum": "framefold.analyses.sum:SumUDF",
        "sumsig": "framefold.analyses.sumsig:SumSigUDF",
        "virtual_detector": "framefold.analyses.virtual_detector:VirtualDetectorUDF",
    },
    group="framefold.udfs",
)


def make_udf(name: str, parameters: Mapping[str, Any] | None = None) -> Any:
    """A UDF by name, from parameters as a configuration file or a command line gives them.

    Parameters
    ----------
    name : str
        One of ``UDFS.names()``, or ``"module:Class"`` for a class of the user's own.
    parameters : mapping, optional
        Keyword arguments of the class's ``with_params`` if it has one, else of the class; plain
        numbers, texts and lists.

    Returns
    -------
    framefold.udf.UDF

    Raises
    ------
    UnknownNameError
        If no UDF has that name.
    ImportError, AttributeError
        If ``"module:Class"`` is not there.
    ParameterError
        If a parameter is unknown (it names the nearest one), missing, or does not fit.
    """
    udf = load_target(name) if ":" in name else UDFS.load(name)
    factory = getattr(udf, "with_params", udf)
    given = dict(parameters or {})
    known = inspect.signature(factory).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values())
    names = [
        n
        for n, p in known.items()
        if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD) and n[0] != "_"
    ]
    for key in given:
        if key not in names and not open_ended:
            close = nearest(key, names)
            hint = f"; did you mean {close!r}?" if close else ""
            listed = ", ".join(names) or "none"
            raise ParameterError(f"UDF {name!r} has no parameter {key!r}{hint} (it has: {listed})")
    missing = [n for n in names if n not in given and known[n].default is inspect.Parameter.empty]
    if missing:
        raise ParameterError(f"UDF {name!r} needs the parameter {missing[0]!r}")
    return factory(**given)
