"""Signs in by every flow of aiosalesforce and uses rows, queries, composite and Bulk 2.0 of the org.

Lives in the client's own environment: it imports nothing of sfsync. The library insists on addresses of
salesforce.com; the transport given to its HTTP client, a setting of its own, leads them to the org.
"""

import asyncio
import json
import os
import ssl

import httpx
from aiosalesforce import ClientCredentialsFlow, JwtBearerFlow, Salesforce, SoapLogin
from aiosalesforce.exceptions import SalesforceError

BASE = "https://rehearsal.my.salesforce.com"
PORT = int(os.environ["ORG_URL"].rpartition(":")[2])


class ToTheOrg(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        request.url = request.url.copy_with(host="127.0.0.1", port=PORT)
        return await super().handle_async_request(request)


def flows():
    env = os.environ
    name, password = env["SF_USERNAME"], env["ORG_PASSWORD"]
    yield SoapLogin(username=name, password=password, security_token=env["ORG_SECURITY_TOKEN"])
    yield ClientCredentialsFlow(env["ORG_KEY"], env["ORG_SECRET"])
    yield JwtBearerFlow(env["ORG_KEY"], name, env["ORG_KEY_FILE"])
    yield SoapLogin(username=name, password="wrong", security_token="")


async def listed(rows):
    return [one async for one in rows]


async def code(call):
    try:
        await call
    except SalesforceError as error:
        return error.error_code
    return "good"


async def rows(sf):
    one = await sf.sobject.create("Contact", {"LastName": "Alba"})
    await sf.sobject.update("Contact", one, {"FirstName": "Ada"})
    made = await sf.sobject.upsert("Contact", "b@example.com", "Email", {"LastName": "Bruni"})
    again = await sf.sobject.upsert("Contact", "b@example.com", "Email", {"LastName": "Bruno"})
    yield "name", (await sf.sobject.get("Contact", one, fields=["Name"]))["Name"]
    yield "created", [made.created, again.created, made.id == again.id]
    yield "found", len(await listed(sf.query("SELECT Id, Account.Name, (SELECT Id FROM Cases) FROM Contact")))
    yield "required", await code(sf.sobject.create("Contact", {}))
    yield "no field", await code(sf.sobject.update("Contact", one, {"Nope__c": 1}))
    yield "no row", await code(sf.sobject.get("Contact", "003000000000000AAA"))
    yield "no grammar", await code(listed(sf.query("SELECT Id FROM")))
    await sf.sobject.delete("Contact", "b@example.com", "Email")
    yield (
        "binned",
        len(
            await listed(
                sf.query(
                    "SELECT Id FROM Contact WHERE IsDeleted = true AND Email = 'b@example.com'",
                    include_all_records=True,
                )
            )
        ),
    )


async def together(sf):
    async with sf.composite.batch() as batch:
        parts = [batch.query("SELECT Id FROM Contact"), batch.sobject.create("Contact", {})]
    yield "batch", [one.status_code for one in parts]
    async with sf.composite(all_or_none=True) as whole:
        account = whole.sobject.create("Account", {"Name": "Alfa"})
        contact = whole.sobject.create("Contact", {"LastName": "Cori", "AccountId": str(account.reference.id)})
    yield "composite", [account.status_code, contact.status_code]
    async with sf.composite(all_or_none=True) as whole:
        parts = [whole.sobject.create("Account", {"Name": "Beta"}), whole.sobject.create("Contact", {})]
    yield "halted", [one.response_body[0]["errorCode"] for one in parts]


async def bulk(sf):
    result = await sf.bulk_v2.insert("Contact", [{"LastName": "Dori"}, {"LastName": ""}])
    yield "bulk", [len(result.successful_results), result.failed_results[0]["sf__Error"]]
    yield "no object", await code(sf.bulk_v2.insert("Nope__c", [{"A": 1}]))


async def session(sf, http):
    token = await sf.auth.get_access_token(sf)
    await http.post(f"{BASE}/services/oauth2/revoke", data={"token": token})
    await sf.get_limits()
    yield "renewed", await sf.auth.get_access_token(sf) != token


async def main():
    trusted = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    told = {}
    async with httpx.AsyncClient(transport=ToTheOrg(verify=trusted)) as http:
        told["flows"] = [await code(Salesforce(http, BASE, flow).get_limits()) for flow in flows()]
        sf = Salesforce(http, BASE, next(flows()))
        for steps in (rows(sf), together(sf), bulk(sf), session(sf, http)):
            told |= dict(await listed(steps))
    print(json.dumps(told))


asyncio.run(main())
