/** Which user a pane scan runs as inside a container (02 §4.2). Everything later uses the `container_user` that it stored. */

/** The daemon's own user, as it was at daemon start. */
export type DaemonUser = {
  /** `USER` */
  name: string;
  /** Name of the uid in the password file, empty when it has none. */
  passwdName: string;
};

/** Tried last where the image does not know the daemon's user. */
const LAST_RESORT = "root";

/**
 * Users to try in order; a later one only when the Engine says that the image lacks the one before.
 * @returns empty when there is none: `bench_user_unresolved`
 */
export function benchUsers(configUser: string | null, daemon: DaemonUser): string[] {
  const configured = (configUser ?? "").split(":")[0]?.trim() ?? "";
  if (configured !== "") return [configured];
  const own = daemon.name || daemon.passwdName;
  if (own === "") return [];
  return own === LAST_RESORT ? [own] : [own, LAST_RESORT];
}
