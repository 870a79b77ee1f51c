"""Interactive figures: a picture that answers to sliders, and what it shows where nothing runs."""

from .maps import camera_explorer, input_explorer, threshold_explorer
from .network import picture_slider, unet_explorer
from .own import OwnPhotographs
from .panels import Panel, as_jpeg
from .photographs import augmentation_playground, browser, eye_drawer, set_chooser

__all__ = [
    "OwnPhotographs",
    "Panel",
    "as_jpeg",
    "augmentation_playground",
    "browser",
    "camera_explorer",
    "eye_drawer",
    "input_explorer",
    "picture_slider",
    "set_chooser",
    "threshold_explorer",
    "unet_explorer",
]
