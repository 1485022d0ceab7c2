"""The cells the chaos run follows one by one: where they are on both sides, who owns them, what people type there.

Facts of the four mappings beside this file, said again by hand so that a mistake of the mapping code cannot hide
behind itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.chaos.model import Rule

WORDS = ("Aosta", "Bari", "Como", "Diano", "Enna", "Fermo")
PLATFORM, SALESFORCE, NEWEST = Rule("platform"), Rule("salesforce"), Rule("newest")
FLAG = ("true", "false")


@dataclass(frozen=True)
class Field:
    """One watched field. ``also``: further Salesforce fields that carry the same flag; one of them is enough."""

    column: str
    name: str
    rule: Rule
    values: tuple[str | None, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One mapping: its table and object, their keys, record types, and the fields that are watched.

    ``given``: columns that sfsync fills on the platform, beside the watched ones.
    """

    mapping: str
    table: str
    key: str
    object: str
    external_id: str
    record_types: tuple[str, ...]
    fields: tuple[Field, ...]
    given: tuple[str, ...] = ()


KINDS = (
    Kind(
        "company",
        "companies",
        "company_code",
        "Account",
        "SFS_Company_Code__c",
        ("Partner_Company",),
        (Field("legal_name", "Name", PLATFORM, WORDS),),
    ),
    Kind(
        "shop",
        "shops",
        "shop_code",
        "Account",
        "SFS_Shop_Code__c",
        ("Shop",),
        (
            Field("trading_name", "Name", PLATFORM, WORDS),
            Field("city", "BillingCity", PLATFORM, (*WORDS, None)),
            Field("phone", "Phone", NEWEST, ("+390255501", "+390255502", "+390255503", None)),
            Field("email", "SFS_Shop_Email__c", NEWEST, ("a@posta.example", "b@posta.example", None)),
            Field("opening_hours", "SFS_Opening_Hours__c", Rule("manual"), ("Mo-Fr 9-17", "Mo-Sa 8-20", "Su", None)),
        ),
    ),
    Kind(
        "player",
        "players",
        "player_id",
        "Account",
        "SFS_Player_Id__c",
        ("Player",),
        (
            Field(
                "contact_suppressed",
                "SFS_Contact_Suppressed__c",
                Rule("stricter", "true"),
                FLAG,
                ("PersonHasOptedOutOfEmail", "PersonDoNotCall"),
            ),
            Field("bonus_blocked", "SFS_Bonus_Blocked__c", PLATFORM, FLAG),
            Field("mkt_email", "SFS_Mkt_Email__c", Rule("stricter", "false"), FLAG),
            Field("mkt_sms", "SFS_Mkt_Sms__c", Rule("stricter", "false"), FLAG),
            Field("city", "PersonMailingCity", PLATFORM, (*WORDS, None)),
            Field("language", "SFS_Language__c", NEWEST, ("it", "en", "de", "fr")),
            Field("churn_state", "SFS_Churn_State__c", NEWEST, ("active", "at_risk", "lost", "reactivated")),
            Field("preferred_channels", "SFS_Pref_Channels__c", SALESFORCE, ("mail", "phone", "sms", None)),
            Field("quiet_windows", "SFS_Pref_Quiet_Windows__c", SALESFORCE, ("22:00-24:00", "12:00-14:00", None)),
        ),
    ),
    Kind(
        "case",
        "cases",
        "source_key",
        "Case",
        "SFS_Source_Key__c",
        ("Player", "VIP", "Partner", "Compliance"),
        (
            Field("place", "SFS_Place__c", NEWEST, (*WORDS, None)),
            Field("transaction_ref", "SFS_Txn_Ref__c", NEWEST, ("T-1", "T-2", "T-3", None)),
            Field("ticket_id", "SFS_Ticket_Id__c", PLATFORM, ("B-1", "B-2", "B-3", None)),
            Field("status", "Status", SALESFORCE, ("Open", "InProgress", "WaitingCustomer", "WaitingPartner")),
            Field("priority", "Priority", SALESFORCE, ("P1", "P2", "P3", "P4")),
            Field(
                "first_response_at",
                "SFS_First_Response_At__c",
                Rule("earliest"),
                tuple(f"2026-03-0{d}T10:00:00" for d in range(1, 6)),
            ),
        ),
        ("case_number",),
    ),
)
BY_MAPPING = {k.mapping: k for k in KINDS}


def plain(value: object) -> str | None:
    """A raw value of either side as one text: flags in words, instants to the second in UTC."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or value in (0, 1):
        return "true" if value else "false"
    text = str(value)
    if len(text) > 18 and text[:2] == "20" and text[13] == ":":
        return text[:19].replace(" ", "T")
    return text
