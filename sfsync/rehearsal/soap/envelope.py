"""SOAP envelopes for the partner and the metadata API: read a message, check its session, write answer or fault.

An API is a ``Dialect`` and a table of operations; ``endpoint`` makes a route's handler of the two. An operation gets
the message and gives what stands inside ``<xResponse>``; an OrgError it raises becomes a fault (HTTP 500), which
clients find by the literal prefix ``sf`` (wire reference 2.2, 2.3).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry.sessions import Session

log = logging.getLogger(__name__)
MEDIA = "text/xml;charset=UTF-8"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_XSD = "http://www.w3.org/2001/XMLSchema"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NO_SESSION = "Invalid Session ID found in SessionHeader: Illegal Session"
_UNNAMED = "No operation available for this request"


@dataclass(frozen=True)
class Dialect:
    """One SOAP API. ``detailed``: its faults carry a typed detail; ``objects``: namespace of sObjects, prefix sf."""

    kind: str
    namespace: str
    faults: str
    objects: str | None = None
    detailed: bool = False


PARTNER = Dialect(
    "soap",
    "urn:partner.soap.sforce.com",
    "urn:fault.partner.soap.sforce.com",
    objects="urn:sobject.partner.soap.sforce.com",
    detailed=True,
)
ENTERPRISE = Dialect(
    "soap.enterprise", "urn:enterprise.soap.sforce.com", "urn:fault.enterprise.soap.sforce.com", detailed=True
)
METADATA = Dialect("metadata", "http://soap.sforce.com/2006/04/metadata", "http://soap.sforce.com/2006/04/metadata")


@dataclass(frozen=True)
class Message:
    """A request: ``operation`` is the local name of the body's element and ``namespace`` its namespace.

    ``headers`` (an empty element if there are none) and ``body`` (the operation's element) have local names only;
    attributes too, so ``xsi:type`` is ``type`` and ``xsi:nil`` is ``nil``.
    """

    operation: str
    namespace: str
    headers: Element
    body: Element

    @property
    def session_id(self) -> str:
        return self.header("SessionHeader", "sessionId")

    def header(self, name: str, child: str, default: str = "") -> str:
        """A header's value, such as ``header("QueryOptions", "batchSize")``."""
        return xml.text(self.headers, f"{name}/{child}", default)

    def text(self, path: str, default: str = "") -> str:
        """The trimmed text of a parameter."""
        return xml.text(self.body, path, default)


Operation = Callable[[Context, Call, Message], str]


def read(raw: bytes) -> Message:
    """The message in an envelope. OrgError for anything that is none."""
    try:
        root = xml.parse(raw, keep_namespaces=True)
    except xml.XmlError as error:
        raise errors.OrgError("UNKNOWN_EXCEPTION", f"Unable to parse the request: {error}", status=500) from error
    body = root.find(f"{{{SOAP}}}Body")
    operation = next(iter(body), None) if body is not None else None
    if root.tag != f"{{{SOAP}}}Envelope" or operation is None:
        raise errors.OrgError("UNKNOWN_EXCEPTION", _UNNAMED, status=500)
    spoken = xml.namespace(operation.tag)
    headers = root.find(f"{{{SOAP}}}Header")
    xml.strip(root)
    return Message(operation.tag, spoken, headers if headers is not None else Element("Header"), operation)


def session_of(context: Context, message: Message) -> Session:
    """The session the message names. OrgError INVALID_SESSION_ID in SOAP's words."""
    try:
        return context.sessions.check(message.session_id)
    except errors.OrgError as error:
        raise errors.OrgError("INVALID_SESSION_ID", _NO_SESSION, status=500) from error


def answer(dialect: Dialect, operation: str, inside: str, headers: str = "") -> Reply:
    """The answer to an operation; ``inside`` and ``headers`` are XML."""
    spaces = f'xmlns:soapenv="{SOAP}" xmlns="{dialect.namespace}" xmlns:xsi="{_XSI}"'
    if dialect.objects:
        spaces += f' xmlns:sf="{dialect.objects}" xmlns:xsd="{_XSD}"'
    head = f"<soapenv:Header>{headers}</soapenv:Header>" if headers else ""
    body = f"<soapenv:Body><{operation}Response>{inside}</{operation}Response></soapenv:Body>"
    return _reply(200, f"<soapenv:Envelope {spaces}>{head}{body}</soapenv:Envelope>")


def fault(dialect: Dialect, code: str, text: str, kind: str = "UnexpectedErrorFault", more: str = "") -> Reply:
    """A fault, HTTP 500. ``kind`` is the type of its detail, ``more`` further XML inside that detail."""
    plain = xml.content(text)
    detail = ""
    if dialect.detailed:
        inside = f"<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{plain}</sf:exceptionMessage>{more}"
        detail = f'<detail><sf:{kind} xsi:type="sf:{kind}">{inside}</sf:{kind}></detail>'
    spaces = f'xmlns:soapenv="{SOAP}" xmlns:sf="{dialect.faults}" xmlns:xsi="{_XSI}"'
    inside = f"<faultcode>sf:{code}</faultcode><faultstring>{code}: {plain}</faultstring>{detail}"
    body = f"<soapenv:Body><soapenv:Fault>{inside}</soapenv:Fault></soapenv:Body>"
    return _reply(500, f"<soapenv:Envelope {spaces}>{body}</soapenv:Envelope>")


def _reply(status: int, text: str) -> Reply:
    return Reply(status, text=(xml.HEAD + text).encode(), media=MEDIA)


class Fault(errors.OrgError):
    """An error whose fault has a detail of its own: LoginFault, InvalidFieldFault, MalformedQueryFault, …"""

    def __init__(self, code: str, message: str, kind: str, more: str = "") -> None:
        super().__init__(code, message, status=500)
        self.kind = kind
        self.more = more


@dataclass(frozen=True)
class _Api:
    """Operations in ``open_`` need no session; those in ``uncounted``, and they, cost no API call."""

    dialect: Dialect
    operations: Mapping[str, Operation]
    open_: frozenset[str]
    uncounted: frozenset[str]


def endpoint(
    dialect: Dialect,
    operations: Mapping[str, Operation],
    *,
    open_: frozenset[str] = frozenset(),
    uncounted: frozenset[str] = frozenset(),
) -> Callable[[Context, Call], Reply]:
    """A handler for all operations of an API; those in ``open_`` need no session and cost no API call."""
    api = _Api(dialect, operations, open_, uncounted | open_)

    def handle(context: Context, call: Call) -> Reply:
        try:
            return _handled(context, call, api)
        except Fault as error:
            return fault(dialect, error.code, error.message, error.kind, error.more)
        except errors.OrgError as error:
            return fault(dialect, error.code, error.message)
        except Exception:
            log.exception("soap.failed api=%s", dialect.kind)
            return fault(dialect, "UNKNOWN_EXCEPTION", "An unexpected error occurred.")

    return handle


def _handled(context: Context, call: Call, api: _Api) -> Reply:
    message = read(call.body.read())
    name = message.operation
    if name not in api.open_:
        call = replace(call, session=session_of(context, message))
    if name not in api.uncounted:
        context.limits.spend(f"{api.dialect.kind}.{_counted(name, api.operations)}")
    act = api.operations.get(name)
    if act is None or message.namespace not in (api.dialect.namespace, ""):
        raise errors.OrgError("UNKNOWN_EXCEPTION", f"{_UNNAMED}: {name}", status=500)
    inside = act(context, call, message)
    headers = _usage(context) if api.dialect is PARTNER and name not in api.open_ else ""
    return answer(api.dialect, name, inside, headers)


def _counted(operation: str, operations: Mapping[str, Operation]) -> str:
    """What the statistics call it: nobody fills them with made-up names."""
    return operation if operation in operations else "unknown"


def _usage(context: Context) -> str:
    used, _, most = context.limits.usage().removeprefix("api-usage=").partition("/")
    info = {"current": used, "limit": most.partition(";")[0], "type": "API REQUESTS"}
    return xml.element("LimitInfoHeader", {"limitInfo": info})
