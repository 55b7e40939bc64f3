/** `completion` (00 §2): prints the script that a shell reads. */
import { command } from "../command.ts";
import { OK } from "../exits.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export const completion = command({
  name: "completion",
  summary: "Print the completion script of a shell.",
  examples: [
    "agenttower completion bash > ~/.local/share/bash-completion/completions/agenttower",
    "agenttower completion zsh > ~/.zfunc/_agenttower",
    "agenttower completion fish > ~/.config/fish/completions/agenttower.fish",
  ],
  positionals: { SHELL: { summary: "which shell", required: true, values: SHELLS } },
  async run(context, { SHELL: shell }) {
    if (shell === "bash") {
      const { BASH_COMPLETION } = await import("../completion-bash.ts");
      context.out.write(BASH_COMPLETION);
      return OK;
    }
    const { completionTree } = await import("../completion.ts");
    const { root } = await import("../tree.ts");
    const tree = await completionTree(context, root, []);
    tree.setup("agenttower", "agenttower", shell);
    return OK;
  },
});
