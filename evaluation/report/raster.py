"""Plots as PNG through Pillow: drawn four times too large and scaled down by two, so that lines are smooth."""

import io
import math

from PIL import Image, ImageDraw, ImageFont

from .scene import PALETTE, Bar, Dot, Label, Line, Plot, Shape, with_legend

FACTOR, REDUCTION = 4, 2


def png(plot: Plot) -> bytes:
    """The plot as a PNG file on white at two pixels a unit, title and legend drawn in."""
    whole = with_legend(plot)
    size = round(whole.width * FACTOR), round(whole.height * FACTOR)
    image = Image.new("RGB", size, PALETTE["paper"])
    draw = ImageDraw.Draw(image)
    for shape in whole.shapes:
        _draw(draw, image, shape)
    stream = io.BytesIO()
    image.reduce(REDUCTION).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _draw(draw: ImageDraw.ImageDraw, image: Image.Image, shape: Shape) -> None:
    colour = PALETTE[shape.colour]
    match shape:
        case Line():
            points = [(x * FACTOR, y * FACTOR) for x, y in shape.points]
            draw.line(points, colour, round(shape.width * FACTOR), joint="curve")
        case Dot():
            fill, width = (PALETTE["paper"], round(2.5 * FACTOR)) if shape.hollow else (colour, 0)
            draw.circle((shape.x * FACTOR, shape.y * FACTOR), shape.radius * FACTOR, fill, colour, width)
        case Bar():
            ends = (shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)
            draw.rectangle([end * FACTOR for end in ends], colour)
        case Label():
            _write(draw, image, shape, colour)


def _write(draw: ImageDraw.ImageDraw, image: Image.Image, label: Label, colour: str) -> None:
    font = ImageFont.load_default(label.size * FACTOR)
    place = label.x * FACTOR, label.y * FACTOR
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[label.anchor]
    text = label.text.replace("\N{MINUS SIGN}", "-").replace("\N{HORIZONTAL ELLIPSIS}", "..")  # not in Pillow's font
    if not label.upright:
        draw.text(place, text, colour, font, anchor, stroke_width=FACTOR // 3 if label.bold else 0)
        return
    width, height = math.ceil(font.getlength(text)), math.ceil(1.4 * label.size * FACTOR)
    strip = Image.new("L", (width, height))
    ImageDraw.Draw(strip).text((0, height * 0.75), text, 255, font, "ls")
    turned = strip.transpose(Image.Transpose.ROTATE_90)
    image.paste(colour, (round(place[0] - height * 0.75), round(place[1] - width / 2)), turned)
