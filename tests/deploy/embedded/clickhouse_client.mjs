// What ClickHouse's own client for Node, unmodified, does with the server at argv[2]; one JSON object of what came out.
import { createClient, ClickHouseError } from "@clickhouse/client";
import { Readable } from "node:stream";

const url = process.argv[2];
const found = {};
const client = createClient({ url, username: "anyone", password: "anything" });

const rows = (from, count) => Array.from({ length: count }, (_, n) => ({ a: String(from + n), b: `é-${from + n}` }));
const count = async (table, by = client) =>
  (await (await by.query({ query: `SELECT count() AS n, sum(a) AS s, uniqExact(b) AS u FROM ${table}`, format: "JSONEachRow" })).json())[0];
const failure = async (work) => {
  try {
    await work();
    return "no error";
  } catch (error) {
    return { isClickHouses: error instanceof ClickHouseError, code: error.code, type: error.type, message: error.message };
  }
};

found.ping = await client.ping();
await client.command({ query: "CREATE OR REPLACE TABLE node (a UInt64, b String) ENGINE = MergeTree ORDER BY a" });

const inserted = await client.insert({ table: "node", values: rows(0, 1000), format: "JSONEachRow" });
found.array = { count: await count("node"), written: inserted.summary?.written_rows };
await client.insert({ table: "node", values: Readable.from(rows(1000, 5000), { objectMode: true }), format: "JSONEachRow" });
found.stream = await count("node");
const csv = Readable.from([Buffer.from("6000,x\n60"), Buffer.from("01,y\n")], { objectMode: false });
await client.insert({ table: "node", values: csv, format: "CSV" });
found.csv = await count("node");

const asked = await client.query({
  query: "SELECT {n:UInt64} AS n, {s:String} AS s, {list:Array(String)} AS list, {day:Date} AS day, {none:Nullable(String)} AS none",
  query_params: { n: 5, s: "it's \\ \t ü\n", list: ["a'", "b"], day: "2026-01-31", none: null },
  format: "JSONEachRow",
  query_id: "named-by-node",
});
found.params = { row: (await asked.json())[0], query_id: asked.query_id };
found.json = await (await client.query({ query: "SELECT number FROM numbers(3)" })).json();
found.settings = await (
  await client.query({ query: "SELECT getSetting('max_threads') AS n", format: "JSONEachRow", clickhouse_settings: { max_threads: 3 } })
).json();

const streamed = await client.query({ query: "SELECT number FROM numbers(300000)", format: "JSONCompactEachRowWithNamesAndTypes" });
found.streamed = { rows: 0, sum: 0, heads: [] };
for await (const chunk of streamed.stream()) {
  for (const row of chunk) {
    const [value] = row.json();
    if (found.streamed.heads.length < 2) {
      found.streamed.heads.push(value);
    } else {
      found.streamed.rows += 1;
      found.streamed.sum += Number(value);
    }
  }
}

for (const [name, compression] of Object.entries({ both: { request: true, response: true }, none: { request: false, response: false } })) {
  const packed = createClient({ url, compression });
  await packed.command({ query: `CREATE OR REPLACE TABLE node_${name} AS node` });
  await packed.insert({ table: `node_${name}`, values: rows(0, 2000), format: "JSONEachRow" });
  found[`gzip_${name}`] = await count(`node_${name}`, packed);
  await packed.close();
}

const session = createClient({ url, session_id: `node-${process.pid}`, max_open_connections: 1 });
await session.command({ query: "CREATE TEMPORARY TABLE seen (a UInt64, b String)" });
await session.command({ query: "SET max_block_size = 77" });
await session.insert({ table: "seen", values: rows(0, 10), format: "JSONEachRow" });
found.session = {
  count: await count("seen", session),
  kept: await (await session.query({ query: "SELECT getSetting('max_block_size') AS n", format: "JSONEachRow" })).json(),
  elsewhere: await failure(() => client.query({ query: "SELECT * FROM seen" })),
};
await session.close();

found.errors = {
  unknown: await failure(() => client.query({ query: "SELECT * FROM nowhere" })),
  value: await failure(() => client.insert({ table: "node", values: [{ a: "not a number" }], format: "JSONEachRow" })),
  readonly: await failure(() => client.command({ query: "TRUNCATE TABLE node", clickhouse_settings: { readonly: "1" } })),
  midway: await failure(async () => {
    const broken = await client.query({ query: "SELECT throwIf(number = 3000000) FROM numbers(10000000)", format: "JSONEachRow" });
    for await (const _ of broken.stream());
  }),
};

const abort = new AbortController();
const endless = client.query({ query: "SELECT count() FROM numbers(1000000000000)", query_id: "aborted-by-node", clickhouse_settings: { log_comment: "aborted-by-node" }, abort_signal: abort.signal });
const running = async () =>
  (await (await client.query({ query: "SELECT query FROM system.processes WHERE Settings['log_comment'] = 'aborted-by-node'", format: "JSONEachRow" })).json())
    .length;
const until = async (holds) => {
  const end = Date.now() + 30000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("not within 30 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
await until(async () => (await running()) === 1);
abort.abort();
found.aborted = await failure(() => endless);
await until(async () => (await running()) === 0);

const halfway = new AbortController();
const slow = Readable.from((async function* () {
  yield { a: "1", b: "x" };
  await new Promise((resolve) => setTimeout(resolve, 200));
  halfway.abort();
  yield { a: "2", b: "x" };
})(), { objectMode: true });
await client.command({ query: "CREATE OR REPLACE TABLE node_half AS node" });
found.halfway = await failure(() => client.insert({ table: "node_half", values: slow, format: "JSONEachRow", abort_signal: halfway.signal }));
found.half = await count("node_half");
await client.close();
console.log(JSON.stringify(found));
