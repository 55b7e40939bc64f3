/**
 * The shape of a method declaration. A method is declared once, in `app/` or `legacy/`; dispatch, gates, validation, types,
 * JSON Schema, reference, completion and client follow from it (00 §4).
 */
import type * as v from "valibot";
import type { AppCode, LegacyCode } from "./codes.ts";

/** Objects with known entries: unknown keys are dropped, so that newer clients keep working (06 §1). */
export type ParamsSchema = v.ObjectSchema<v.ObjectEntries, v.ErrorMessage<v.ObjectIssue> | undefined>;
export type ResultSchema = v.GenericSchema<unknown, unknown>;

type Declared = {
  /** Contract minor version that brought it (`app.*`), or `legacy`. */
  since: "1.0" | "legacy";
  /** `any`: every accepted peer. `host`: only a peer proven to run outside containers (06 §3). */
  who: "any" | "host";
  /** Needs a live `app_session_token`. */
  session: boolean;
  /** Writes something that a later read can see. */
  mutates: boolean;
  /** One line for people. */
  summary: string;
  /** Absent: params of any kind are ignored. */
  params?: ParamsSchema;
  result: ResultSchema;
};

export type AppMethod = Declared & { codes: readonly AppCode[] };
export type LegacyMethod = Declared & { since: "legacy"; session: false; codes: readonly LegacyCode[] };
export type Method = AppMethod | LegacyMethod;

export type AppMethods = Record<`app.${string}`, AppMethod>;
export type LegacyMethods = Record<string, LegacyMethod>;

/** What a handler gets: validated params, `{}` where the method ignores them. */
export type ParamsOf<M extends Method> = M extends { params: infer P extends ParamsSchema }
  ? v.InferOutput<P>
  : Record<never, never>;

/** What a handler must return. */
export type ResultOf<M extends Method> = v.InferInput<M["result"]>;

/** One handler per declared method; a missing one does not compile. */
export type HandlersOf<M extends Record<string, Method>, Context> = {
  [K in keyof M]: (context: Context, params: ParamsOf<M[K]>) => ResultOf<M[K]> | Promise<ResultOf<M[K]>>;
};
