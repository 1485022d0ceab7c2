"""Reading and writing XML for the endpoints that speak it. Reading is safe: no document types, hence no entities.

Names lose their namespaces on reading: clients choose prefixes as they like, local names are what the org goes by.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
NIL = "nil"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEEPEST = 200


class XmlError(ValueError):
    """The text is not XML as the org takes it."""


class Markup(str):
    """Text that is XML already."""

    __slots__ = ()


class _Builder(ElementTree.TreeBuilder):
    """Builds a tree of local names; refuses document types before an entity of theirs is read."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise XmlError("a document type is not allowed")

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise XmlError("elements are nested too deeply")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse(raw: bytes, *, keep_namespaces: bool = False) -> Element:
    """The root element. Raises XmlError for what is not well-formed, or carries a document type."""
    try:
        root = ElementTree.fromstring(raw, ElementTree.XMLParser(target=_Builder()))  # noqa: S314 - see _Builder
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise XmlError(str(error)) from error
    if not keep_namespaces:
        strip(root)
    return root


def strip(root: Element) -> None:
    """Takes the namespaces off all tags and attributes below ``root``."""
    for element in root.iter():
        element.tag = local(element.tag)
        if element.attrib:
            element.attrib = {local(name): value for name, value in element.attrib.items()}


def local(name: str) -> str:
    """``{urn:x}y`` or ``x:y`` without what stands before."""
    return name.rpartition("}")[2].rpartition(":")[2]


def namespace(tag: str) -> str:
    """The namespace of a tag as the parser gives it."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def text(element: Element, path: str, default: str = "") -> str:
    """The trimmed text at a path; ``default`` where there is no such element."""
    found = element.findtext(path)
    return default if found is None else found.strip()


def flag(element: Element, path: str, default: bool = False) -> bool:
    """The boolean at a path: ``true`` or ``1`` is true."""
    found = text(element, path)
    return found.lower() in ("true", "1") if found else default


def element(tag: str, value: Any, attributes: Mapping[str, str] | None = None) -> Markup:
    """A value as XML: dictionaries nest, lists repeat the tag, None is ``xsi:nil``, Markup goes in as it is."""
    if isinstance(value, list | tuple):
        return Markup("".join(element(tag, one, attributes) for one in value))
    given = "".join(f" {name}={quoteattr(_clean(one))}" for name, one in (attributes or {}).items())
    if value is None:
        return Markup(f'<{tag}{given} xsi:nil="true"/>')
    return Markup(f"<{tag}{given}>{content(value)}</{tag}>")


def content(value: Any) -> Markup:
    """What stands between the tags of ``value``."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, Mapping):
        return Markup("".join(element(name, one) for name, one in value.items()))
    if isinstance(value, bool):
        return Markup("true" if value else "false")
    if isinstance(value, datetime | date):
        return Markup(value.isoformat())
    return Markup(escape(_clean(str(value))))


def _clean(plain: str) -> str:
    """XML 1.0 cannot carry control characters in any form; a replacement character tells that one was there."""
    return _FORBIDDEN.sub("\ufffd", plain)


def document(root: Element, namespace: str) -> bytes:
    """A tree of local names as a document of its own, indented, in one default namespace."""
    ElementTree.indent(root, "    ")
    root = ElementTree.fromstring(ElementTree.tostring(root))  # noqa: S314 - a copy of our own tree
    root.set("xmlns", namespace)
    return f"{HEAD}\n{ElementTree.tostring(root, encoding='unicode')}\n".encode()
