"""Mistakes in a mapping file: the file, the line, a sentence, and what to write instead."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from textwrap import dedent

import pytest

from sfsync.errors import MappingError
from sfsync.mapping.lines import parse
from sfsync.mapping.load import load
from sfsync.planners.requests import steps

from .conftest import ROOT

GOOD = """\
mapping: shop
platform: {table: shops, key: shop_code}
salesforce: {object: Account, key: SFS_Shop_Code__c}
fields:
  name:
    platform: trading_name
    salesforce: Name
  hash:
    platform: fiscal_code
    salesforce: SFS_CF_Hash__c
    leaves: hash
    transform: hmac_hash
never: [password]
"""


@pytest.fixture
def folder(tmp_path):
    """A folder of mapping files given as text."""

    def build(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(dedent(text), encoding="utf-8")
        return tmp_path

    return build


def test_a_good_file(folder):
    assert list(load(folder(shop=GOOD))) == ["shop"]


# old text, new text, line, sentence, what to write instead
MISTAKES = {
    "unknown key": (
        "    salesforce: Name",
        "    salesfroce: Name",
        7,
        "salesfroce is unknown",
        "did you mean salesforce?",
    ),
    "unknown top key": ("never:", "nevr:", 13, "nevr is unknown", "did you mean never?"),
    "unknown side key": ("key: shop_code", "key: shop_code, stam: x", 2, "stam is unknown", "did you mean stamp?"),
    "missing key": ("table: shops, ", "", 2, "table is missing", "write `table: …`"),
    "unknown owner": (
        "salesforce: Name",
        "salesforce: Name\n    owner: platfrom",
        8,
        "platfrom",
        "did you mean platform?",
    ),
    "unknown type": ("salesforce: Name", "salesforce: Name\n    type: bolean", 8, "bolean", "did you mean boolean?"),
    "unknown leaves": ("leaves: hash", "leaves: hashed", 11, "hashed", "did you mean hash?"),
    "unknown transform": ("hmac_hash", "hmac_hsh", 12, "no transform hmac_hsh", "did you mean hmac_hash?"),
    "unknown parent": (
        "salesforce: Name",
        "salesforce: Parent.K__c\n    type: reference\n    references: shopp",
        9,
        "there is no mapping shopp",
        "did you mean shop?",
    ),
    "never column": ("trading_name", "password", 6, "listed under `never`", "remove the field"),
    "never with a name": (
        "salesforce: Name",
        "salesforce: Name\n    leaves: never",
        8,
        "must never leave",
        "list the column",
    ),
    "masked without": ("salesforce: Name", "salesforce: Name\n    leaves: masked", 8, "no transform", "mask_last4"),
    "other kind": ("leaves: hash", "leaves: masked", 12, "does not give that", "clean_text"),
    "hash comes back": ("leaves: hash", "leaves: hash\n    owner: newest", 12, "no way back", "owner: platform"),
    "twice in Salesforce": ("SFS_CF_Hash__c", "Name", 10, "Name is written by name already", "remove one"),
    "the key again": ("salesforce: Name", "salesforce: SFS_Shop_Code__c", 7, "written by the key", "remove one"),
    "key twice": ("  hash:", "  name:", 8, "name is written twice (first in line 5)", "remove one of the two"),
    "self-reference": (
        "salesforce: Name",
        "salesforce: Parent.SFS_Shop_Code__c\n    type: reference\n    references: shop",
        9,
        "shop -> shop",
        "deferred: true",
    ),
    "no YAML": ("never: [password]", "never: [password", 14, "not YAML", "quotes"),
    "word taken for a truth": ("table: shops", "table: on", 2, "wrong kind", "quotes"),
    "key is no word": ("  hash:", "  on:", 8, "on is not a word", 'in quotes: "on"'),
    "no list": ("never: [password]", "never: password", 13, "wrong kind", "[A, B]"),
    "goes nowhere": ("    salesforce: Name\n", "", 5, "goes nowhere", "salesforce: FIELD"),
    "nobody's": ("    platform: trading_name\n", "", 5, "in Salesforce only", "owner: salesforce"),
    "half a reference": ("salesforce: Name", "salesforce: A.B\n    references: shop", 5, "half a reference", "both"),
    "lookup without a key": (
        "salesforce: Name",
        "salesforce: ParentId\n    type: reference\n    deferred: true\n    references: shop",
        7,
        "how its parent is found",
        "Account.SFS_Shop_Code__c",
    ),
    "stricter text": ("salesforce: Name", "salesforce: Name\n    owner: stricter", 8, "no yes or no", "type: boolean"),
    "earliest text": (
        "salesforce: Name",
        "salesforce: Name\n    owner: earliest",
        8,
        "no point in time",
        "type: instant",
    ),
    "values of text": ("salesforce: Name", "salesforce: Name\n    values: [a]", 8, "no picklist", "type: picklist"),
    "default not listed": (
        "salesforce: Name",
        "salesforce: Name\n    type: picklist\n    values: [a]\n    default: b",
        10,
        "not in its list",
        "write one of: a",
    ),
    "broken pattern": ("salesforce: Name", 'salesforce: Name\n    pattern: "["', 8, "cannot be read", "RE2"),
    "two columns": ("platform: trading_name", "platform: [a, b]", 6, "several columns", "transform"),
    "too few columns": (
        "salesforce: Name",
        "salesforce: Name\n    transform: first_of",
        6,
        "joins 2 column(s)",
        "given",
    ),
    "no such field": ("never:", "exclusive: [[name, x]]\nnever:", 13, "no reference", "reference fields"),
    "no such rule": (
        "never:",
        "refuse:\n  - {code: X, transform: age_band, platform: b, message: m}\nnever:",
        14,
        "no rule age_band",
        "under_18",
    ),
    "record type by nothing": (
        "key: SFS_Shop_Code__c",
        "key: SFS_Shop_Code__c, record_type: {A: Shop}",
        3,
        "by which field",
        "by: FIELD",
    ),
    "field is a list": ("  hash:\n", "  other: [1]\n  hash:\n", 8, "other must hold keys", "platform: COLUMN"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(folder, mistake):
    old, new, line, sentence, instead = MISTAKES[mistake]
    assert old in GOOD
    path = folder(shop=GOOD.replace(old, new, 1))
    with pytest.raises(MappingError) as caught:
        load(path)
    error = caught.value
    assert error.where == f"{path / 'shop.yaml'}:{line}"
    assert sentence in error.message
    assert instead in error.next_step


def test_all_mistakes_of_a_file_are_told_at_once(folder):
    text = GOOD.replace("trading_name", "password").replace("hmac_hash", "hmac_hsh")
    with pytest.raises(MappingError) as caught:
        load(folder(shop=text))
    assert "shop.yaml:6" in caught.value.where
    assert [d.partition("shop.yaml:")[2][:2] for d in caught.value.details] == ["12"]


def test_two_mappings_with_one_name(folder):
    with pytest.raises(MappingError) as caught:
        load(folder(a=GOOD, b=GOOD))
    assert caught.value.where.endswith("b.yaml:1")
    assert "a.yaml has the name shop already" in caught.value.message


def test_a_cycle_is_named(folder):
    def lookup(own, other):
        text = GOOD.replace("mapping: shop", f"mapping: {own}")
        return text.replace("Name", f"Up.K__c\n    type: reference\n    references: {other}")

    with pytest.raises(MappingError) as caught:
        load(folder(a=lookup("a", "b"), b=lookup("b", "c"), c=lookup("c", "a")))
    assert caught.value.code == "MAPPING_CYCLE"
    names = caught.value.message.rpartition(": ")[2].split(" -> ")
    assert names[0] == names[-1]
    assert set(pairwise(names)) == {("a", "b"), ("b", "c"), ("c", "a")}
    assert caught.value.where.endswith(f"{names[0]}.yaml:9")
    assert "deferred: true" in caught.value.next_step


def test_a_deferred_lookup_makes_no_cycle(folder):
    text = GOOD.replace("Name", "Up.K__c\n    type: reference\n    references: shop\n    deferred: true")
    assert load(folder(shop=text))["shop"].parents == ()


def test_other_files_are_left_alone_but_not_a_mapping_that_forgot_its_name(folder):
    path = folder(shop=GOOD, sla="clocks: {}\n", empty="")
    assert list(load(path)) == ["shop"]
    (path / "bad.yaml").write_text(GOOD.replace("mapping: shop\n", ""))
    with pytest.raises(MappingError) as caught:
        load(path)
    assert "the key mapping is missing" in caught.value.message


def test_not_utf8_and_no_folder(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"mapping: \xff")
    with pytest.raises(MappingError, match="not UTF-8"):
        load(tmp_path)
    with pytest.raises(MappingError, match="no such folder"):
        load(tmp_path / "nowhere")


def test_yaml_makes_no_objects(folder):
    with pytest.raises(MappingError):
        load(folder(shop=GOOD.replace("trading_name", "!!python/object/apply:os.getcwd []")))


def test_parents_come_first():
    order = list(load(ROOT / "mappings"))
    for first, then in [("company", "shop"), ("shop", "operator"), ("shop", "player"), ("shop", "terminal")]:
        assert order.index(first) < order.index(then)
    assert order[-1] == "case"


def test_players_as_contacts(folder):
    texts = {p.stem: p.read_text(encoding="utf-8") for p in (ROOT / "mappings").glob("*.yaml")}
    texts["player"] = texts["player"].replace("as: person_account", "as: contact")
    loaded = load(folder(**texts))
    player, case = loaded["player"], loaded["case"]
    assert player.salesforce.object == "Contact"
    names = {n for f in player.fields.values() for n in (f.salesforce, *f.also) if n}
    assert not {n for n in names if n.startswith("Person")}
    assert {"Email", "MobilePhone", "MailingCity", "DoNotCall", "HasOptedOutOfEmail"} <= names
    assert case.fields["player"].salesforce == "Contact.SFS_Player_Id__c"
    assert ("player", "operator") in case.exclusive
    assert ("player", "shop") in case.exclusive
    assert load(ROOT / "mappings")["player"].salesforce.object == "Account"


def test_what_is_read_once_is_not_changed_by_who_uses_it() -> None:
    """The same text is parsed once in a process, so whoever makes models of it must leave it as it is."""
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "mappings").glob("*.yaml"))]
    before = [deepcopy(parse(text).data) for text in texts]
    load(ROOT / "mappings")
    steps.load(ROOT / "mappings")
    assert [parse(text).data for text in texts] == before
    assert parse(texts[0]) is parse(texts[0])
