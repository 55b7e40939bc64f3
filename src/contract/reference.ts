/**
 * The contract as a document for people, computed from the method table and its JSON Schema (00 §4). Build time only.
 */
import { type AppMethod, appCodesOf, type LegacyMethod, legacyCodesOf, type Method } from "./method.ts";
import { appMethods, legacyMethods } from "./methods.ts";
import { computeContractSchema, type JsonSchema } from "./schema.ts";

const HEAD = `# Contract reference

Made by \`npm run generate\` from the method table; do not edit. \`contract.schema.json\` beside it holds the same as JSON Schema
2020-12. Framing, gates and rules are told in \`06-app-contract.md\` (app) and \`01-foundation.md\` (legacy).

In the tables \`?\` marks what may be absent. Unknown keys are ignored in requests and must be tolerated in answers.
`;

/** The whole document. */
export function referenceDocument(): string {
  const definitions = asObject(computeContractSchema()["$defs"]);
  const errors = Object.keys(definitions).filter((name) => name.startsWith("app_error_"));
  const views = Object.keys(definitions).filter((name) =>
    /_(view|counts|result)$|^legacy_(container|pane)$/.test(name),
  );
  return [
    HEAD,
    index("App methods", appMethods),
    index("Legacy methods", legacyMethods),
    ...methodSections(appMethods, definitions),
    ...methodSections(legacyMethods, definitions),
    "## Shared shapes\n",
    ...views.map((name) => `### ${name}\n\n${table(asObject(definitions[name]))}`),
    `## App error codes\n\n${grid(
      ["code", "details"],
      errors.map((name) => errorRow(asObject(definitions[name]))),
    )}`,
  ].join("\n");
}

function index(title: string, table: Record<string, Method>): string {
  const rows = Object.entries(table).map(([name, method]) => [`\`${name}\``, method.summary]);
  return `## ${title}\n\n${grid(["method", "what it does"], rows)}`;
}

function methodSections(methods: Record<string, AppMethod | LegacyMethod>, definitions: JsonSchema): string[] {
  return Object.entries(methods).map(([name, method]) => {
    const properties = asObject(asObject(definitions[name])["properties"]);
    const codes = method.since === "legacy" ? legacyCodesOf(method) : appCodesOf(method);
    return [
      `### \`${name}\`\n`,
      `${method.summary}\n`,
      `${traits(method)}\n`,
      properties["params"] ? `Params\n\n${table(asObject(properties["params"]))}` : "Params are ignored.\n",
      `Result\n\n${table(asObject(properties["result"]))}`,
      `Errors: ${codes.map((code) => `\`${code}\``).join(", ")}\n`,
    ].join("\n");
  });
}

function traits(method: Method): string {
  return [
    method.since === "legacy" ? "legacy envelope" : `since ${method.since}`,
    method.who === "host" ? "host peers" : "any peer of the same user",
    method.session ? "needs a session" : "no session",
    method.mutates ? "changes state" : "reads",
  ].join("; ");
}

function errorRow(error: JsonSchema): string[] {
  const properties = asObject(error["properties"]);
  const details = asObject(properties["details"]);
  const required = asList(details["required"]);
  const keys = Object.entries(asObject(details["properties"])).map(
    ([key, schema]) => `\`${key}${required.includes(key) ? "" : "?"}\` ${describe(asObject(schema))}`,
  );
  return [`\`${String(asObject(properties["code"])["const"])}\``, keys.join(", ")];
}

/** Rows of an object's keys; objects inside are spelled out by dotted names. */
function table(schema: JsonSchema): string {
  const rows = keysOf(schema, "");
  return rows.length > 0 ? grid(["key", "type"], rows) : "`{}`\n";
}

function keysOf(schema: JsonSchema, prefix: string): string[][] {
  const required = asList(schema["required"]);
  return Object.entries(asObject(schema["properties"])).flatMap(([key, value]) => {
    const inner = asObject(value);
    const path = `${prefix}${key}`;
    const own = [`\`${path}${required.includes(key) ? "" : "?"}\``, describe(inner)];
    return [own, ...branches(inner).flatMap(({ schema: branch, mark }) => keysOf(branch, `${path}${mark}.`))];
  });
}

/** The objects that a value may be or hold, with the mark that its dotted name gets. */
function branches(schema: JsonSchema): { schema: JsonSchema; mark: string }[] {
  if (schema["type"] === "array") {
    return branches(asObject(schema["items"])).map((inner) => ({ ...inner, mark: `[]${inner.mark}` }));
  }
  if (Array.isArray(schema["anyOf"])) return schema["anyOf"].flatMap((option) => branches(asObject(option)));
  return schema["properties"] === undefined ? [] : [{ schema, mark: "" }];
}

/** One value in a few words. */
function describe(schema: JsonSchema): string {
  const target = schema["$ref"];
  if (typeof target === "string") return target.replace("#/$defs/", "");
  if (schema["const"] !== undefined) return `\`${JSON.stringify(schema["const"])}\``;
  if (Array.isArray(schema["enum"])) return schema["enum"].map((value) => `\`${String(value)}\``).join(", ");
  if (Array.isArray(schema["anyOf"])) return schema["anyOf"].map((option) => describe(asObject(option))).join(" or ");
  if (schema["type"] === "array") return `list of ${describe(asObject(schema["items"]))}`;
  const values = schema["additionalProperties"];
  if (typeof values === "object" && values !== null) return `object of ${describe(asObject(values)) || "anything"}`;
  const limits = (["format", "minimum", "maximum", "minLength", "maxLength", "default"] as const)
    .filter((key) => schema[key] !== undefined)
    .map((key) => LIMIT_WORDS[key] + (key === "format" ? String(schema[key]) : JSON.stringify(schema[key])));
  return [String(schema["type"] ?? ""), ...limits].join(" ").trim();
}

const LIMIT_WORDS = {
  format: "",
  minimum: "≥ ",
  maximum: "≤ ",
  minLength: "length ≥ ",
  maxLength: "length ≤ ",
  default: "= ",
};

function grid(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}

function asObject(value: unknown): JsonSchema {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
