"""HTML and SVG as trees: text and attributes are escaped when the tree is written, whatever they hold."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

Content = str | Element | None


def tag(name: str, /, *content: Content | Iterable[Content], **attributes: object) -> Element:
    """An element with children and text, None left out.

    Attribute names lose a trailing underscore and get hyphens for the others (`class_`, `data_tip`); a value of None
    leaves the attribute out, True writes it as its own name.
    """
    element = Element(name)
    for key, value in attributes.items():
        if value is not None and value is not False:
            key = key.rstrip("_").replace("_", "-")
            element.set(key, key if value is True else f"{value:g}" if isinstance(value, float) else str(value))
    for part in content:
        for child in [part] if part is None or isinstance(part, str | Element) else part:
            _append(element, child)
    return element


def html(root: Element) -> str:
    """A whole HTML document."""
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html") + "\n"


def xml(root: Element) -> str:
    """A whole XML document."""
    return tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _append(element: Element, child: Content) -> None:
    if isinstance(child, Element):
        element.append(child)
    elif child is not None and len(element):
        element[-1].tail = (element[-1].tail or "") + child
    elif child is not None:
        element.text = (element.text or "") + child
