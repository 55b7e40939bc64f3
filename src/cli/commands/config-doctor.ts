/** `config doctor` (01 §11): looks, asks at most three things, writes nothing, runs nothing. */
import { inContainer } from "../../config/socket.ts";
import { callOnce, type ParamsIn } from "../../wire/client.ts";
import { TransportFault } from "../../wire/transport.ts";
import { command } from "../command.ts";
import type { CliContext } from "../context.ts";
import {
  CHECKS,
  type Check,
  type Checks,
  type Container,
  containerCheck,
  daemonStatus,
  doctorExit,
  type Listed,
  type Outcome,
  type Pane,
  paneCheck,
  socketReachable,
  socketResolved,
  tidy,
  tmuxPresent,
} from "../doctor-checks.ts";
import { containerIdentity, tmuxIdentity } from "../identity.ts";
import type { Output } from "../output.ts";
import { type Place, placeOf, READ_LIMITS } from "../place.ts";
import { jsonLine, paint, withProgress } from "../render.ts";
import { JSON_OPTION } from "./ensure-daemon.ts";

export const configDoctor = command({
  name: "doctor",
  summary: "Check socket, daemon, container and tmux pane of this shell.",
  examples: ["agenttower config doctor", "agenttower config doctor --json"],
  options: { json: JSON_OPTION },
  async run(context, { json }) {
    const place = placeOf(context);
    const checks = await withProgress(context.err, "checking", examine(context, place));
    const exit = doctorExit(checks);
    context.out.write(json ? jsonLine(report(checks, exit)) : text(context.out, checks, exit));
    return exit;
  },
});

async function examine(context: CliContext, { socket }: Place): Promise<Checks> {
  const status = await call(socket.path, "status", {});
  const daemon = daemonStatus(status);
  const usable = status.kind === "answer" && daemon.status !== "fail";
  const identity = containerIdentity(context.env, context.files);
  const contained = inContainer(context.files);
  const tmux = tmuxIdentity(context.env);

  const local = containerCheck(identity, contained, null);
  const asksContainers = usable && local.check.sub_code === "daemon_unavailable";
  const containers: Listed<Container> = asksContainers
    ? listed(await call(socket.path, "list_containers", {}), ({ containers: rows }) => rows)
    : null;
  const { check: container, matched } = asksContainers ? containerCheck(identity, contained, containers) : local;

  const params = { active_only: true, ...(matched ? { container: matched.id } : {}) };
  const panes: Listed<Pane> =
    usable && tmux.kind === "pane"
      ? listed(await call(socket.path, "list_panes", params), ({ panes: rows }) => rows)
      : null;

  return {
    socket_resolved: tidy(socketResolved(socket)),
    socket_reachable: tidy(socketReachable(status)),
    daemon_status: tidy(daemon),
    container_identity: tidy(container),
    tmux_present: tidy(tmuxPresent(tmux)),
    tmux_pane_match: tidy(paneCheck(tmux, matched, panes)),
  };
}

type Asked = "status" | "list_containers" | "list_panes";

async function call<N extends Asked>(socket: string, name: N, params: ParamsIn<N>): Promise<Outcome<N>> {
  try {
    return { kind: "answer", envelope: await callOnce(socket, name, params, READ_LIMITS) };
  } catch (error) {
    if (error instanceof TransportFault) return { kind: "fault", fault: error };
    throw error;
  }
}

type ResultOf<N extends Asked> = Extract<Extract<Outcome<N>, { kind: "answer" }>["envelope"], { ok: true }>["result"];

function listed<N extends Asked, Row>(outcome: Outcome<N>, rows: (result: ResultOf<N>) => readonly Row[]): Listed<Row> {
  if (outcome.kind === "fault" || !outcome.envelope.ok) return "failed";
  return rows(outcome.envelope.result);
}

function report(checks: Checks, exit_code: number): object {
  const count = (status: Check["status"]): number => CHECKS.filter((name) => checks[name].status === status).length;
  return {
    summary: {
      exit_code,
      total: CHECKS.length,
      passed: count("pass"),
      warned: count("warn"),
      failed: count("fail"),
      info: count("info"),
    },
    checks: Object.fromEntries(CHECKS.map((name) => [name, checks[name]])),
  };
}

const PAINTS = { pass: "green", warn: "yellow", fail: "red", info: "dim" } as const;

function text(out: Output, checks: Checks, exit: number): string {
  const lines = CHECKS.flatMap((name) => {
    const { status, details, actionable_message } = checks[name];
    const line = `${name}\t${paint(out, PAINTS[status], status)}\t${details}`;
    return actionable_message === undefined ? [line] : [line, `    ${actionable_message}`];
  });
  const passed = CHECKS.filter((name) => checks[name].status === "pass").length;
  return [...lines, `summary\t${exit}\t${passed}/${CHECKS.length} checks passed`].map((line) => `${line}\n`).join("");
}
