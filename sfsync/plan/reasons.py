"""What the codes of refused and remarked records mean: one sentence each, for the ledger and the reference."""

from __future__ import annotations

MAPPING = {
    "KEY_TWICE": "the key occurs more than once (upper and lower case are one key)",
    "VALUE_TYPE": "the value is not of the field's type",
    "VALUE_TOO_LONG": "the value is longer than the Salesforce field",
    "VALUE_RANGE": "the date lies outside what Salesforce can hold (1700 to 4000)",
    "VALUE_UNKNOWN": "the value is not in the field's list",
    "VALUE_FORMAT": "the value does not have the field's form",
    "TEXT_ENCODING": "the text is not valid Unicode",
    "REQUIRED": "a required value is missing",
    "TWO_PARENTS": "two references are set of which only one may be",
    "UNDER_18": "the player was under 18; such a player is never synced",
}
PROMISES = {  # of cases under the service-level policy, and of timelines
    "E-TIER": "the tier is not one of STANDARD, VIP, VVIP and PARTNER",
    "E-PRIORITY": "the priority is not one of P1 to P4",
    "E-STATUS": "the status is not one the policy knows",
    "E-CHANNEL": "the channel (Origin) is not one the policy knows",
    "E-POLICY": "the case names a version the policy does not have",
    "E-SUPPRESS": "the player could not be suppressed first, so nothing else was written for the case",
    "E-TIPOFF": "words a customer can read tell of a suspicion of laundering; take them back, ask compliance",
    "E-TIME-FUTURE": "an instant lies in the future, further than a clock may be ahead",
    "E-TIME-ORDER": "instants are out of order: something is stamped before the case or request began",
    "E-EVENT": "the kind of an event is not known",
    "E-TIMELINE": "the timeline does not have its form",
    "E-WORDS": "words are of the list legal or harm",
    "W-TYPE": "the type or category is not known; it counts as other",
    "W-PAUSE-NOMSG": "a pause without a message to the requester before it does not stop the clocks",
    "W-DOWNGRADE-LATE": "the priority was lowered less than 15 minutes before a promise was due",
}
REQUESTS = {  # of rows of a file of requests
    "E-REQ": "a required field is empty; its name stands behind the colon",
    "E-COLS": "the row does not have as many columns as the heading",
    "E-FORMAT": "the file is not of a form that can be read",
    "E-CHARSET": "a code holds letters of another alphabet that only look like its own",
    "E-SCI": "a number in scientific notation has lost its digits; send codes as text",
    "E-DATE": "the date does not exist or cannot be read",
    "E-TIME-NEEDED": "this request needs a time of day beside the date",
    "E-NUM": "the number is not clear, or not one that is possible here",
    "E-AMOUNT-NEG": "the amount is negative",
    "E-VAT": "the VAT number has a wrong check digit or form",
    "E-VAT-ZERO": "the VAT number is nothing but zeros",
    "E-CF": "the fiscal code has a wrong check letter or form",
    "E-IBAN": "the IBAN has wrong check digits or a wrong form; the change of account waits",
    "E-MINOR": "the person is under 18",
    "E-SHOP-UNKNOWN": "there is no such shop",
    "E-SHOP-STATE": "the shop is not in a state in which this can be asked",
    "E-SHOP-AMBIG": "the code fits more than one shop",
    "E-ROLE": "who asks may not ask for this",
    "E-TERMINAL-SHOP": "the terminal belongs to another shop",
    "E-KEY-CLASH": "the request's id was used by another shop",
    "W-ENC": "the encoding of the text had to be guessed",
    "W-MOJIBAKE": "text that was encoded twice was repaired",
    "W-PAD": "leading zeros of the shop's code were restored",
    "W-VAT-PAD": "leading zeros of the VAT number were restored",
    "W-YEAR2": "the year has two digits",
    "W-SERIAL": "the date was written as a number of a spreadsheet",
    "W-NOTIME": "the time of day is missing",
    "W-TIME-GAP": "the time does not exist: the clocks went forward; one hour later was taken",
    "W-TIME-AMBIG": "the time occurs twice: the clocks went back; the first one was taken",
    "W-NUM-EN": "the number was written the English way",
    "W-NUM-GROUP": "a dot was taken for a separator of thousands",
    "W-PHONE": "the telephone number cannot be one; it was left out",
    "W-PHONE-PLUS": "the plus of an international number was restored",
    "W-EMAIL": "the e-mail address cannot be one; it was left out",
    "W-EMAIL-MULTI": "there are several e-mail addresses; the first one counts",
    "W-SECRET": "a password, PIN, one-time code or card number in the text was masked",
    "W-IBAN-CIN": "the national check letter of the IBAN is wrong; it is looked into",
    "W-FORMULA": "a cell begins like a formula; it was read as text",
    "W-FOOTER": "a total, a blank row or a repeated heading was left out",
    "W-LEN": "a text was too long and was cut",
}
ALL = {**MAPPING, **PROMISES, **REQUESTS}


def reason(code: str) -> str:
    """The sentence of a code; what stands behind a colon names a field."""
    return ALL.get(code.partition(":")[0], "refused by a rule of the mapping")
