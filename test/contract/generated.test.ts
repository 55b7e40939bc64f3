import { expect, test } from "bun:test";
import { generatedFiles } from "../../build/generate.ts";
import { methods } from "../../src/contract/methods.ts";
import { contractSchema, methodSchema } from "../../src/contract/published.ts";
import { compileAlone, validatorOf } from "./responses.ts";

const folder = new URL("../../specs/generated/", import.meta.url).pathname;

test.each(Object.keys(generatedFiles()))("specs/generated/%s is what the method table says", async (name) => {
  // Not a diff of thousands of lines: `npm run generate` shows it.
  expect((await Bun.file(folder + name).text()) === generatedFiles()[name]).toBe(true);
});

test("nothing else lies in specs/generated", async () => {
  const found = await Array.fromAsync(new Bun.Glob("**").scan(folder));
  expect(found.sort()).toEqual(Object.keys(generatedFiles()).sort());
});

test("every definition of the contract is a valid schema on strict terms", async () => {
  const contract = await contractSchema();
  const names = Object.keys(contract["$defs"] as object);
  expect(names).toContain("app.hello");
  for (const name of names) expect(typeof validatorOf(`#/$defs/${name}`)).toBe("function");
});

test.each(Object.keys(methods))("the schema of %s stands alone", async (name) => {
  const schema = await methodSchema(name);
  expect(schema?.["title"]).toBe(name);
  expect(typeof compileAlone(schema ?? {})).toBe("function");
});

test("a name that is no method has no schema, also when it is a definition", async () => {
  expect(await methodSchema("nope")).toBeNull();
  expect(await methodSchema("pane_view")).toBeNull();
  expect(await methodSchema("toString")).toBeNull();
});
