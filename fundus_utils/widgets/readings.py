"""What the app shows of one photograph that was read: pictures, warnings, numbers, a ZIP's link."""

import base64
import html
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps

from ..data.faults import Fault
from ..figures import colour_vessels, vessel_overlay
from ..photograph import Bytes, resize
from ..reading import Reading

VIEWS = ("overlay", "coloured vessels", "probability map", "spread of four views")
MOST_SPREAD = 0.25  # the brightest colour of the spread: a standard deviation this large, or more
LINK = "color: #0072B2; text-decoration: underline"
UNITS = {  # of each number, and how it is written
    "density": ("of the field of view is vessel", ".1%"),
    "length": ("diameters of the field of view: all centre lines together", ".1f"),
    "width": ("% of that diameter: the median vessel", ".2f"),
    "dimension": ("fractal dimension of the centre lines", ".2f"),
    "tortuosity": ("length over distance; 1 is straight", ".3f"),
}


def view_of_reading(reading: Reading, view: str, threshold: float) -> Bytes:
    """Return one of the VIEWS of a photograph, uint8 (h, w, 3), cut at a threshold or not."""
    if view == "spread of four views":
        spread = resize(reading.spread, reading.fov.shape)
        coloured = colormaps["magma"]((spread / MOST_SPREAD).clip(0, 1))[..., :3]
        inside = reading.fov[..., None]
        return np.where(inside, np.rint(255 * coloured), 0).astype(np.uint8)
    if view == "probability map":
        grey = np.rint(reading.probability * 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    vessels = reading.probability >= threshold
    if view == "coloured vessels":
        return colour_vessels(reading.photograph, vessels.astype(np.float32))
    return vessel_overlay(reading.photograph, vessels)


def warnings_html(warnings: Sequence[Fault]) -> str:
    """Return a photograph's warnings as a list, or a line that there are none."""
    if not warnings:
        return "<i>No warning. That is no promise: look at the map.</i>"
    lines = [f"It {one.problem}. {one.effect}. {one.cure}." for one in warnings]
    listed = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<b>Careful:</b><ul>{listed}</ul>"


def numbers_html(numbers: Mapping[str, float]) -> str:
    """Return vessel numbers as a table with their units."""
    rows = [
        f"<tr><td>{name}</td><td><b>{numbers[name]:{form}}</b></td><td>{unit}</td></tr>"
        for name, (unit, form) in UNITS.items()
    ]
    return f"<table>{''.join(rows)}</table>"


def links_html(archives: Sequence[bytes]) -> str:
    """Return links that hold ZIP files themselves: no server is asked for them."""
    links = []
    for number, archive in enumerate(archives, start=1):
        name = "vessels.zip" if len(archives) == 1 else f"vessels_{number}.zip"
        content = base64.b64encode(archive).decode("ascii")
        size = f"{len(archive) / 2**20:.1f} MB"
        data = f"data:application/zip;base64,{content}"
        links.append(f'<a download="{name}" href="{data}" style="{LINK}">{name}</a> ({size})')
    return " &nbsp; ".join(links)
