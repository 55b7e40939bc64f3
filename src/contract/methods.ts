/**
 * The method table: every method this daemon serves, in dispatch order (01 §9, 06 §9).
 * Dispatch, gates, validation, schema, reference, completion and client are computed from it.
 */
import { bootstrapMethods } from "./app/bootstrap.ts";
import { containerMethods } from "./app/container.ts";
import { overviewMethods } from "./app/overview.ts";
import { paneMethods } from "./app/pane.ts";
import { scanMethods } from "./app/scan.ts";
import { coreMethods } from "./legacy/core.ts";
import { discoveryMethods } from "./legacy/discovery.ts";
import type { Method } from "./method.ts";

export const legacyMethods = { ...coreMethods, ...discoveryMethods };
export const appMethods = {
  ...bootstrapMethods,
  ...overviewMethods,
  ...scanMethods,
  ...containerMethods,
  ...paneMethods,
};
export const methods = { ...legacyMethods, ...appMethods };

export type MethodName = keyof typeof methods;

const table: ReadonlyMap<string, Method> = new Map(Object.entries(methods));

/** The declaration of a method by its wire name, whoever may call it. */
export function methodOf(name: string): Method | undefined {
  return table.get(name);
}

/** `app.` names, served or not, are the façade's (06 §3). */
export function isAppName(name: string): boolean {
  return name.startsWith("app.");
}
