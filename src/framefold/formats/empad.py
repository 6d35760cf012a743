"""EMPAD recordings: raw frames of 130 rows, the last two of them not image, and their XML."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from framefold.core.scan_shapes import Guess
from framefold.errors import DataError
from framefold.formats.files import FileDataSet
from framefold.formats.mapped import MappedFrames
from framefold.formats.opened import FileIdentity
from framefold.formats.request import Request
from framefold.formats.stack import Stack, one_segment, whole_frames

SUMMARY = "EMPAD raw frames, or the .xml beside them"

_ROWS, _FOOTER, _COLUMNS = 128, 2, 128

_DTYPE = np.dtype("<f4")

_STRIDE = (_ROWS + _FOOTER) * _COLUMNS * _DTYPE.itemsize

_MOST_XML = 1 << 20
"""A longer file is no description of a recording [bytes]."""

_MOST_FILES = 1000
"""XML files that are looked through for the one that names a raw file."""

_TOLD = ("timestamp", "software_version", "type", "exposure_time", "count")


def understands(path: str | os.PathLike[str]) -> str | None:
    """The reason, if it is EMPAD's XML, or raw frames that some XML beside them names.

    Raw frames without XML are taken for EMPAD's if their file is called ``.raw``, has room for
    whole frames and begins with one of sane numbers: they have no mark of their own.
    """
    name = Path(path)
    if _read_xml(name) is not None:
        return "XML that names an EMPAD raw file"
    if name.suffix.lower() != ".raw":
        return None
    size = name.stat().st_size
    if size % _STRIDE or not size or not _looks_right(name):
        return None
    beside = _xml_of(name)
    if beside is not None:
        return f"{beside.name} names it as EMPAD's raw file"
    return f"a .raw file of {size // _STRIDE} times 130 x 128 float32, as EMPAD writes them"


def open_file(path: str | os.PathLike[str], request: Request) -> FileDataSet:
    """An EMPAD recording as a data set, used in place.

    Parameters
    ----------
    path : path-like
        The raw file, or the XML file that names it; the latter tells the scan shape.
    request : Request
        What the user said; everything may be left out.

    Raises
    ------
    DataError
        If there is no raw file, or it holds no frame.

    Notes
    -----
    Each frame is 130 x 128 float32, little endian; its last two rows are not image. Format:
    Tate et al., Microscopy and Microanalysis 22 (2016) 237, and recordings.
    """
    named = Path(FileIdentity.of(path).path)
    described = _read_xml(named)
    if described is None:
        raw, xml = named, _xml_of(named)
        described = None if xml is None else _read_xml(xml)
    else:
        raw, xml = _raw_of(named, described), named
    identity = FileIdentity.of(raw)
    frame_bytes = _ROWS * _COLUMNS * _DTYPE.itemsize
    # a file that ends right behind the image of its last frame lacks nothing that matters
    frames = whole_frames(identity.size, 0, _STRIDE, frame_bytes)
    rest = identity.size - frames * _STRIDE
    hint = None if described is None else _scan(described)
    promised = max(frames, 0 if hint is None else int(np.prod(hint.shape)))
    problems = [f"cut off: {rest} bytes of a frame at its end"] if 0 < rest < frame_bytes else []
    if promised > frames:
        problems.append(f"{promised - frames} of {promised} frames of the scan are missing")
    return Stack(
        identity,
        "empad",
        understands(identity.path) or "told by the user",
        (_ROWS, _COLUMNS),
        _DTYPE,
        one_segment(MappedFrames(identity, 0, _STRIDE, frames, _ROWS * _COLUMNS, _DTYPE)),
        promised,
        hints=() if hint is None else (hint,),
        problems=tuple(problems),
        metadata=_metadata(described, xml),
    ).data_set(request)


def _read_xml(path: Path) -> ET.Element | None:
    """The description of an EMPAD recording; None if the file is none."""
    if path.suffix.lower() != ".xml" or path.stat().st_size > _MOST_XML:
        return None
    content = path.read_bytes()
    # entities can grow without bound, and no description of a recording needs them
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return None
    try:
        root = ET.fromstring(content)  # noqa: S314 - no entities, see above
    except ET.ParseError:
        return None
    return root if root.find("raw_file") is not None else None


def _raw_of(xml: Path, root: ET.Element) -> Path:
    """The raw file that a description names, in its own folder."""
    element = root.find("raw_file")
    named = "" if element is None else element.get("filename", "").strip()
    # written on Windows, often with the whole path it had there
    name = named.replace("\\", "/").rpartition("/")[2]
    raw = xml.with_name(name) if name not in ("", ".", "..") and "\x00" not in name else None
    if raw is None or not raw.is_file():
        raise DataError(
            f"{xml} names the raw file {named!r}, which is not beside it; put it there, or name "
            "the raw file itself"
        )
    return raw


def _xml_of(raw: Path) -> Path | None:
    """The description beside a raw file."""
    beside = sorted(p for p in raw.parent.iterdir() if p.suffix.lower() == ".xml")
    for xml in beside[:_MOST_FILES]:
        root = _read_xml(xml)
        element = None if root is None else root.find("raw_file")
        named = "" if element is None else element.get("filename", "")
        if named.strip().replace("\\", "/").rpartition("/")[2] == raw.name:
            return xml
    return None


def _scan(root: ET.Element) -> Guess | None:
    """The scan that a description tells."""
    for parameters in root.iter("scan_parameters"):
        if parameters.get("mode", "acquire") == "acquire":
            lines = _whole(parameters.findtext("scan_resolution_y"))
            width = _whole(parameters.findtext("scan_resolution_x"))
            if lines and width:
                return Guess((lines, width), "scan_resolution of the XML file", "certain")
    lines, width = _whole(root.findtext("pix_y")), _whole(root.findtext("pix_x"))
    if lines and width:
        return Guess((lines, width), "pix_x and pix_y of the XML file", "certain")
    count = _whole(root.findtext("scan_parameters/series_count")) or _whole(root.findtext("count"))
    if count and root.findtext("type", "").strip() == "series":
        return Guess((count,), "a series, by the XML file", "certain")
    return None


def _whole(text: str | None) -> int:
    word = (text or "").strip()
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else 0


def _looks_right(path: Path) -> bool:
    """Whether the first frame could be one: finite numbers of a size that detectors give."""
    first = np.fromfile(path, dtype=_DTYPE, count=_ROWS * _COLUMNS)
    return bool(np.isfinite(first).all() and (np.abs(first) < 1e12).all())


def _metadata(root: ET.Element | None, xml: Path | None) -> dict[str, object]:
    if root is None or xml is None:
        return {}
    told: dict[str, object] = {"xml": xml.name, "name": root.get("name", "")}
    for tag in _TOLD:
        element = root.find(tag)
        if element is not None:
            told[tag] = (element.text or element.get("isoformat") or "").strip()
    return told
