"""Drawn (synthetic) fundus photographs with their vessel labels: the data set `synthetic`.

`draw_eye` goes the whole way: ranges -> growth -> raster -> fundus, disease -> camera, observers.
`draw_set` writes many eyes as files. Nothing here needs the rest of the course.
"""

from .eye import DrawnEye, draw_eye, draw_photograph
from .ranges import CAMERAS, SICK, EyeRanges
from .writing import COUNT, FOLDERS, SEED, draw_set

__all__ = [
    "CAMERAS",
    "COUNT",
    "FOLDERS",
    "SEED",
    "SICK",
    "DrawnEye",
    "EyeRanges",
    "draw_eye",
    "draw_photograph",
    "draw_set",
]
