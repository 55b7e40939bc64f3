/**
 * Packages that our packages import but that we never use, left out of the executable: dockerode brings BuildKit sessions
 * (`@grpc/*`, `protobufjs`), ssh and image building along. That is 3 MB of file and half of what its import costs in time and
 * memory. From source the real packages are loaded.
 */
import type { BunPlugin } from "bun";

const UNUSED = /^(@grpc\/.*|protobufjs|ssh2|tar-fs|@balena\/dockerignore)$/;

export const stubUnused: BunPlugin = {
  name: "stub-unused",
  setup(build) {
    build.onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: "unused" }));
    build.onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: "module.exports = {};", loader: "js" }));
  },
};
