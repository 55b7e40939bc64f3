/**
 * `npm run generate`: writes what is computed from the method table to `specs/generated/` (00 §4). The files are committed;
 * `test/contract/generated.test.ts` fails when they are stale.
 */
import { mkdirSync } from "node:fs";
import { referenceDocument } from "../src/contract/reference.ts";
import { computeContractSchema } from "../src/contract/schema.ts";

const WIDTH = 120;

/** JSON for readers: what fits on a line stays on it. */
function readable(value: unknown, indent = "", taken = 0): string {
  const flat = JSON.stringify(value);
  if (flat.length + indent.length + taken <= WIDTH || typeof value !== "object" || value === null) return flat;
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((item) => readable(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${readable(item, inner, key.length + 5)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${lines.map((line) => inner + line).join(",\n")}\n${indent}${close}`;
}

/** Path below `specs/generated/` → content. */
export function generatedFiles(): Record<string, string> {
  return {
    "contract.schema.json": `${readable(computeContractSchema())}\n`,
    "reference.md": referenceDocument(),
  };
}

if (import.meta.main) {
  const folder = new URL("../specs/generated/", import.meta.url).pathname;
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(generatedFiles())) await Bun.write(folder + name, content);
}
