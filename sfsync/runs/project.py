"""init: a ready project folder. What somebody wrote there is never overwritten."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from pydantic import ValidationError

import sfsync
from sfsync import settings
from sfsync.errors import ConfigError
from sfsync.runs.template import CONFIG, NEXT

FILES = ("mappings/*.yaml", "force-app/**/*.xml", "sfdx-project.json")
IGNORED = ".sfsync/"


@dataclass(frozen=True)
class Wanted:
    """What the person said; empty text means: not said."""

    platform_url: str = "sqlite:///platform.db"
    instance_url: str = ""
    auth: str = "jwt"


@dataclass
class Made:
    """What was written, what stood there already (and differs from ours), and what to do next; paths in the folder."""

    folder: Path
    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)


def make(folder: Path, wanted: Wanted, *, force: bool = False) -> Made:
    """Make the folder ready; raises ``ConfigError`` before the first file is written.

    ``force`` writes a new ``sfsync.toml``; the old one stays beside it as ``sfsync.toml.old``. Mappings and metadata
    that differ from ours are kept as they are, with ``force`` too.
    """
    source = _source()
    text, password = _config(wanted)
    _usable(folder, force=force)
    made = Made(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _keys(folder, made)
        for path in sorted(p for pattern in FILES for p in source.glob(pattern)):
            _copy(path, folder / path.relative_to(source), made)
        _ignore(folder, made)
        _write_config(folder / settings.CONFIG_FILE, text, made)
    except OSError as error:
        what = error.filename or folder
        raise ConfigError(
            f"it cannot be written ({error.strerror})", "PROJECT_UNWRITABLE", str(what), _RIGHTS
        ) from None
    made.next_steps = _next_steps(folder, wanted, password=password)
    return made


_RIGHTS = "Name another folder, or correct its owner and mode."


def _source() -> Path:
    """The checkout this program runs from; it holds the mappings and the metadata."""
    source = Path(sfsync.__file__).parents[1]
    if not (source / "mappings").is_dir() or not (source / "force-app").is_dir():
        step = "Run the sfsync of a checkout (its .venv/bin/sfsync) for this one command."
        raise ConfigError("this installation has no mappings to copy", "PROJECT_SOURCE", str(source), step)
    return source


def _usable(folder: Path, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError("this is a file, not a folder", "PROJECT_FOLDER", str(folder), "Name another folder.")
    config = folder / settings.CONFIG_FILE
    if config.exists() and not force:
        step = "Go on with  sfsync doctor  there, name another folder, or add --force (the old file is kept)."
        raise ConfigError("the folder is a project already", "PROJECT_EXISTS", str(config), step)


def _config(wanted: Wanted) -> tuple[str, bool]:
    """The text of ``sfsync.toml``, checked, and whether a password was left out of it."""
    url, password = _without_password(wanted.platform_url)
    try:
        settings.Salesforce.model_validate({"instance_url": wanted.instance_url, "auth": wanted.auth})
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        step = "Write it like https://example.my.salesforce.com"
        raise ConfigError(
            "the address of the org does not fit", "CONFIG_INVALID", "--instance-url", step, lines
        ) from None
    instance = wanted.instance_url or "https://example.my.salesforce.com"
    return CONFIG.format(platform=_toml(url), instance=_toml(instance), auth=_toml(wanted.auth)), password


def _without_password(text: str) -> tuple[str, bool]:
    """The URL without its password: a configuration file is shown around and kept in version control."""
    from sfsync.sides.platform import connect

    connect.parse(text)
    scheme, _, rest = text.partition("://")
    rest, mark, query = rest.partition("?")
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    pairs = query.split("&")
    open_pairs = [p for p in pairs if "password" not in p.partition("=")[0].lower()]
    query = "&".join(open_pairs)
    return f"{scheme}://{user}{at}{place}{mark if query else ''}{query}", bool(colon) or len(open_pairs) < len(pairs)


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _keys(folder: Path, made: Made) -> None:
    for name in ("ledger.key", "hash.key"):
        path = folder / ".sfsync" / name
        if not path.exists():
            made.written.append(f".sfsync/{name}")
        settings.secret_bytes(None, path)


def _copy(source: Path, target: Path, made: Made) -> None:
    content, name = source.read_bytes(), str(target.relative_to(made.folder))
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        made.written.append(name)
    elif target.read_bytes() != content:
        made.kept.append(name)


def _ignore(folder: Path, made: Made) -> None:
    path = folder / ".gitignore"
    text = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
    if IGNORED in text.splitlines():
        return
    gap = "" if not text or text.endswith("\n") else "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{gap}{IGNORED}\n")
    made.written.append(path.name)


def _write_config(path: Path, text: str, made: Made) -> None:
    """Written last and at once, so that a folder with this file is a whole project."""
    if path.exists():
        names = (f"{path.name}.old{n or ''}" for n in count())
        old = next(p for n in names if not (p := path.with_name(n)).exists())
        old.write_bytes(path.read_bytes())
        made.kept.append(old.name)
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.write_text(text, "utf-8")
    draft.replace(path)
    made.written.append(path.name)


def _next_steps(folder: Path, wanted: Wanted, *, password: bool) -> list[str]:
    steps = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    if password:
        steps.append("export SFSYNC_PLATFORM__URL=…       the database's URL with its password; the file has none")
    if not wanted.instance_url:
        steps.append("write salesforce.instance_url in sfsync.toml")
    return [*steps, *NEXT[wanted.auth], "sfsync doctor", "sfsync plan", "sfsync sync"]
