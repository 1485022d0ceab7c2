"""Transforms by name: pure functions over whole columns, each with the form in which its result may leave.

A transform gets Arrow text columns (those of ``platform``, then those of ``given``) and a ``Context``; it returns
``Cells``. ``leaves`` says which kind of field may use it (domain model B.1). A transform that ``derives`` gives
nothing of the value away and may therefore look at columns that must never leave.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from sfsync.errors import ConfigError
from sfsync.mapping import freetext, identifiers, types
from sfsync.mapping.cells import VALUE_FORMAT, Cells, as_mask, by_distinct, flat
from sfsync.mapping.model import Leaves

ROME = ZoneInfo("Europe/Rome")
# Categories whose subcategory would tell a gambling or money-laundering concern (domain model B.4, B.6).
RESTRICTED_CATEGORIES = (
    "limits",
    "cooling_off",
    "self_exclusion",
    "self_exclusion_revoke",
    "rg_signal",
    "aml_suspicion",
    "aml_identification",
)
RESTRICTED = "restricted"
_CARRIER_GRADE = ipaddress.ip_network("100.64.0.0/10")
_PRIVATE = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]


@dataclass(frozen=True)
class Context:
    """What a transform may know beside its columns: the moment of the run and the secret key of the hashes."""

    as_of: datetime
    hash_key: bytes


Columns = Sequence[pa.Array]


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


def mask_last4(columns: Columns, _: Context) -> Cells:
    """``**** 1234``; of a value shorter than eight characters at most half is shown."""
    values = columns[0]
    tail = pc.utf8_slice_codeunits(values, -4)
    for length in range(1, 8):
        short = pc.equal(pc.utf8_length(values), length)
        shown = pc.utf8_slice_codeunits(values, length - length // 2)
        tail = pc.if_else(short, shown, tail)
    return Cells(flat(pc.binary_join_element_wise(freetext.HIDDEN, tail, " ")))


def iban_last4(columns: Columns, _: Context) -> Cells:
    """The last four characters of an IBAN; what has not an IBAN's form does not leave at all."""
    values = identifiers.compact(columns[0])
    shaped = pc.match_substring_regex(values, r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$")
    return Cells(flat(pc.utf8_slice_codeunits(values, -4))).fault(VALUE_FORMAT, pc.invert(shaped))


def join_masked(columns: Columns, _: Context) -> Cells:
    """``visa **** 1234`` from a payment method and its last four digits; more digits than four never leave."""
    method, last4 = columns
    bad = pc.or_kleene(
        pc.invert(pc.match_substring_regex(method, r"^[A-Za-z][A-Za-z _/-]{0,19}$")),
        pc.invert(pc.match_substring_regex(last4, r"^\d{4}$")),
    )
    tail = pc.binary_join_element_wise(freetext.HIDDEN, last4, " ")
    joined = pc.binary_join_element_wise(pc.fill_null(method, ""), pc.fill_null(tail, ""), " ")
    return types.text(flat(joined)).fault(VALUE_FORMAT, bad)


def strip_html(columns: Columns, _: Context) -> Cells:
    """Plain text of HTML."""
    return Cells(freetext.strip_html(columns[0]))


def mask_secrets(columns: Columns, _: Context) -> Cells:
    """Card numbers, IBANs, codes and passwords masked."""
    return Cells(freetext.mask_secrets(columns[0]))


def clean_text(columns: Columns, _: Context) -> Cells:
    """``strip_html``, then ``mask_secrets``."""
    return Cells(freetext.mask_secrets(freetext.strip_html(columns[0])))


def restricted_label(columns: Columns, _: Context) -> Cells:
    """``restricted`` instead of the subcategory where the category (given) is about gambling harm or laundering."""
    value, category = columns
    delicate = pc.is_in(pc.utf8_lower(category), pa.array(RESTRICTED_CATEGORIES))
    hidden = pc.and_(delicate, pc.is_valid(value))
    return Cells(flat(pc.if_else(hidden, RESTRICTED, value)))


def hmac_hash(columns: Columns, context: Context) -> Cells:
    """HMAC-SHA-256 in hexadecimal of the compacted, upper-cased value: equality can be tested, nothing be read."""
    if not context.hash_key:
        raise ConfigError(
            "a mapping hashes a field but no hash key is configured",
            code="HASH_KEY_MISSING",
            next_step="set the hash key in the environment, in a file with mode 0600 or in the keyring",
        )
    return Cells(by_distinct(identifiers.compact(columns[0]), lambda v: _hmac(context.hash_key, v)))


def _hmac(key: bytes, value: str) -> str:
    return hmac.digest(key, value.encode(), hashlib.sha256).hex()


def hmac_person(columns: Columns, context: Context) -> Cells:
    """``hmac_hash`` of fiscal codes of persons (16 characters) only; a company's eleven digits give null."""
    values = identifiers.compact(columns[0])
    person = pc.equal(pc.utf8_length(values), 16)
    return hmac_hash([pc.if_else(person, values, pa.scalar(None, pa.string()))], context)


def company_number(columns: Columns, _: Context) -> Cells:
    """A company's fiscal code of eleven digits; a person's (16 characters) gives null and leaves as a hash only."""
    values = identifiers.compact(columns[0])
    person = pc.equal(pc.utf8_length(values), 16)
    bad = pc.and_(pc.invert(person), pc.invert(pc.match_substring_regex(values, r"^\d{11}$")))
    return Cells(flat(pc.if_else(person, pa.scalar(None, pa.string()), values))).fault(VALUE_FORMAT, bad)


def age_band(columns: Columns, context: Context) -> Cells:
    """``18-24`` or ``25+`` on the day of the run in Italy; under 18 null."""
    cells = types.civil_date(columns[0])
    band = pc.if_else(pc.less_equal(cells.values, _born(context, 25)), "25+", "18-24")
    grown = pc.less_equal(cells.values, _born(context, 18))
    return Cells(flat(pc.if_else(grown, band, pa.scalar(None, pa.string()))), cells.faults)


def under_18(columns: Columns, context: Context) -> Cells:
    """``true`` for players under 18 on the day of the run, and for birth dates that cannot be read."""
    cells = types.civil_date(columns[0])
    young = as_mask(pc.greater(cells.values, _born(context, 18))) | cells.faulty
    return Cells(pc.cast(pa.array(young), pa.string()))


def _born(context: Context, years: int) -> str:
    """The last birth date that makes so many years today; compared as text, so 29 February needs no care."""
    today = context.as_of.astimezone(ROME).date()
    return f"{today.year - years:04d}-{today.month:02d}-{today.day:02d}"


def platform_flag(columns: Columns, _: Context) -> Cells:
    """A flag or band the platform has already derived, as it is."""
    return Cells(columns[0])


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
    return Cells(flat(pc.utf8_upper(columns[0])))


def first_of(columns: Columns, _: Context) -> Cells:
    """The first of the columns that has a value."""
    return Cells(flat(pc.coalesce(*columns)))


def ip_list(columns: Columns, _: Context) -> Cells:
    """Public addresses, each once, sorted, joined by ``, ``; private or broken ones are a fault."""
    listed = by_distinct(columns[0], lambda v: ", ".join(_addresses(v) or ["?"]))
    return Cells(listed).fault(VALUE_FORMAT, pc.match_substring(listed, "?"))


def _addresses(value: str) -> list[str] | None:
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
    Transform("mask_last4", Leaves.MASKED, mask_last4),
    Transform("iban_last4", Leaves.MASKED, iban_last4),
    Transform("join_masked", Leaves.MASKED, join_masked, columns=2),
    Transform("strip_html", Leaves.MASKED, strip_html, both_sides=True),
    Transform("mask_secrets", Leaves.MASKED, mask_secrets, both_sides=True),
    Transform("clean_text", Leaves.MASKED, clean_text, both_sides=True),
    Transform("restricted_label", Leaves.MASKED, restricted_label, given=1),
    Transform("hmac_hash", Leaves.HASH, hmac_hash, derives=True),
    Transform("hmac_person", Leaves.HASH, hmac_person, derives=True),
    Transform("age_band", Leaves.FLAG, age_band, derives=True),
    Transform("platform_flag", Leaves.FLAG, platform_flag),
    Transform("under_18", Leaves.NEVER, under_18, derives=True, refuses=True),
)
