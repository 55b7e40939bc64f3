/** Registries for tests: real files in a folder of their own, and rows by the hundred. */
import { Database } from "bun:sqlite";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { MIGRATIONS } from "../../src/store/migrations.ts";
import { openStore, type Store, type Tx } from "../../src/store/open.ts";

export type Folder = { dir: string; path: string; remove(): void };

export function folder(): Folder {
  const dir = mkdtempSync(join(tmpdir(), "agenttower-store-"));
  return { dir, path: join(dir, "agenttower.sqlite3"), remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** A fresh registry at our generation. */
export function freshStore(path: string): Store {
  return openStore(path, systemClock(), { migrate: true });
}

/** The same without waiting for the disk, for tests of a thousand writes. */
export function quickStore(path: string): Store {
  const store = freshStore(path);
  store.read(({ db }) => db.run("PRAGMA synchronous = OFF"));
  return store;
}

/** A registry as an older build left it, with a row in every table of its generation. */
export function oldRegistry(path: string, version: number): void {
  const db = new Database(path, { create: true });
  chmodSync(path, 0o600);
  db.run("PRAGMA journal_mode = WAL");
  for (const migration of MIGRATIONS.slice(0, version)) db.run(migration.sql);
  db.query("INSERT INTO schema_version VALUES (?)").run(version);
  for (const [since, sql] of OLD_ROWS) if (since <= version) db.run(sql);
  db.close();
}

/** By generation; columns that came later are not named. */
export const OLD_ROWS: readonly [number, string][] = [
  [2, "INSERT INTO containers VALUES ('c1','bench','img','running','{}','[]','{}',NULL,NULL,1,'t1','t2')"],
  [2, "INSERT INTO container_scans VALUES ('s1','t1','t2','ok',1,0,0,NULL,NULL,NULL)"],
  [3, "INSERT INTO panes VALUES ('c1','/s','main',0,0,'%0','bench','u',1,'t','bash','/','',1,1,'t1','t2')"],
  [3, "INSERT INTO pane_scans VALUES ('s2','t1','t2','degraded',1,1,1,1,0,0,0,'x','y','[]')"],
  [
    4,
    `INSERT INTO agents VALUES ('agt_0a1b2c3d4e5f','c1','/s','main',0,0,'%0','slave','claude','l','',NULL,'{}','t1','t1',NULL,1)`,
  ],
  [
    5,
    `INSERT INTO log_attachments VALUES ('lat_1','agt_0a1b2c3d4e5f','c1','/s','main',0,0,'%0','/l','active','explicit','x',
     NULL,'t1','t1',NULL,NULL,'t1')`,
  ],
  [5, "INSERT INTO log_offsets VALUES ('agt_0a1b2c3d4e5f','/l',1,2,3,NULL,NULL,4,'t1','t1')"],
  ...[3, 7].map((id): [number, string] => [
    6,
    `INSERT INTO events VALUES (${id},'error','agt_0a1b2c3d4e5f','lat_1','/l',0,1,0,1,'t1',NULL,'excerpt ${id}','r.v1',NULL,1,
     NULL,NULL,1,NULL)`,
  ]),
  // The last ids that were given out have no rows any more.
  [6, "UPDATE sqlite_sequence SET seq = 12 WHERE name = 'events'"],
  [
    7,
    `INSERT INTO message_queue (message_id, state, sender_agent_id, sender_label, sender_role, target_agent_id, target_label,
       target_role, target_container_id, target_pane_id, envelope_body, envelope_body_sha256, envelope_size_bytes,
       enqueued_at, last_updated_at)
     VALUES ('m1','queued','a','l','master','b','l','slave','c1','%0',x'00ff','h',9,'t1','t1')`,
  ],
  [7, "INSERT INTO daemon_state VALUES ('routing_enabled','disabled','t1','host-operator')"],
  [8, "INSERT INTO routes VALUES ('r1','error','any',NULL,'source',NULL,'auto',NULL,'t',1,0,'t1','t1',NULL)"],
];

/** Form A of a small number, so that order of numbers is order of texts. */
export const at = (n: number): string => `2026-05-05T12:34:56.${String(n).padStart(6, "0")}+00:00`;

export type PaneSeed = {
  container?: string;
  containerName?: string;
  session?: string;
  window?: number;
  pane?: number;
  paneId: string;
  active?: 0 | 1;
  firstSeen?: number;
  lastScanned?: number;
};

export function addPane(tx: Tx, seed: PaneSeed): void {
  const container = seed.container ?? "c1";
  tx.db
    .query("INSERT INTO panes VALUES (?,'/s',?,?,?,?,?,'u',1,'t','bash','/','',0,?,?,?)")
    .run(
      container,
      seed.session ?? "main",
      seed.window ?? 0,
      seed.pane ?? 0,
      seed.paneId,
      seed.containerName ?? container,
      seed.active ?? 1,
      at(seed.firstSeen ?? 0),
      at(seed.lastScanned ?? 0),
    );
}

/** An agent on the pane with this id, its other key columns as `addPane` fills them. */
export function addAgent(tx: Tx, id: string, seed: PaneSeed, role = "slave", active: 0 | 1 = 1): void {
  tx.db
    .query("INSERT INTO agents VALUES (?,?,'/s',?,?,?,?,?,'claude','','',NULL,'{}',?,?,NULL,?)")
    .run(
      id,
      seed.container ?? "c1",
      seed.session ?? "main",
      seed.window ?? 0,
      seed.pane ?? 0,
      seed.paneId,
      role,
      at(0),
      at(0),
      active,
    );
}

export function addContainer(tx: Tx, id: string, name: string, active: 0 | 1, firstSeen = 0, lastScanned = 0): void {
  tx.db
    .query("INSERT INTO containers VALUES (?,?,'img','running','{}','[]','{}',NULL,NULL,?,?,?)")
    .run(id, name, active, at(firstSeen), at(lastScanned));
}

export function addEvent(tx: Tx, type: string): void {
  tx.db
    .query("INSERT INTO events (event_type, agent_id, observed_at, excerpt) VALUES (?, 'a', ?, 'text')")
    .run(type, at(0));
}

export function addMessage(tx: Tx, id: string, state: string, enqueued = 0): void {
  tx.db
    .query(
      `INSERT INTO message_queue (message_id, state, sender_agent_id, sender_label, sender_role, target_agent_id, target_label,
         target_role, target_container_id, target_pane_id, envelope_body, envelope_body_sha256, envelope_size_bytes,
         enqueued_at, last_updated_at, delivered_at, failed_at, canceled_at)
       VALUES (?,?,'a','l','master','b','l','slave','c1','%0',x'6162','h',9,?,?,'t','t','t')`,
    )
    .run(id, state, at(enqueued), at(enqueued));
}
