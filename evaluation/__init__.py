"""Measuring codecs, ours beside other people's, and measuring models.

Codecs: distortion, real bytes, rate-distortion curves and BD-rates.

    images      files to pixels            plan              names to codecs, qualities, metrics
    baselines   JPEG, WebP, AVIF, ...      lossless          PNG, WebP, JPEG XL without loss
    ours        this project's codec       accounting        where its bytes go
    tasks       one codec on one image     cache, pool       none of them twice, several at a time
    metrics     PSNR, MS-SSIM, ...         rd                measurements to curves
    bdrate      curves to figures          bootstrap         how sure the figures are
    cost        time and memory            matched, showing  codecs side by side at one file size
    published   curves that others measured on Kodak
    comparison  all of it as typed data    runner            `compare`, which makes it
    tables      it on a terminal           report/           it as a page, plots, JSON and CSV

Models: what they say of data, and what they draw.

    elbo, bound, networks                  samples, photo_samples, pictures
"""

from .bdrate import BdPsnr as BdPsnr
from .bdrate import BdRate as BdRate
from .bdrate import BdSummary as BdSummary
from .bdrate import Curve as Curve
from .bdrate import bd_psnr as bd_psnr
from .bdrate import bd_rate as bd_rate
from .bdrate import bd_summary as bd_summary
from .bdrate import bits_at as bits_at
from .comparison import Comparison as Comparison
from .metrics import psnr as psnr
from .published import PublishedCurve as PublishedCurve
from .published import published_curves as published_curves
from .published import read_curve as read_curve
from .rd import ImageCodec as ImageCodec
from .rd import RateDistortion as RateDistortion
from .report import write_report as write_report
from .runner import Progress as Progress
from .runner import compare as compare
