/** Figures of the socket and the registry: `ping`, dashboard, hello, lists. No Engine is involved. */
import { hello, Kept, keptLine, lineOf, once, resultOf } from "./client.ts";
import type { Row } from "./row.ts";
import { inTurns, median, perSecond, spreadOf, timed, times } from "./spread.ts";
import type { Tower } from "./tower.ts";

const CLIENTS = 8;
const PAGE = 50;

export type Effort = { requests: number; loadMs: number; helloTurns: number; walks: number };

export async function pingRows(tower: Tower, echo: string, effort: Effort): Promise<Row[]> {
  const ping = lineOf("ping");
  const { floor, daemon } = await inTurns(effort.requests, 200, {
    floor: () => once(echo, ping),
    daemon: () => once(tower.socket, ping),
  });
  const floorRate = await perSecond(CLIENTS, effort.loadMs, () => once(echo, ping));
  const rate = await perSecond(CLIENTS, effort.loadMs, () => once(tower.socket, ping));
  return [
    {
      group: "ping",
      what: "ping, new connection each, p50",
      value: daemon.p50,
      unit: "ms",
      floor: { what: "echo", value: floor.p50, unit: "ms" },
      target: "≤ 1.5 × floor",
      reached: daemon.p50 <= 1.5 * floor.p50,
      note: `${(daemon.p50 / floor.p50).toFixed(2)} × floor, p95 ${daemon.p95.toFixed(3)} ms`,
    },
    {
      group: "ping",
      what: `ping, ${CLIENTS} clients`,
      value: rate,
      unit: "1/s",
      floor: { what: "echo", value: floorRate, unit: "1/s" },
      target: "≥ 0.6 × floor",
      reached: rate >= 0.6 * floorRate,
      note: `${(rate / floorRate).toFixed(2)} × floor`,
    },
  ];
}

/** `full` and `empty` are measured in turns, beside the echo server on a kept connection. */
export async function dashboardRows(full: Tower, empty: Tower, echo: string, effort: Effort): Promise<Row[]> {
  const asker = async (path: string) => {
    const kept = await Kept.open(path);
    const line = keptLine("app.dashboard", { app_session_token: await hello(kept) });
    resultOf(await kept.request(line));
    return { kept, ask: () => kept.request(line) };
  };
  const [onFull, onEmpty, onEcho] = [await asker(full.socket), await asker(empty.socket), await Kept.open(echo)];
  const line = keptLine("app.dashboard");
  const all = await inTurns(effort.requests, 200, {
    floor: () => onEcho.request(line),
    empty: onEmpty.ask,
    full: onFull.ask,
  });
  for (const kept of [onFull.kept, onEmpty.kept, onEcho]) kept.close();
  const common = { group: "dashboard", unit: "ms", value: all.full.p50 } as const;
  return [
    {
      ...common,
      what: "app.dashboard, kept connection, full registry, p50",
      floor: { what: "echo, kept", value: all.floor.p50, unit: "ms" },
      target: "≤ 0.5 ms",
      reached: all.full.p50 <= 0.5,
      note: `p95 ${all.full.p95.toFixed(3)} ms`,
    },
    {
      ...common,
      what: "app.dashboard, full against empty registry, p50",
      floor: { what: "empty registry", value: all.empty.p50, unit: "ms" },
      target: "≤ 2 × empty",
      reached: all.full.p50 <= 2 * all.empty.p50,
      note: `${(all.full.p50 / all.empty.p50).toFixed(2)} × empty`,
    },
  ];
}

/**
 * `app.hello`, then `app.dashboard`, each on a connection of its own. The session is ephemeral and its connection stays open
 * until the dashboard is there, because one living process may hold eight lasting sessions only (06 §4).
 */
export async function helloRows(full: Tower, echo: string, effort: Effort): Promise<Row[]> {
  const pair = async (path: string, dashboard: (token: string) => string, greet: (kept: Kept) => Promise<string>) => {
    const kept = await Kept.open(path);
    const token = await greet(kept);
    await once(path, dashboard(token));
    kept.close();
  };
  const plain = keptLine("app.hello", { client_id: "bench", ephemeral: true });
  const all = await inTurns(effort.helloTurns, 10, {
    floor: () =>
      pair(
        echo,
        () => lineOf("app.dashboard"),
        (kept) => kept.request(plain),
      ),
    daemon: () => pair(full.socket, (token) => lineOf("app.dashboard", { app_session_token: token }), hello),
  });
  const common = { group: "hello", unit: "ms" } as const;
  return [
    {
      ...common,
      what: "app.hello + app.dashboard, two new connections, p50",
      value: all.daemon.p50,
      floor: { what: "echo, two connections", value: all.floor.p50, unit: "ms" },
      target: "≤ 1 ms",
      reached: all.daemon.p50 <= 1,
      note: `p95 ${all.daemon.p95.toFixed(3)} ms`,
    },
    {
      ...common,
      what: `app.hello + app.dashboard, worst of ${all.daemon.n}`,
      value: all.daemon.worst,
      floor: { what: "echo, worst", value: all.floor.worst, unit: "ms" },
      target: "≤ 50 ms",
      reached: all.daemon.worst <= 50,
      note: "",
    },
  ];
}

