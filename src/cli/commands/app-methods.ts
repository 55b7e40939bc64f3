/** `app methods` (00 §2): the method table. */
import { APP_CONTRACT_VERSION } from "../../contract/limits.ts";
import { appCodesOf, legacyCodesOf, type Method } from "../../contract/method.ts";
import { methods } from "../../contract/methods.ts";
import { command } from "../command.ts";
import { OK } from "../exits.ts";
import { jsonLine, table } from "../render.ts";
import { JSON_OPTION } from "./ensure-daemon.ts";

const HEADER = ["METHOD", "SINCE", "WHO", "SESSION", "MUTATES", "SUMMARY"];

export const appMethodTable = command({
  name: "methods",
  summary: "List every method: name, version, who may call it, what it needs and does.",
  examples: ["agenttower app methods"],
  options: { json: JSON_OPTION },
  run({ out }, { json }) {
    const all: [string, Method][] = Object.entries(methods);
    if (json) {
      const rows = all.map(([name, method]) => {
        const { since, who, session, mutates, summary } = method;
        const codes = method.since === "legacy" ? legacyCodesOf(method) : appCodesOf(method);
        return { name, since, who, session, mutates, summary, codes };
      });
      out.write(jsonLine({ app_contract_version: APP_CONTRACT_VERSION, methods: rows }));
      return OK;
    }
    const yes = (value: boolean): string => (value ? "yes" : "no");
    const rows = all.map(([name, { since, who, session, mutates, summary }]) => [
      name,
      since,
      who,
      yes(session),
      yes(mutates),
      summary,
    ]);
    out.write(table(out, HEADER, rows));
    return OK;
  },
});
