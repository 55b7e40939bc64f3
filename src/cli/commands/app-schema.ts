/** `app schema` (00 §2): the published JSON Schema, of everything or of one method. */
import { contractSchema, methodSchema } from "../../contract/published.ts";
import { methodNames } from "../candidates.ts";
import { command } from "../command.ts";
import { OK } from "../exits.ts";
import { UsageFault } from "../failure.ts";
import { safeJson } from "../render.ts";
import { suggestion } from "../suggestion.ts";

export const appSchema = command({
  name: "schema",
  summary: "Print the JSON Schema (2020-12) of params, result and errors.",
  examples: ["agenttower app schema app.pane.list", "agenttower app schema > contract.schema.json"],
  positionals: {
    METHOD: { summary: "one method; without it the whole contract", required: false, candidates: methodNames },
  },
  async run({ out }, { METHOD: method }) {
    const schema = method === undefined ? await contractSchema() : await methodSchema(method);
    if (schema === null) {
      const known = (await methodNames()).map(({ value }) => value);
      throw new UsageFault(`unknown method '${(method ?? "").slice(0, 64)}'${suggestion(method ?? "", known)}`);
    }
    out.write(`${safeJson(JSON.stringify(schema, null, 2))}\n`);
    return OK;
  },
});
