// Runs with node --test in the client's own folder; the org's ways in come from the environment.
const assert = require('node:assert/strict');
const { test, describe, before } = require('node:test');
const { Connection, OAuth2, SfDate } = require('jsforce');

const env = process.env;
const fresh = (more = {}) => new Connection({ instanceUrl: env.SF_LOGIN_URL, accessToken: env.SF_ACCESS_TOKEN, ...more });
const id = () => `k${Date.now()}${Math.floor(Math.random() * 1e6)}`;

describe('sessions', () => {
  test('SOAP login, a query, logout', async () => {
    const conn = new Connection({ loginUrl: env.SF_LOGIN_URL });
    const user = await conn.login(env.SF_USERNAME, env.SF_PASSWORD);
    assert.match(user.id, /^005/);
    assert.ok((await conn.query('SELECT Id FROM User LIMIT 1')).records.length);
    const { accessToken } = conn;
    await conn.logout();
    await assert.rejects(fresh({ accessToken }).query('SELECT Id FROM User'), { errorCode: 'INVALID_SESSION_ID' });
  });

  test('a wrong password is refused', async () => {
    const conn = new Connection({ loginUrl: env.SF_LOGIN_URL });
    await assert.rejects(conn.login(env.SF_USERNAME, 'wrong'), /INVALID_LOGIN/);
  });

  test('OAuth2 password, client credentials, refresh', async () => {
    const oauth2 = { loginUrl: env.SF_LOGIN_URL, clientId: env.SF_CLIENT_ID, clientSecret: env.SF_CLIENT_SECRET };
    const conn = new Connection({ oauth2 });
    await conn.login(env.SF_USERNAME, env.SF_PASSWORD);
    assert.equal(conn.instanceUrl, env.SF_LOGIN_URL);
    const machine = await new OAuth2(oauth2).requestToken({ grant_type: 'client_credentials' });
    assert.ok(machine.access_token);
    let refreshed = 0;
    const dead = new Connection({ oauth2, instanceUrl: env.SF_LOGIN_URL, accessToken: 'invalid', refreshToken: env.SF_REFRESH_TOKEN });
    dead.on('refresh', () => { refreshed += 1; });
    await Promise.all([dead.query('SELECT Id FROM User LIMIT 1'), dead.describeGlobal(), dead.sobject('Account').describe()]);
    assert.equal(refreshed, 1);
    const both = new Connection({ oauth2, instanceUrl: env.SF_LOGIN_URL, accessToken: 'invalid', refreshToken: 'invalid' });
    await assert.rejects(both.query('SELECT Id FROM User'), /expired access\/refresh token/);
  });

  test('identity, limits, https', async () => {
    const conn = fresh({ instanceUrl: env.SF_HTTPS_URL });
    assert.equal((await conn.identity()).username, env.SF_USERNAME);
    assert.ok((await conn.limits()).DailyApiRequests.Max > 0);
    assert.ok(conn.limitInfo.apiUsage.limit > 0);
    assert.ok((await conn.request('/services/data')).some((one) => one.version === '66.0'));
  });
});

describe('describe', () => {
  const conn = fresh();
  test('global, one object, caches', async () => {
    assert.ok((await conn.describeGlobal$()).sobjects.find((one) => one.name === 'Case' && one.keyPrefix === '500'));
    assert.deepEqual(conn.describeGlobal$$(), await conn.describeGlobal$());
    const found = await conn.sobject('Account').describe$();
    assert.ok(found.fields.length > 40);
    assert.ok(found.childRelationships.some((one) => one.relationshipName === 'Contacts'));
  });

  test('recent, updated, deleted, layouts', async () => {
    const made = await conn.sobject('Account').create({ Name: 'Recent' });
    await conn.sobject('Account').retrieve(made.id);
    assert.ok((await conn.recent()).length);
    assert.ok(Array.isArray(await conn.sobject('Account').recent()));
    const soon = new Date(Date.now() + 60000);
    const early = new Date(Date.now() - 600000);
    assert.ok((await conn.sobject('Account').updated(early, soon)).ids.includes(made.id));
    await conn.sobject('Account').destroy(made.id);
    const gone = await conn.sobject('Account').deleted(early, soon);
    assert.ok(gone.deletedRecords.some((one) => one.id === made.id));
    assert.ok((await conn.sobject('Account').layouts()).layouts.length);
    assert.ok((await conn.sobject('Account').compactLayouts()).compactLayouts);
    assert.ok((await conn.sobject('Account').approvalLayouts()).approvalLayouts);
    assert.ok((await conn.sobject('Account').listviews()).listviews);
  });
});

