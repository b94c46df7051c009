"""A comparison as files: a web page, plots as SVG and PNG, JSON in CompressAI's layout, CSV.

folder   all files of a report         page                the page, from page.html.jinja, style.css and page.js
plots    what each plot shows          canvas, rendering   how it is drawn, and rendered as SVG and PNG
tables   the page's tables             wording             its numbers and sentences
"""

from .folder import check_folder as check_folder
from .folder import write_report as write_report
