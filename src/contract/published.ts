/**
 * The published JSON Schema, embedded in the executable and read only when somebody asks for it (00 §2 `app schema`).
 */
export type PublishedSchema = Readonly<Record<string, unknown>>;

/** The schema of the whole contract, as committed under `specs/generated/`. */
export async function contractSchema(): Promise<PublishedSchema> {
  const embedded: { default: PublishedSchema } = await import("../../specs/generated/contract.schema.json");
  return embedded.default;
}

/**
 * The schema of one method, self-contained: the shared definitions that it needs come with it.
 * @returns `null` when there is no such method.
 */
export async function methodSchema(name: string): Promise<PublishedSchema | null> {
  const contract = await contractSchema();
  const definitions = definitionsOf(contract);
  const method = definitions[name];
  if (!isObject(method) || method["title"] !== name) return null;
  const needed: Record<string, unknown> = {};
  collect(method, definitions, needed);
  const { $schema, $id } = contract;
  return {
    $schema,
    $id: `${$id}:${name}`,
    ...method,
    ...(Object.keys(needed).length > 0 ? { $defs: needed } : {}),
  };
}

const REFERENCE = "#/$defs/";

/** Adds to `needed` every definition that `value` refers to, directly or through another. */
function collect(value: unknown, definitions: PublishedSchema, needed: Record<string, unknown>): void {
  if (Array.isArray(value)) for (const item of value) collect(item, definitions, needed);
  if (!isObject(value)) return;
  const target = value["$ref"];
  if (typeof target === "string" && target.startsWith(REFERENCE)) {
    const name = target.slice(REFERENCE.length);
    if (Object.hasOwn(needed, name)) return;
    needed[name] = definitions[name];
    collect(definitions[name], definitions, needed);
  }
  for (const inner of Object.values(value)) collect(inner, definitions, needed);
}

function definitionsOf(contract: PublishedSchema): PublishedSchema {
  const definitions = contract["$defs"];
  return isObject(definitions) ? definitions : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