describe('rows', () => {
  const conn = fresh();
  test('one', async () => {
    const table = conn.sobject('Account');
    const made = await table.create({ Name: 'Hello' });
    assert.ok(made.success);
    assert.equal((await table.retrieve(made.id)).Name, 'Hello');
    assert.ok((await table.update({ Id: made.id, Name: 'Hello2' }, { headers: { 'SForce-Auto-Assign': 'FALSE' } })).success);
    assert.equal((await table.record(made.id).retrieve()).Name, 'Hello2');
    assert.ok((await table.destroy(made.id)).success);
    await assert.rejects(table.retrieve(made.id), { errorCode: 'NOT_FOUND' });
  });

  for (const how of [{}, { allowRecursive: true }, { allOrNone: true }]) {
    test(`many ${JSON.stringify(how)}`, async () => {
      const table = conn.sobject('Account');
      const rows = Array.from({ length: how.allowRecursive ? 250 : 3 }, (_, n) => ({ Name: `Account #${n}` }));
      const made = await table.create(rows, how);
      assert.ok(made.every((one) => one.success));
      const ids = made.map((one) => one.id);
      assert.deepEqual((await table.retrieve(ids)).map((one) => one.Name), rows.map((one) => one.Name));
      assert.ok((await table.update(ids.map((Id) => ({ Id, Name: 'x' })), how)).every((one) => one.success));
      assert.ok((await table.destroy(ids, how)).every((one) => one.success));
      assert.ok((await table.retrieve(ids)).every((one) => one === null));
    });
  }

  test('all or none', async () => {
    const made = await conn.sobject('Account').create([{ Name: 'good' }, {}], { allOrNone: true });
    assert.equal(made[0].errors[0].statusCode, 'ALL_OR_NONE_OPERATION_ROLLED_BACK');
    assert.equal(made[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  });

  test('upsert: new, known, ambiguous', async () => {
    const table = conn.sobject('UpsertTable__c');
    const ExtId__c = id();
    const made = await table.upsert({ Name: 'New Record', ExtId__c }, 'ExtId__c');
    assert.ok(made.success && made.created);
    const again = await table.upsert({ Name: 'Updated Record', ExtId__c }, 'ExtId__c');
    assert.ok(again.success && !again.created);
    assert.equal(again.id, made.id);
    await table.create({ Name: 'Duplicated Record', ExtId__c });
    await assert.rejects(table.upsert({ Name: 'Twice', ExtId__c }, 'ExtId__c'), (error) => {
      assert.equal(error.name, 'MULTIPLE_CHOICES');
      assert.equal(typeof error.content[0], 'string');
      return true;
    });
  });
});

describe('queries', () => {
  const conn = fresh();
  test('pages, autoFetch, streams, scan', async () => {
    const query = conn.query('SELECT Id, Name FROM BigTable__c');
    const first = await query;
    assert.equal(first.totalSize, 2500);
    assert.equal(first.done, false);
    const second = await conn.queryMore(first.nextRecordsUrl);
    assert.equal(first.records.length + second.records.length, 2500);
    const all = await conn.query('SELECT Id FROM BigTable__c', { autoFetch: true, maxFetch: 5000 });
    assert.equal(all.records.length, 2500);
    let streamed = 0;
    await new Promise((resolve, reject) => {
      conn.query('SELECT Id FROM BigTable__c').on('record', () => { streamed += 1; }).on('end', resolve).on('error', reject).run({ autoFetch: true, maxFetch: 10000 });
    });
    assert.equal(streamed, 2500);
  });

  test('find with conditions, includes, explain, search', async () => {
    const table = conn.sobject('Account');
    const { id: parent } = await table.create({ Name: 'Parent of two' });
    await conn.sobject('Contact').create([{ LastName: 'One', AccountId: parent }, { LastName: 'Two', AccountId: parent }]);
    const rows = await table.find({ Name: { $like: 'Parent of%' }, CreatedDate: { $gte: SfDate.YESTERDAY } }, 'Id, Name')
      .include('Contacts').select('LastName').orderby('LastName').end().sort({ CreatedDate: -1 }).limit(5);
    assert.deepEqual(rows[0].Contacts.records.map((one) => one.LastName), ['One', 'Two']);
    assert.equal(await table.count({ Name: 'Parent of two' }), 1);
    const found = await conn.search('FIND {Parent} RETURNING Account(Name)');
    assert.ok(found.searchRecords.some((one) => one.Name === 'Parent of two'));
  });

  test('update and delete what a query finds', async () => {
    const key = id();
    await conn.sobject('UpsertTable__c').create(Array.from({ length: 12 }, (_, n) => ({ Name: key, ExtId__c: `${key}-${n}` })));
    const where = `SELECT Id, Name FROM UpsertTable__c WHERE Name LIKE '${key}%'`;
    assert.equal((await conn.query(where).update({ Name: `${key} (Updated)` }, 'UpsertTable__c')).length, 12);
    assert.equal((await conn.query(where).destroy('UpsertTable__c')).length, 12);
    assert.equal((await conn.query(where)).totalSize, 0);
  });

  test('errors say what is wrong', async () => {
    await assert.rejects(conn.query('SELECT Id FROM Nothing'), { errorCode: 'INVALID_TYPE' });
    await assert.rejects(conn.query('SELECT Nme FROM Account'), { errorCode: 'INVALID_FIELD' });
    await assert.rejects(conn.queryMore('/services/data/v50.0/query/01g000000000000AAA-2000'), { errorCode: 'INVALID_QUERY_LOCATOR' });
  });
});

for (const name of ['bulk', 'bulk2']) {
  describe(name, () => {
    const conn = fresh();
    const bulk = conn[name];
    bulk.pollInterval = 50;
    bulk.pollTimeout = 30000;
    const load = (operation, input, more = {}) => name === 'bulk'
      ? bulk.load('UpsertTable__c', operation, more, input)
      : bulk.loadAndWaitForResults({ object: 'UpsertTable__c', operation, input, ...more });
    const good = (results) => (name === 'bulk' ? results : results.successfulResults);

    test('insert, update, upsert, delete', async () => {
      const key = id();
      const rows = Array.from({ length: 50 }, (_, n) => ({ Name: `${key} #${n}`, ExtId__c: `${key}-${n}` }));
      assert.equal(good(await load('insert', rows)).length, 50);
      const made = (await conn.query(`SELECT Id, Name FROM UpsertTable__c WHERE Name LIKE '${key}%'`)).records;
      assert.equal(good(await load('update', made.map(({ Id, Name }) => ({ Id, Name: `${Name} (Updated)` })))).length, 50);
      const twice = rows.map((one) => ({ ...one, Name: `${key} upserted` }));
      const more = name === 'bulk' ? { extIdField: 'ExtId__c' } : { externalIdFieldName: 'ExtId__c' };
      assert.equal(good(await load('upsert', twice, more)).length, 50);
      assert.equal(await conn.sobject('UpsertTable__c').count({ Name: `${key} upserted` }), 50);
      assert.equal(good(await load('delete', made.map(({ Id }) => ({ Id })))).length, 50);
    });

    test('query as a stream', async () => {
      const stream = await bulk.query('SELECT Id, Name FROM BigTable__c');
      let count = 0;
      for await (const record of stream) { assert.match(record.Id, /^a/); count += 1; }
      assert.equal(count, 2500);
    });

    test('a row that is refused is told', async () => {
      const results = await load('update', [{ Id: 'a00000000000000AAA', Name: 'x' }]);
      const failed = name === 'bulk' ? results.filter((one) => !one.success) : results.failedResults;
      assert.equal(failed.length, 1);
    });

    test('an unknown object is refused', async () => {
      const input = [{ Name: 'x' }];
      await assert.rejects(async () => (name === 'bulk' ? bulk.load('Nothing__c', 'insert', input)
        : bulk.loadAndWaitForResults({ object: 'Nothing__c', operation: 'insert', input })));
    });
  });
}
