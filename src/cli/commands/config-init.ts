/** `config init` (01 §4). */
import { command } from "../command.ts";
import { OK } from "../exits.ts";
import { pathsOf } from "../place.ts";
import { printable } from "../render.ts";
import { setUp } from "../setup.ts";

export const configInit = command({
  name: "init",
  summary: "Create directories, default configuration and registry; what is there is kept.",
  examples: ["agenttower config init"],
  async run(context) {
    const paths = pathsOf(context);
    for (const note of paths.notes) context.err.write(`${note}\n`);
    const { configCreated, registryCreated } = await setUp(context.clock, paths);
    context.out.write(
      `${configCreated ? "created config" : "already initialized"}: ${printable(paths.configFile)}\n` +
        `${registryCreated ? "created registry" : "already initialized"}: ${printable(paths.stateDb)}\n`,
    );
    return OK;
  },
});
