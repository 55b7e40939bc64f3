/** Identifiers: shapes and makers (01 §1). */

/** A random version 4 UUID, lower case. */
export function uuid(): string {
  return crypto.randomUUID();
}

/** A UUID in lower case, of any version. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}

/** `bytes` random bytes as lower-case hex. */
export function randomHex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}

/** A full container id: 64 lower-case hex digits. */
export function isContainerId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
