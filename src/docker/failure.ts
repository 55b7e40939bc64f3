/** Foreign errors of the way to an Engine become `BenchFault`s here, by the rows of 02 §6. */
import { BenchFault, type BenchFaultKind } from "../base/bench.ts";
import { cut, message } from "../base/text.ts";

/** Longest piece of an Engine's own error text that is shown. */
const OWN_WORDS = 300;

const BY_CODE: Record<string, BenchFaultKind> = {
  ENOENT: "unreachable",
  ENOTDIR: "unreachable",
  ENAMETOOLONG: "unreachable",
  ECONNREFUSED: "unreachable",
  ConnectionRefused: "unreachable",
  FailedToOpenSocket: "unreachable",
  EHOSTUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  ETIMEDOUT: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ENOTFOUND: "unreachable",
  EAI_AGAIN: "unreachable",
  EACCES: "permission",
  EPERM: "permission",
  ECONNRESET: "lost",
  ECONNABORTED: "lost",
  ConnectionClosed: "lost",
  EPIPE: "lost",
};

/** Names of TLS failures, as OpenSSL, Node and Bun give them. */
const TLS_FAILURE =
  /^(ERR_(SSL|TLS|OSSL)|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|UNKNOWN_CERTIFICATE)/;

/**
 * @param what what was tried, such as `list containers at unix:///var/run/docker.sock`
 * @returns `error` itself when it is a `BenchFault` already
 */
export function faultOf(error: unknown, what: string): BenchFault {
  if (error instanceof BenchFault) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new BenchFault(kindOf(error), message(`${what}: ${cut(text, OWN_WORDS) || "failed"}`));
}

function kindOf(error: unknown): BenchFaultKind {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known;
  if (TLS_FAILURE.test(code)) return "unreachable";
  if (code.startsWith("HPE_") || code === "Malformed_HTTP_Response") return "malformed";
  return "failed";
}

/** A refusal by HTTP status, with the Engine's own words if it gave any in its usual form. */
export function refusalOf(status: number, body: string, what: string): BenchFault {
  const kind: BenchFaultKind =
    status === 401 || status === 403
      ? "unauthorized"
      : status === 404
        ? "not_found"
        : status === 409
          ? "conflict"
          : "failed";
  const words = cut(ownWords(body), OWN_WORDS);
  return new BenchFault(kind, message(`${what}: the Engine answered ${status}${words === "" ? "" : `: ${words}`}`));
}

function ownWords(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) return String(parsed.message);
    return "";
  } catch {
    // A page for people, of a proxy most likely: the status says enough.
    return "";
  }
}
