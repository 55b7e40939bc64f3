/**
 * To be run in a pid namespace of its own, with a folder: a process connects and ends before it is accepted, and another one gets
 * its pid. Prints what the peer is taken for.
 */
import { writeFileSync } from "node:fs";
import { createPeerOf } from "../../src/wire/peer.ts";

const TRIES = 200;
const socketPath = `${process.argv[2]}/peer.sock`;
const peerOf = createPeerOf();
const accepted = Promise.withResolvers<{ pid: number; host: boolean }>();
const listener = Bun.listen({
  unix: socketPath,
  socket: {
    open(socket) {
      const { pid, host } = peerOf("fd" in socket && typeof socket.fd === "number" ? socket.fd : -1);
      accepted.resolve({ pid, host });
    },
    data: () => undefined,
  },
});

const connect = `await Bun.connect({ unix: ${JSON.stringify(socketPath)}, socket: { data() {} } }); process.exit(0);`;
const client = Bun.spawnSync([process.execPath, "-e", connect]);
let later: Bun.Subprocess | null = null;
for (let tries = 0; later?.pid !== client.pid && tries < TRIES; tries++) {
  later?.kill("SIGKILL");
  writeFileSync("/proc/sys/kernel/ns_last_pid", String(client.pid - 1));
  later = Bun.spawn(["sleep", "600"]);
}
const { pid, host } = await accepted.promise;
console.log(JSON.stringify({ recycled: later?.pid === client.pid && pid === client.pid, host }));
later?.kill("SIGKILL");
listener.stop(true);
