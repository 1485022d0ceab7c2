"""The custom objects and fields that the recordings mention, in Salesforce's source format."""

from __future__ import annotations

from pathlib import Path

_XMLNS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
_EXTERNAL = "<externalId>true</externalId>"
_OBJECTS = ("Custom__c", "Merchandise__c", "Whizbang__c", "Inspector_Test__c", "Big__c")
_FIELDS = {
    ("Merchandise__c", "MerchandiseExtID__c"): f"<type>Text</type><length>40</length>{_EXTERNAL}",
    ("Merchandise__c", "Description__c"): "<type>Text</type><length>255</length>",
    ("Merchandise__c", "Price__c"): "<type>Currency</type><precision>18</precision><scale>2</scale>",
    ("Merchandise__c", "Total_Inventory__c"): "<type>Number</type><precision>18</precision><scale>0</scale>",
    ("Merchandise__c", "Distributor__c"): "<type>Text</type><length>255</length>",
    ("Whizbang__c", "External__c"): f"<type>Text</type><length>40</length>{_EXTERNAL}",
    ("Inspector_Test__c", "Lookup__c"): "<type>Lookup</type><referenceTo>Inspector_Test__c</referenceTo>"
    "<relationshipName>Tests</relationshipName><relationshipLabel>Tests</relationshipLabel>",
    ("Account", "MyExtId__c"): f"<type>Text</type><length>40</length>{_EXTERNAL}",
    ("Account", "ExternalAcctId__c"): f"<type>Text</type><length>40</length>{_EXTERNAL}<unique>true</unique>",
    ("Contact", "B2C_Customer_ID__c"): f"<type>Text</type><length>40</length>{_EXTERNAL}<unique>true</unique>",
    ("Contact", "My_External_Id__c"): f"<type>Text</type><length>40</length>{_EXTERNAL}<unique>true</unique>",
    ("Opportunity", "external_id__c"): f"<type>Text</type><length>40</length>{_EXTERNAL}<unique>true</unique>",
}  # fmt: skip
_RULES = {
    "A_No_ACME": ('Name = "ACME"', "no ACME accounts"),
    "B_No_123": ('Phone = "123"', "no 123 phone"),
}

_MATCHED = {"Contact": ("FirstName", "LastName", "Email"), "Account": ("Name", "BillingCity")}


def write(folder: Path) -> None:
    """Writes the metadata below ``folder``."""
    objects = folder / "main" / "default" / "objects"
    for name in _OBJECTS:
        label = name.removesuffix("__c").replace("_", " ")
        _file(
            objects / name / f"{name}.object-meta.xml",
            f"<CustomObject {_XMLNS}><label>{label}</label><pluralLabel>{label}s</pluralLabel>"
            "<deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>"
            f"<nameField><label>{label} Name</label><type>Text</type></nameField></CustomObject>",
        )
    for (name, field), body in _FIELDS.items():
        label = field.removesuffix("__c").replace("_", " ")
        _file(
            objects / name / "fields" / f"{field}.field-meta.xml",
            f"<CustomField {_XMLNS}><fullName>{field}</fullName><label>{label}</label>{body}</CustomField>",
        )
    for rule, (formula, message) in _RULES.items():
        _file(
            objects / "Account" / "validationRules" / f"{rule}.validationRule-meta.xml",
            f"<ValidationRule {_XMLNS}><fullName>{rule}</fullName><active>true</active>"
            f"<errorConditionFormula>{formula}</errorConditionFormula><errorMessage>{message}</errorMessage>"
            "</ValidationRule>",
        )
    for name, fields in _MATCHED.items():
        _duplicates(folder / "main" / "default", name, fields)


def _duplicates(folder: Path, name: str, fields: tuple[str, ...]) -> None:
    """The standard rule of an object: same values in these fields, an alert that may be saved over."""
    items = "".join(f"<matchingRuleItems><fieldName>{one}</fieldName></matchingRuleItems>" for one in fields)
    match, rule = f"Standard_{name}_Match_Rule_v1_1", f"Standard_{name}_Duplicate_Rule"
    head = f"<matchingRules><fullName>{match}</fullName><label>{match}</label>"
    _file(
        folder / "matchingRules" / f"{name}.matchingRule-meta.xml",
        f"<MatchingRules {_XMLNS}>{head}{items}<ruleStatus>Active</ruleStatus></matchingRules></MatchingRules>",
    )
    _file(
        folder / "duplicateRules" / f"{name}.{rule}.duplicateRule-meta.xml",
        f"<DuplicateRule {_XMLNS}><actionOnInsert>Allow</actionOnInsert><actionOnUpdate>Allow</actionOnUpdate>"
        "<alertText>Use one of these records?</alertText><duplicateRuleMatchRules>"
        f"<matchRuleSObjectType>{name}</matchRuleSObjectType><matchingRule>{match}</matchingRule>"
        f"</duplicateRuleMatchRules><isActive>true</isActive><masterLabel>{rule}</masterLabel>"
        "<operationsOnInsert>Alert</operationsOnInsert><sortOrder>1</sortOrder></DuplicateRule>",
    )


def _file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', encoding="utf-8")
