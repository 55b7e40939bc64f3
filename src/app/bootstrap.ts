/** First contact of a panel (06 §4). */
import { refuse } from "../contract/faults.ts";
import { APP_CONTRACT_MAJOR, APP_CONTRACT_VERSION } from "../contract/limits.ts";
import type { AppHandlers } from "../wire/dispatch.ts";
import type { Sessions } from "../wire/sessions.ts";

export type BootstrapDeps = {
  sessions: Pick<Sessions, "open">;
  daemonVersion: string;
  /** Generation of the registry, as read at daemon start. */
  schemaVersion: number;
  /** The daemon's effective uid. */
  uid: number;
};

export function bootstrapHandlers({ sessions, daemonVersion, schemaVersion, uid }: BootstrapDeps) {
  return {
    "app.preflight": ({ stopping }) => ({
      socket_reachable: true,
      daemon_reachable: !stopping,
      code: stopping ? "daemon_unavailable" : "ok",
    }),

    "app.hello": ({ link }, params) => {
      const major = params.client_app_contract_major;
      if (major !== APP_CONTRACT_MAJOR) {
        refuse(
          "contract_major_unsupported",
          { client_major: major },
          `this daemon speaks app contract ${APP_CONTRACT_VERSION}`,
        );
      }
      const session = sessions.open({
        clientId: params.client_id,
        clientVersion: params.client_version,
        ephemeral: params.ephemeral,
        link,
      });
      return {
        app_session_token: session.token,
        app_session_id: session.id,
        daemon_version: daemonVersion,
        schema_version: schemaVersion,
        app_contract_version: APP_CONTRACT_VERSION,
        supported_minor_range: { min: APP_CONTRACT_VERSION, max: APP_CONTRACT_VERSION },
        host_user_id: String(uid),
        capability_flags: {},
        state: "ok",
      };
    },
  } satisfies Partial<AppHandlers>;
}
