"""A comparison as files: a page, plots as SVG and PNG, JSON in CompressAI's layout, CSV.

plots  what is drawn, as data (scene, axes)      svg, raster  the same data as SVG and as PNG
page   the page (style.css, page.js)             figures, gallery, wording  its parts        files  all of it, written
"""

from .files import check_folder as check_folder
from .files import write_report as write_report
