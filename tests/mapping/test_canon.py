"""Canonical values of both sides and their way out again."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.errors import ConfigError
from sfsync.mapping import canon
from sfsync.mapping.model import FieldType, Mapping

from .conftest import AS_OF, HASH_KEY


def platform(mapping, raw, key=HASH_KEY):
    return canon.from_platform(mapping, raw, as_of=AS_OF, hash_key=key)


@pytest.fixture
def seen(one_field, raw):
    """Canonical values of one platform column of a type."""

    def read(values, /, **field):
        return platform(one_field(**field), raw(f=values)).values["f"].to_list()

    return read


@pytest.mark.parametrize(
    ("kind", "values", "canonical"),
    [
        ("text", [" a\r\nb ", "e\u0301", "", "  ", None, "NA", "nan"], ["a\nb", "é", None, None, None, "NA", "nan"]),
        ("code", ["0042", 42, 42.0], ["0042", "42", "42"]),
        ("email", ["Ada@Example.IT"], ["ada@example.it"]),
        ("boolean", [True, 0, "t", "false", None, 1.0], ["true", "false", "true", "false", "false", "true"]),
        ("integer", [7, "007", "-3", 5.0, Decimal("8"), None], ["7", "7", "-3", "5", "8", None]),
        ("money", [5000, "123456", None], ["5000", "123456", None]),
        ("date", [date(2026, 1, 2), "2026-01-02", datetime(2026, 1, 2, tzinfo=UTC), None], ["2026-01-02"] * 3 + [None]),
        (
            "instant",
            ["2026-01-02 03:04:05.678", "2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", "2026-01-02T03:04", None],
            ["2026-01-02T03:04:05Z"] * 3 + ["2026-01-02T03:04:00Z", None],
        ),
        ("multipicklist", ["B;A;B", ""], ["A;B", None]),
    ],
)
def test_platform_values(seen, kind, values, canonical):
    assert [None if pd.isna(v) else v for v in seen(values, type=kind)] == canonical


def test_naive_datetimes_are_utc_and_aware_ones_are_moved(seen):
    summer = datetime.fromisoformat("2026-07-01T12:00:00.9+02:00")
    assert seen([datetime(2026, 7, 1, 10), summer], type="instant") == ["2026-07-01T10:00:00Z"] * 2  # noqa: DTZ001


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ({"type": "integer"}, "twelve", "VALUE_TYPE"),
        ({"type": "boolean"}, "maybe", "VALUE_TYPE"),
        ({"type": "date"}, "30/02/2026", "VALUE_TYPE"),
        ({"type": "date"}, "2026-02-30", "VALUE_TYPE"),
        ({"type": "date"}, "1600-01-01", "VALUE_RANGE"),
        ({"type": "instant"}, "4001-01-01T00:00:00Z", "VALUE_RANGE"),
        ({"type": "instant"}, "2026-01-01T24:00:00Z", "VALUE_TYPE"),
        ({"type": "email"}, "ada at example", "VALUE_FORMAT"),
        ({"type": "phone"}, "3.33123E+11", "VALUE_FORMAT"),
        ({"type": "code", "length": 3}, "ABCD", "VALUE_TOO_LONG"),
        ({"type": "text", "length": 3, "too_long": "refuse"}, "ABCD", "VALUE_TOO_LONG"),
        ({"type": "picklist", "values": ["a"]}, "b", "VALUE_UNKNOWN"),
        ({"type": "multipicklist", "values": ["a"]}, "a;b", "VALUE_UNKNOWN"),
        ({"type": "code", "pattern": "[A-Z]{2}"}, "A1", "VALUE_FORMAT"),
        ({"required": True}, " ", "REQUIRED"),
        ({}, "half a pair \udc80", "TEXT_ENCODING"),
        ({}, b"\xff\xfe", "TEXT_ENCODING"),
        ({}, "nul \x00", "TEXT_ENCODING"),
        ({}, {"a": 1}, "VALUE_TYPE"),
    ],
)
def test_a_value_that_does_not_fit_is_a_problem_of_its_record_only(one_field, raw, told, field, value, code):
    mapping = one_field(**field)
    good = {"integer": "1", "boolean": True, "date": "2026-01-01", "instant": "2026-01-01", "email": "a@b.it"}
    fine = good.get(field.get("type"), "0612345678" if field.get("type") == "phone" else "a")
    fine = "AB" if "pattern" in field else fine
    canonical = platform(mapping, raw(f=[fine, value, fine]))
    assert told(canonical) == {("K1", "f", code)}
    assert canonical.values["f"].isna().tolist() == [False, True, False]


def test_text_is_cut_as_salesforce_would_hold_it(seen):
    assert seen(["ab cd", "abc d"], length=3) == ["ab", "abc"]


def test_unknown_picklist_values(seen):
    listed = {"type": "picklist", "values": ["open", "other"]}
    assert seen(["OPEN", "x"], **listed, unknown="other") == ["open", "other"]
    assert seen(["Open", "x"], **listed, unknown="keep") == ["open", "x"]


def test_the_province_of_naples_is_not_null(mappings, raw):
    shop = mappings["shop"]
    rows = {c: [None, None] for c in canon.platform_columns(shop)} | {"province": ["NA", "na"]}
    assert platform(shop, raw(**rows)).values["province"].to_list() == ["NA", "NA"]


def test_keys(one_field, told):
    mapping = one_field()
    keys = ["a", "A ", None, "", "b", "c\u00a0"]
    frame = pd.DataFrame({"f": ["x"] * len(keys)}, index=pd.Index(keys, dtype=object))
    assert told(platform(mapping, frame)) == {
        ("a", "", "KEY_TWICE"),
        ("A ", "", "KEY_TWICE"),
        ("A ", "", "VALUE_FORMAT"),
        ("", "", "KEY_NULL"),
        ("c\u00a0", "", "VALUE_FORMAT"),
    }


def test_a_key_that_breaks_its_rule(mappings, told):
    shop = mappings["shop"]
    rows = pd.DataFrame({c: [None] for c in canon.platform_columns(shop)}, index=["00-42"])
    assert ("00-42", "", "VALUE_FORMAT") in told(platform(shop, rows))


@pytest.fixture
def player(mappings, raw):
    """Canonical values of one player with the platform columns given."""

    def read(**columns):
        rows = {c: [None] for c in canon.platform_columns(mappings["player"])}
        return platform(mappings["player"], raw(**rows | {c: [v] for c, v in columns.items()}))

    return read


def test_fiscal_codes_leave_as_keyed_hashes(player):
    digest = hmac.new(HASH_KEY, b"RSSMRA85T10A562S", hashlib.sha256).hexdigest()
    assert player(fiscal_code="rssmra85t10a562s ").values["fiscal_code"].to_list() == [digest]


def test_hashing_needs_a_key(mappings, raw):
    rows = {c: [None] for c in canon.platform_columns(mappings["player"])}
    with pytest.raises(ConfigError) as caught:
        platform(mappings["player"], raw(**rows), key=b"")
    assert caught.value.code == "HASH_KEY_MISSING"


def test_masked_values_never_show_more_than_half(player):
    canonical = player(account_code="GA-778812", pay_method="visa", pay_last4="1234")
    assert canonical.values["account_code"].to_list() == ["**** 8812"]
    assert canonical.values["pay_method"].to_list() == ["visa **** 1234"]
    assert player(account_code="GA-1").values["account_code"].to_list() == ["**** -1"]


def test_a_card_number_in_the_last_four_stays_at_home(player, told):
    canonical = player(pay_method="visa", pay_last4="4111111111111111")
    assert ("K0", "pay_method", "VALUE_FORMAT") in told(canonical)
    assert canonical.values["pay_method"].isna().all()


@pytest.mark.parametrize(
    ("born", "band", "refused"),
    [
        ("2008-11-23", None, True),
        ("2008-11-22", "18-24", False),
        (date(2001, 11, 23), "18-24", False),
        ("2001-11-22", "25+", False),
        ("not a date", None, True),
        (None, None, False),
    ],
)
def test_age(player, told, born, band, refused):
    canonical = player(birth_date=born)
    assert [None if pd.isna(v) else v for v in canonical.values["age_band"]] == [band]
    assert (("K0", "", "UNDER_18") in told(canonical)) is refused


def test_nothing_of_a_never_column_is_in_the_frame(mappings, raw):
    secret = "9876543210"
    for mapping in mappings.values():
        rows = {c: [secret] for c in (*canon.platform_columns(mapping), *mapping.never)}
        values = platform(mapping, raw(**rows)).values
        hidden = [f.name for f in mapping.synced if set(f.columns) & set(mapping.never)]
        assert not values[hidden].eq(secret).any(axis=None)
        assert set(mapping.never) & set(canon.platform_columns(mapping)) <= {"birth_date"}


def test_subcategories_of_gambling_harm_leave_as_a_label(mappings, raw):
    case = mappings["case"]
    rows = {c: [None, None] for c in canon.platform_columns(case)}
    rows |= {"category": ["self_exclusion", "login"], "subcategory": ["lifelong", "lost phone"]}
    assert platform(case, raw(**rows)).values["subcategory"].to_list() == ["restricted", "lost phone"]


def test_a_case_has_one_account(mappings, raw, told):
    case = mappings["case"]
    rows = {c: [None, None] for c in canon.platform_columns(case)}
    rows |= {"player_id": ["P-1", "P-1"], "shop_code": ["0042", None]}
    problems = told(platform(case, raw(**rows)))
    assert ("K0", "", "TWO_PARENTS") in problems
    assert ("K1", "", "TWO_PARENTS") not in problems


def test_salesforce_values(mappings, raw):
    case = mappings["case"]
    columns = {p: [None, None] for p in canon.salesforce_paths(case)}
    columns |= {
        "SFS_Amount__c": [50.0, "1.2E3"],
        "SFS_Received_At__c": ["2022-10-20T16:46:32.000+0000", None],
        "CreatedDate": ["2020-01-01T00:00:00.000+0000", "2020-01-01T00:00:00.000Z"],
        "Account.SFS_Shop_Code__c": ["0042", None],
        "Owner.Username": [None, "Giulia@Operator.Example"],
        "Owner.Name": ["RET_L1", "Giulia Ferri"],
        "Owner.Type": ["Queue", "User"],
        "Description": ["pin: 12345", None],
    }
    values = canon.from_salesforce(case, raw(**columns)).values
    assert values["amount"].to_list() == ["5000", "120000"]
    assert values["received_at"].to_list() == ["2022-10-20T16:46:32Z", "2020-01-01T00:00:00Z"]
    assert values["shop"].to_list() == ["0042", pd.NA]
    assert values["owner"].to_list() == ["RET_L1", "giulia@operator.example"]
    assert values["description"].to_list() == ["pin: ****", pd.NA]


def test_our_own_records_have_no_owner_yet(mappings, raw):
    shop = mappings["shop"]
    columns = {p: [None] for p in canon.salesforce_paths(shop)} | {"Owner.Username": ["sync@operator.example"]}
    assert (
        canon.from_salesforce(shop, raw(**columns), me="Sync@operator.example").values["account_manager"].isna().all()
    )
    assert not canon.from_salesforce(shop, raw(**columns)).values["account_manager"].isna().any()


def test_any_of_the_opt_outs_counts(mappings, raw):
    player = mappings["player"]
    columns = {p: [False, False] for p in canon.salesforce_paths(player)} | {"PersonDoNotCall": [False, True]}
    assert canon.from_salesforce(player, raw(**columns)).values["contact_suppressed"].to_list() == ["false", "true"]


def test_salesforce_copies_of_platform_values_may_be_anything(mappings, raw, told):
    player = mappings["player"]
    columns = {p: [None] for p in canon.salesforce_paths(player)}
    canonical = canon.from_salesforce(player, raw(**columns | {"SFS_Tier__c": ["GOLD"], "PersonEmail": ["nowhere"]}))
    assert canonical.values[["tier", "email"]].iloc[0].to_list() == ["GOLD", "nowhere"]
    assert not told(canonical)


def test_an_agents_wrong_value_is_a_problem(mappings, raw, told):
    player = mappings["player"]
    columns = {p: [None] for p in canon.salesforce_paths(player)} | {"SFS_Pref_Quiet_Windows__c": ["at night"]}
    assert told(canon.from_salesforce(player, raw(**columns))) == {("K0", "quiet_windows", "VALUE_FORMAT")}


def test_a_column_that_was_not_delivered_is_null_without_a_problem(mappings, raw, told):
    case = mappings["case"]
    columns = {p: [None] for p in canon.salesforce_paths(case) if p != "Type"}
    canonical = canon.from_salesforce(case, raw(**columns))
    assert canonical.values["category"].isna().all()
    assert not told(canonical)


def test_a_deleted_record_and_its_successor_may_come_together(mappings, told):
    terminal = mappings["terminal"]
    columns = {p: ["x", "x"] for p in ("SFS_Model__c", "SerialNumber")}
    assert not told(canon.from_salesforce(terminal, pd.DataFrame(columns, index=["T-1", "T-1"])))


def test_on_their_way_to_the_platform(mappings):
    case = mappings["case"]
    values = pd.DataFrame(
        {
            "amount": ["5000", pd.NA],
            "event_date": ["2026-01-02", pd.NA],
            "received_at": ["2026-01-02T03:04:05Z", pd.NA],
            "subject": ["ciao", pd.NA],
        },
        dtype="string[pyarrow]",
    )
    assert canon.to_platform(case, values) == {
        "amount_minor": [5000, None],
        "event_date": [date(2026, 1, 2), None],
        "received_at": [datetime(2026, 1, 2, 3, 4, 5), None],  # noqa: DTZ001
        "subject": ["ciao", None],
    }


def test_what_has_no_way_back(mappings):
    player, shop = mappings["player"], mappings["shop"]
    values = pd.DataFrame({c: ["x"] for c in ("fiscal_code", "account_code", "pay_method", "age_band", "value_band")})
    assert canon.to_platform(player, values.astype("string[pyarrow]")) == {}
    assert canon.to_platform(shop, pd.DataFrame({"account_number": ["0042"]}, dtype="string[pyarrow]")) == {}


def test_defaults_for_a_row_the_platform_does_not_have(mappings):
    case = mappings["case"]
    values = pd.DataFrame({c: pd.array([pd.NA], dtype="string[pyarrow]") for c in case.columns})
    filled = canon.with_defaults(case, values).iloc[0].dropna().to_dict()
    assert filled == {"tier": "STANDARD", "category": "other", "channel": "phone", "status": "New"}


def test_on_their_way_to_salesforce(one_field):
    money, flag, count = (one_field(type=t).fields["f"] for t in ("money", "boolean", "integer"))
    minor = pd.Series(["5000", "123456", "-5", "7", pd.NA], dtype="string[pyarrow]")
    assert canon.to_salesforce(money, minor) == [50, 1234.56, -0.05, 0.07, None]
    assert canon.to_csv(money, minor).to_list() == ["50.00", "1234.56", "-0.05", "0.07", pd.NA]
    bits = pd.Series(["true", "false", pd.NA], dtype="string[pyarrow]")
    assert canon.to_salesforce(flag, bits) == [True, False, False]
    assert canon.to_csv(flag, bits).to_list() == ["true", "false", "false"]
    assert canon.to_salesforce(count, minor[:1]) == [5000]


printable = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30)
instants = st.datetimes(datetime(1700, 1, 1), datetime(4000, 12, 31))  # noqa: DTZ001
STRATEGIES = {
    FieldType.TEXT: printable,
    FieldType.CODE: printable,
    FieldType.BOOLEAN: st.booleans(),
    FieldType.INTEGER: st.integers(-(10**15), 10**15),
    FieldType.MONEY: st.integers(-(10**13), 10**13),
    FieldType.DATE: st.dates(date(1700, 1, 1), date(4000, 12, 31)),
    FieldType.INSTANT: instants | instants.map(lambda i: i.replace(tzinfo=UTC)) | instants.map(str),
    FieldType.EMAIL: st.from_regex(r"[A-Za-z.]{1,9}@[a-z]{1,9}\.[A-Z]{2}", fullmatch=True),
    FieldType.MULTIPICKLIST: st.lists(st.sampled_from("ABC"), max_size=4).map(";".join),
}


def build(kind: FieldType) -> Mapping:
    data = {
        "mapping": "thing",
        "platform": {"table": "t", "key": "id"},
        "salesforce": {"object": "Case", "key": "K__c"},
    }
    return Mapping.model_validate(data | {"fields": {"f": {"platform": "f", "salesforce": "F__c", "type": kind}}})


@pytest.mark.parametrize("kind", STRATEGIES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_goes_to_salesforce_comes_back_the_same(kind, data):
    values = data.draw(st.lists(STRATEGIES[kind] | st.none(), min_size=1, max_size=5))
    mapping, keys = build(kind), [f"K{i}" for i in range(len(values))]
    frame = pd.DataFrame({"f": pd.Series(values, dtype=object).to_list()}, dtype=object, index=keys)
    first = platform(mapping, frame)
    field = mapping.fields["f"]
    for sent in (canon.to_salesforce(field, first.values["f"]), canon.to_csv(field, first.values["f"]).to_list()):
        back = canon.from_salesforce(mapping, pd.DataFrame({"F__c": sent}, dtype=object, index=keys))
        pd.testing.assert_frame_equal(back.values, first.values)
    stored = canon.to_platform(mapping, first.values)["f"]
    again = platform(mapping, pd.DataFrame({"f": stored}, dtype=object, index=keys))
    pd.testing.assert_frame_equal(again.values, first.values)
    assert first.problems.empty