type ListQuery = { method: string; params: Record<string, unknown> };

const CONTAINER_QUERIES: ListQuery[] = ["name", "name:desc", "first_seen_at", "last_scanned_at:desc"]
  .map((order_by): ListQuery => ({ method: "app.container.list", params: { order_by } }))
  .concat(["active", "inactive"].map((state) => ({ method: "app.container.list", params: { filters: { state } } })));

const PANE_QUERIES: ListQuery[] = [
  "default",
  "default:desc",
  "discovered_at",
  "discovered_at:desc",
  "last_seen_at",
  "last_seen_at:desc",
]
  .map((order_by): ListQuery => ({ method: "app.pane.list", params: { order_by, include_inactive: true } }))
  .concat([
    { method: "app.pane.list", params: {} },
    { method: "app.pane.list", params: { include_inactive: true, filters: { registered: false } } },
    { method: "app.pane.list", params: { filters: { registered: true } } },
    {
      method: "app.pane.list",
      params: { include_inactive: true, order_by: "last_seen_at:desc", filters: { registered: false } },
    },
    {
      method: "app.pane.list",
      params: { include_inactive: true, filters: { container_id: (4096).toString(16).padStart(64, "0") } },
    },
  ]);

/** Median time of every page of one query over several walks; a page is the same page in every walk. */
async function walk(kept: Kept, token: string, query: ListQuery, walks: number): Promise<number[]> {
  const pages: number[][] = [];
  for (let turn = 0; turn < walks; turn++) {
    let cursor: string | null = null;
    let page = 0;
    do {
      const line = keptLine(query.method, {
        ...query.params,
        limit: PAGE,
        ...(cursor === null ? {} : { cursor_next: cursor }),
        app_session_token: token,
      });
      let answer = "";
      const ms = await timed(async () => {
        answer = await kept.request(line);
      });
      const times = pages[page] ?? [];
      times.push(ms);
      pages[page++] = times;
      const next = resultOf(answer)["cursor_next"];
      cursor = typeof next === "string" ? next : null;
    } while (cursor !== null);
  }
  return pages.map(median);
}

/** Each page counts with its median over the walks, so that a moment's noise is not taken for a slow page. */
export async function listRows(full: Tower, echo: string, effort: Effort): Promise<Row[]> {
  const onEcho = await Kept.open(echo);
  const floor = spreadOf(await times(effort.requests, () => onEcho.request(keptLine("app.pane.list"))));
  onEcho.close();
  const rows: Row[] = [];
  for (const [name, queries] of [
    ["app.container.list", CONTAINER_QUERIES],
    ["app.pane.list", PANE_QUERIES],
  ] as const) {
    const kept = await Kept.open(full.socket);
    const token = await hello(kept);
    const all: number[] = [];
    let worst = { ratio: 0, first: 0, page: 0, query: "" };
    for (const query of queries) {
      const pages = await walk(kept, token, query, effort.walks);
      const first = pages[0] ?? Number.NaN;
      const slowest = Math.max(...pages);
      all.push(...pages);
      if (slowest / first > worst.ratio) {
        worst = { ratio: slowest / first, first, page: slowest, query: JSON.stringify(query.params) };
      }
    }
    kept.close();
    const p50 = median(all);
    rows.push(
      {
        group: "lists",
        what: `${name}, page of ${PAGE}, any depth, order, filter, p50`,
        value: p50,
        unit: "ms",
        floor: { what: "echo, kept", value: floor.p50, unit: "ms" },
        target: "≤ 1 ms",
        reached: p50 <= 1,
        note: `${all.length} pages of ${queries.length} queries, slowest ${Math.max(...all).toFixed(3)} ms`,
      },
      {
        group: "lists",
        what: `${name}, worst page against its first`,
        value: worst.ratio,
        unit: "×",
        floor: { what: "first page", value: worst.first, unit: "ms" },
        target: "≤ 2 × first page",
        reached: worst.ratio <= 2,
        note: `${worst.page.toFixed(3)} ms at ${worst.query}`,
      },
    );
  }
  return rows;
}
