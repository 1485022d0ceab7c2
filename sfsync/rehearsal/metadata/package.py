"""Files to components: a zip in metadata format with its manifests, or a folder in source or metadata format."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from sfsync.rehearsal import xml
from sfsync.rehearsal.metadata.component import Component, Key, SourceError, parse, split
from sfsync.rehearsal.metadata.kinds import BY_NAME, BY_SUFFIX, whole

MANIFEST = "package.xml"
MOST_BYTES = 400 << 20  # unpacked, the vendor's limit (Metadata API Developer Guide, deploy())
MOST_FILES = 10_000
_SOURCE = "-meta.xml"


class UnknownTypeError(SourceError):
    """A metadata type the org does not have."""


@dataclass
class Package:
    """What a deploy brings; ``base`` is the folder of its manifest.

    ``wrong`` are files that cannot be read, ``missing`` components without a file, ``unnamed`` files that the manifest
    does not list.
    """

    version: str = ""
    base: str = ""
    components: list[Component] = field(default_factory=list)
    deletes_before: list[Key] = field(default_factory=list)
    deletes_after: list[Key] = field(default_factory=list)
    wrong: list[SourceError] = field(default_factory=list)
    missing: list[Key] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)


# -- files ------------------------------------------------------------------------------------------------


def unzip(raw: bytes) -> dict[str, bytes]:
    """The files of a zip by path. Raises SourceError for a file that is no zip, or one beyond the limits."""
    try:
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()]
            if len(entries) > MOST_FILES or sum(one.file_size for one in entries) > MOST_BYTES:
                raise SourceError("", f"Maximum size of request reached: {MOST_FILES} files, {MOST_BYTES >> 20} MB")
            return {_posix(one.filename): archive.read(one) for one in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise SourceError("", "The zip file cannot be read") from error


def _posix(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/")))


def folder_files(folder: Path) -> dict[str, bytes]:
    """Metadata files below a folder, by path from there. FileNotFoundError if there is no such folder."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; give the force-app folder of the project")
    known = {f".{suffix}" for suffix in BY_SUFFIX}
    found = (one for one in sorted(folder.rglob("*")) if one.name.endswith(_SOURCE) or one.suffix in known)
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in found if one.is_file()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of files, the same bytes for the same files."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()


# -- components -------------------------------------------------------------------------------------------


def read_folder(folder: Path) -> list[Component]:
    """All components below a folder. Raises SourceError for the first file that is wrong or of an unknown type."""
    found: list[Component] = []
    for path, raw in folder_files(folder).items():
        try:
            found += read_file(path, raw)
        except SourceError as wrong:
            raise SourceError(str(folder / wrong.file), wrong.problem) from wrong
    return found


def read_file(path: str, raw: bytes) -> list[Component]:
    """The components of one file in either format. Raises SourceError."""
    name = PurePosixPath(path).name
    base = name.removesuffix(_SOURCE)
    stem, _, suffix = base.rpartition(".")
    kind = BY_SUFFIX.get(suffix)
    if kind is None:
        raise UnknownTypeError(path, _unknown(suffix))
    root = parse(path, raw)
    if kind.parent:
        full = f"{PurePosixPath(path).parts[-3]}.{xml.text(root, 'fullName') or unquote(stem)}"
        return [Component(kind.name, full, root, path)]
    if kind.name != "Settings" and root.tag != kind.name:
        raise SourceError(path, f"Element {root.tag} invalid at this location in type {kind.name}")
    return list(split(kind, unquote(stem), root, path))


def _unknown(type_: str) -> str:
    return f"Not available for deploy for this organization: the rehearsal org has no metadata of type {type_}"


def read_package(files: Mapping[str, bytes]) -> Package:
    """The package in an unzipped deploy: ``package.xml`` at the top or in its only folder."""
    base = _base(files)
    if base is None:
        return Package(wrong=[SourceError(MANIFEST, "No package.xml found")])
    package = Package(base=base)
    inner = {path: raw for path, raw in files.items() if path.startswith(base)}
    try:
        manifest = parse(base + MANIFEST, inner.pop(base + MANIFEST))
        package.version = xml.text(manifest, "version")
        package.deletes_before = _named(inner.pop(base + "destructiveChangesPre.xml", None))
        package.deletes_after = _named(inner.pop(base + "destructiveChanges.xml", None))
        package.deletes_after += _named(inner.pop(base + "destructiveChangesPost.xml", None))
    except SourceError as wrong:
        package.wrong.append(wrong)
        return package
    _collect(package, members(manifest), inner)
    return package


def _base(files: Mapping[str, bytes]) -> str | None:
    if MANIFEST in files:
        return ""
    return next(
        (path.removesuffix(MANIFEST) for path in files if path.count("/") == 1 and path.endswith(MANIFEST)), None
    )


def _named(raw: bytes | None) -> list[Key]:
    return [] if raw is None else members(parse("destructiveChanges.xml", raw))


def members(manifest: Element) -> list[Key]:
    """(type, member) of a manifest; a member may be ``*``."""
    return [
        (xml.text(one, "name"), (member.text or "").strip())
        for one in manifest.findall("types")
        for member in one.findall("members")
    ]


def _collect(package: Package, named: list[Key], files: Mapping[str, bytes]) -> None:
    """Components that the manifest lists, from the files; what is listed and not there, and the other way round."""
    named = list(dict.fromkeys(whole(*key) for key in named))
    wanted, used, strange = set(named), set[Key](), list[SourceError]()
    for path, raw in files.items():
        try:
            found = read_file(path, raw)
        except SourceError as wrong:
            (strange if isinstance(wrong, UnknownTypeError) else package.wrong).append(wrong)
            continue
        taken = [one for one in found if covers(wanted, one)]
        package.components += taken
        used |= {one.key for one in taken} | {("CustomObject", one.object) for one in taken if _child(one)}
        if not taken and found:
            package.unnamed.append(path)
    unknown = [key for key in named if key[0] not in BY_NAME]
    if unknown:  # what nobody lists is not deployed, hence not refused
        package.wrong += strange or [
            UnknownTypeError(MANIFEST, _unknown(kind)) for kind, name in unknown if name != "*"
        ]
    package.missing = [key for key in named if key not in used and key[1] != "*" and key[0] in BY_NAME]


def _child(one: Component) -> bool:
    return bool(BY_NAME[one.kind].parent)


def covers(wanted: set[Key], one: Component) -> bool:
    """A manifest lists a component by name, by ``*``, or through the object it belongs to."""
    if one.key in wanted or (one.kind, "*") in wanted:
        return True
    return _child(one) and (("CustomObject", one.object) in wanted or ("CustomObject", "*") in wanted)
