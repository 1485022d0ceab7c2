"""A day's worth of edits on both sides: one of everything a sync can write, so that a kill can fall anywhere."""

from __future__ import annotations

from tests.e2e.world import World

NEW_PLAYER, EXCLUDED, EDITED = "P-NEW", "P-0000002", "P-0000004"
LISTENED, DELETED = "P-0000005", "P-0000006"
NEW_SHOP, NEXT_SHOP = "777001", "777002"
NEW_CASE, WORKED_CASE = "PL-NEW", "PL-0000001"


def play(world: World) -> str:
    """Makes the edits; returns the key the case born in Salesforce will get."""
    shop = world.frame("shops").index[0]
    world.copy_row(
        "players", "P-0000001", NEW_PLAYER, username="nuova", email="nuova@posta.example", signup_shop_code=NEXT_SHOP
    )
    world.edit("players", EXCLUDED, contact_suppressed=True, bonus_blocked=True, email="esclusa@posta.example")
    world.edit("players", EDITED, email="neu@posta.example", phone_mobile=None)
    world.copy_row("companies", world.frame("companies").index[0], "C-NEW")
    world.copy_row("shops", shop, NEW_SHOP, company_code="C-NEW", predecessor_shop=NEXT_SHOP)
    world.copy_row("shops", shop, NEXT_SHOP, company_code="C-NEW", predecessor_shop=shop)
    world.copy_row(
        "cases", WORKED_CASE, NEW_CASE, player_id=NEW_PLAYER, case_number=None, status="New", resolved_at=None
    )
    world.change(
        "Account", "SFS_Player_Id__c", LISTENED, SFS_Pref_Quiet_Windows__c="22:00-24:00", SFS_Mkt_Email__c=False
    )
    world.change("Account", "SFS_Shop_Code__c", shop, Phone="+39 02 555 0199")
    world.change("Case", "SFS_Source_Key__c", "PL-0000002", Status="InProgress")
    world.sobject("Account").delete(world.one("Account", "SFS_Player_Id__c", DELETED, "SystemModstamp")["Id"])
    return born(world, world.one("Account", "SFS_Player_Id__c", EDITED, "SystemModstamp")["Id"])


def born(world: World, account: str, **more: object) -> str:
    """A case an agent opens in Salesforce; returns the key sfsync will give it."""
    record_type = world.rows("SELECT Id FROM RecordType WHERE SobjectType = 'Case' AND DeveloperName = 'Player'")[0][
        "Id"
    ]
    values = {"AccountId": account, "RecordTypeId": record_type, "Subject": "Nata in Salesforce", "Origin": "phone"}
    made = world.sobject("Case").create(
        {**values, "Type": "how_to", "SFS_Tier__c": "STANDARD", "Priority": "P3", **more}
    )
    number = world.rows(f"SELECT CaseNumber FROM Case WHERE Id = '{made['id']}'")[0]["CaseNumber"]
    return f"SF-{number}"
