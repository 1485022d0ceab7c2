"""One piece of metadata, and files taken apart into such pieces and put together again.

Source format has a file per piece; metadata format has one file per object with its fields, record types and rules
inside. Both become the same components, so the org cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from sfsync.rehearsal import xml
from sfsync.rehearsal.metadata.kinds import BY_NAME, NAMESPACE, Kind, child_tag

Key = tuple[str, str]
_NAMES = frozenset({"fullName"})


class SourceError(ValueError):
    """A piece of metadata says something this org cannot do; ``problem`` is the sentence without the file.

    ``key`` is the component at fault, where it is known.
    """

    def __init__(self, file: str, problem: str, key: Key | None = None) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file
        self.key = key
        self.problem = problem


@dataclass(frozen=True)
class Component:
    """``name`` is the full name (``Account.Tier__c``), ``root`` its own element, ``file`` where it came from."""

    kind: str
    name: str
    root: Element
    file: str

    @property
    def key(self) -> Key:
        return (self.kind, self.name)

    @property
    def object(self) -> str:
        """The object a child component belongs to."""
        return self.name.partition(".")[0]

    @property
    def short(self) -> str:
        """The name without its object."""
        return self.name.partition(".")[2] if BY_NAME[self.kind].parent else self.name

    def refuse(self, problem: str) -> SourceError:
        return SourceError(self.file, problem, self.key)


def parse(file: str, raw: bytes) -> Element:
    """The root of a metadata file. Raises SourceError."""
    try:
        return xml.parse(raw)
    except xml.XmlError as wrong:
        raise SourceError(file, f"Error parsing file: {wrong}") from wrong


def split(kind: Kind, name: str, root: Element, file: str) -> Iterator[Component]:
    """The component of a file and those inside it; an object of which only children are told is not there itself."""
    inside = [(kind.children[one.tag], one) for one in root if one.tag in kind.children]
    shell = Element(root.tag, root.attrib)
    shell.extend([one for one in root if one.tag not in kind.children])
    if any(one.tag not in _NAMES for one in shell) or not inside:
        yield Component(kind.name, name, shell, file)
    for child, element in inside:
        yield Component(child, f"{name}.{xml.text(element, 'fullName')}", _renamed(element, child), file)


def _renamed(element: Element, tag: str) -> Element:
    copy = Element(tag)
    copy.extend(list(element))
    return copy


def join(parts: Iterable[Component]) -> Element:
    """The metadata-format element of an object from its shell, if there is one, and its children."""
    whole = Element("CustomObject")
    for one in parts:
        if one.kind == "CustomObject":
            whole.extend(deepcopy(list(one.root)))
            continue
        child = _renamed(deepcopy(one.root), child_tag(one.kind))
        _name(child, one.short)
        whole.append(child)
    return whole


def _name(element: Element, name: str) -> None:
    if element.find("fullName") is None:
        full = Element("fullName")
        full.text = name
        element.insert(0, full)


def stored(component: Component) -> dict[str, str]:
    """The form in which the org keeps a component: no blanks between elements, however its file was laid out."""
    root = deepcopy(component.root)
    for one in root.iter():
        one.tail = None
        if len(one):
            one.text = None
    return {"xml": ElementTree.tostring(root, encoding="unicode"), "file": component.file}


def loaded(key: Key, kept: Mapping[str, str]) -> Component:
    return Component(key[0], key[1], xml.parse(kept["xml"].encode()), kept["file"])


def text_of(component: Component) -> bytes:
    """The component as a file of its own."""
    return xml.document(component.root, NAMESPACE)
