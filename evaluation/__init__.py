"""Measuring codecs: distortion, real bytes, rate-distortion curves and the BD-rate, ours beside other people's.

metrics    what PSNR and bits per pixel mean here
baselines  JPEG, WebP, AVIF, JPEG XL, JPEG 2000 through Pillow      ours  this project's own codec
rd         codec + images -> measurements                           bdrate  curves -> one figure
published  curves that others measured on Kodak                     kodak  the command that puts them in a table
"""

from .bdrate import BdRate as BdRate
from .bdrate import BdSummary as BdSummary
from .bdrate import Curve as Curve
from .bdrate import bd_rate as bd_rate
from .bdrate import bd_summary as bd_summary
from .bdrate import bits_at as bits_at
from .metrics import psnr as psnr
from .published import PublishedCurve as PublishedCurve
from .published import published_curves as published_curves
from .rd import RateDistortion as RateDistortion
from .rd import measure as measure
