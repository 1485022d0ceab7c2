"""Transforms by name: pure functions over whole columns, each with the form in which its result may leave.

A transform gets Arrow text columns (those of ``platform``, then those of ``given``) and a ``Context``; it returns
``Cells``. ``leaves`` says which kind of field may use it (domain model B.1). A transform that ``derives`` gives
nothing of the value away and may therefore look at columns that must never leave.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import identifiers, layout, types, withheld
from sfsync.mapping.cells import VALUE_FORMAT, Cells, by_distinct, flat
from sfsync.mapping.model import Leaves
from sfsync.mapping.withheld import Columns, Context

_CARRIER_GRADE = ipaddress.ip_network("100.64.0.0/10")
_PRIVATE = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]


@dataclass(frozen=True)
class Transform:
    """A named transform.

    leaves      the form its result leaves in
    run         the function
    columns     how many platform columns it joins; given: how many more it looks at
    both_sides  also used on Salesforce values (it must be idempotent)
    derives     nothing of the value can be read from the result
    refuses     its result says which rows to refuse (``true``); only for ``refuse`` rules
    """

    name: str
    leaves: Leaves
    run: Callable[[Columns, Context], Cells]
    columns: int = 1
    given: int = 0
    both_sides: bool = False
    derives: bool = False
    refuses: bool = False


def company_number(columns: Columns, _: Context) -> Cells:
    """A company's fiscal code of eleven digits; a person's (16 characters) gives null and leaves as a hash only."""
    values = identifiers.compact(columns[0])
    person = pc.equal(pc.utf8_length(values), 16)
    bad = pc.and_(pc.invert(person), pc.invert(pc.match_substring_regex(values, r"^\d{11}$")))
    return Cells(flat(pc.if_else(person, pa.scalar(None, pa.string()), values))).fault(VALUE_FORMAT, bad)


def phone_it(columns: Columns, _: Context) -> Cells:
    """E.164 by the Italian rules; fields of type phone have it anyway."""
    return types.telephone(columns[0])


def vat(columns: Columns, _: Context) -> Cells:
    """A VAT number of eleven digits with the right check digit."""
    return identifiers.vat(columns[0])


def fiscal_code(columns: Columns, _: Context) -> Cells:
    """A fiscal code in upper case without blanks; omocodic codes stay as they are (domain model B.7)."""
    return Cells(identifiers.compact(columns[0]))


def upper(columns: Columns, _: Context) -> Cells:
    """Upper case."""
    values = columns[0]
    return Cells(flat(pc.ascii_upper(values) if layout.is_ascii(values) else pc.utf8_upper(values)))


def first_of(columns: Columns, _: Context) -> Cells:
    """The first of the columns that has a value."""
    return Cells(flat(pc.coalesce(*columns)))


def ip_list(columns: Columns, _: Context) -> Cells:
    """Public addresses, each once, sorted, joined by ``, ``; private or broken ones are a fault."""
    listed = by_distinct(columns[0], lambda v: ", ".join(addresses(v) or ["?"]))
    return Cells(listed).fault(VALUE_FORMAT, pc.match_substring(listed, "?"))


def addresses(value: str) -> list[str] | None:
    """The addresses of a list, each once, sorted; None if one is broken or private."""
    try:
        found = {ipaddress.ip_address(p) for p in re.split(r"[\s,;]+", value) if p}
    except ValueError:
        return None
    if any(_is_private(a) for a in found):
        return None
    return [str(a) for a in sorted(found, key=lambda a: (a.version, int(a)))]


def _is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    special = address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
    return special or any(address in network for network in (*_PRIVATE, _CARRIER_GRADE))


def _table(*transforms: Transform) -> dict[str, Transform]:
    return {t.name: t for t in transforms}


TRANSFORMS = _table(
    Transform("phone_it", Leaves.YES, phone_it, both_sides=True),
    Transform("vat", Leaves.YES, vat),
    Transform("fiscal_code", Leaves.YES, fiscal_code),
    Transform("company_number", Leaves.YES, company_number),
    Transform("upper", Leaves.YES, upper),
    Transform("first_of", Leaves.YES, first_of, columns=2),
    Transform("ip_list", Leaves.YES, ip_list),
    Transform("mask_last4", Leaves.MASKED, withheld.mask_last4),
    Transform("iban_last4", Leaves.MASKED, withheld.iban_last4),
    Transform("join_masked", Leaves.MASKED, withheld.join_masked, columns=2),
    Transform("strip_html", Leaves.MASKED, withheld.strip_html, both_sides=True),
    Transform("mask_secrets", Leaves.MASKED, withheld.mask_secrets, both_sides=True),
    Transform("clean_text", Leaves.MASKED, withheld.clean_text, both_sides=True),
    Transform("restricted_label", Leaves.MASKED, withheld.restricted_label, given=1),
    Transform("hmac_hash", Leaves.HASH, withheld.hmac_hash, derives=True),
    Transform("hmac_person", Leaves.HASH, withheld.hmac_person, derives=True),
    Transform("age_band", Leaves.FLAG, withheld.age_band, derives=True),
    Transform("platform_flag", Leaves.FLAG, withheld.platform_flag),
    Transform("under_18", Leaves.NEVER, withheld.under_18, derives=True, refuses=True),
)
