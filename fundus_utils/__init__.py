"""Helpers of the fundus U-Net workbook: one module a lesson, in the order of the data's way.

photographs -> merged -> augmented -> split -> normalized -> model -> map -> measures and pictures
"""

__version__ = "0.1.0"
