/**
 * The shape of a method declaration. A method is declared once, in `app/` or `legacy/`; dispatch, gates, validation, types,
 * JSON Schema, reference, completion and client follow from it (00 §4).
 */
import type * as v from "valibot";
import {
  APP_CLIENT_CODES,
  APP_GATE_CODES,
  APP_SESSION_CODES,
  type AppCode,
  LEGACY_GATE_CODES,
  type LegacyCode,
} from "./codes.ts";
import type { AnswerableAppCode } from "./faults.ts";

/** Objects with known entries: unknown keys are dropped, so that newer clients keep working (06 §1). */
export type ParamsSchema = v.ObjectSchema<v.ObjectEntries, v.ErrorMessage<v.ObjectIssue> | undefined>;
type ResultSchema = v.GenericSchema<unknown, unknown>;

type Declared = {
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

/** `since`: the contract minor version that brought the method. */
export type AppMethod = Declared & { since: "1.0"; codes: readonly AnswerableAppCode[] };
export type LegacyMethod = Declared & { since: "legacy"; session: false; codes: readonly LegacyCode[] };
export type Method = AppMethod | LegacyMethod;

export type AppMethods = Record<`app.${string}`, AppMethod>;
export type LegacyMethods = Record<string, LegacyMethod>;

/** What a handler gets: validated params, `{}` where the method ignores them. */
type ParamsOf<M extends Method> = M extends { params: infer P extends ParamsSchema }
  ? v.InferOutput<P>
  : Record<never, never>;

/** What a handler must return. */
type ResultOf<M extends Method> = v.InferInput<M["result"]>;

/** One handler per declared method; a missing one does not compile. */
export type HandlersOf<M extends Record<string, Method>, Context> = {
  [K in keyof M]: (context: Context, params: ParamsOf<M[K]>) => ResultOf<M[K]> | Promise<ResultOf<M[K]>>;
};

/** Every code that a caller of an app method may meet, those of the gates included (06 §3, §4). */
export function appCodesOf(method: AppMethod): readonly AppCode[] {
  return [
    ...new Set<AppCode>([
      ...APP_GATE_CODES,
      ...(method.session ? APP_SESSION_CODES : []),
      ...(method.params ? (["validation_failed"] as const) : []),
      ...method.codes,
      ...APP_CLIENT_CODES,
    ]),
  ];
}

/** Every code that a caller of a legacy method may meet, those of the envelope included (01 §8). */
export function legacyCodesOf(method: LegacyMethod): readonly LegacyCode[] {
  return [...new Set<LegacyCode>([...LEGACY_GATE_CODES, ...method.codes])];
}
