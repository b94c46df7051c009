"""Measurement of codecs, dvcodec's and others', and of models.

images       image files as input             codecs       all codecs behind one interface
metrics      scores, curves, BD-rates         comparison   codecs compared on a folder of images
report       a comparison as a web page       likelihood   bounds and samples of models
"""

from .codecs.interface import ImageCodec as ImageCodec
from .comparison.published import PublishedCurve as PublishedCurve
from .comparison.published import published_curves as published_curves
from .comparison.published import read_curve as read_curve
from .comparison.result import Comparison as Comparison
from .comparison.runner import ProgressCallbacks as ProgressCallbacks
from .comparison.runner import compare as compare
from .metrics.bd_rate import BdPsnr as BdPsnr
from .metrics.bd_rate import BdRate as BdRate
from .metrics.bd_rate import BdSummary as BdSummary
from .metrics.bd_rate import Curve as Curve
from .metrics.bd_rate import bd_psnr as bd_psnr
from .metrics.bd_rate import bd_rate as bd_rate
from .metrics.bd_rate import bd_summary as bd_summary
from .metrics.bd_rate import bits_at as bits_at
from .metrics.rate_distortion import RateDistortion as RateDistortion
from .metrics.scores import psnr as psnr
from .report import write_report as write_report
