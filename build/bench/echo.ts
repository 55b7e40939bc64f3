/**
 * The floor of every socket figure (00 §5): a bare echo server of the same runtime on a Unix socket, in a process of its own.
 * `echo SOCKET`: gives every line back; closes after it unless the line asks to be kept, as the daemon does (06 §1).
 * `echo --version`: prints a line and ends: the floor of a one-shot command.
 */
const [path = "--version"] = process.argv.slice(2);

if (path === "--version") {
  console.log("echo 1");
} else {
  Bun.listen<{ rest: string }>({
    unix: path,
    socket: {
      open(socket) {
        socket.data = { rest: "" };
      },
      data(socket, chunk) {
        const text = socket.data.rest + chunk.toString("latin1");
        const end = text.indexOf("\n");
        if (end < 0) {
          socket.data.rest = text;
          return;
        }
        socket.data.rest = text.slice(end + 1);
        const line = text.slice(0, end + 1);
        socket.write(line);
        if (!line.includes('"keep_alive"')) socket.end();
      },
    },
  });
}
