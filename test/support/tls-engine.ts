/** A real Engine behind TLS with client certificates, on 127.0.0.1; certificates are made on the spot by openssl. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";

export type TlsEngine = {
  /** Without a scheme: `127.0.0.1:PORT`. */
  address: string;
  /** A folder with ca.pem, cert.pem and key.pem, as `DOCKER_CERT_PATH` wants it. */
  certDir: string;
  /** A folder with a client certificate that the server does not accept, and a CA that did not sign it. */
  strangerDir: string;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function createTlsEngine(realSocketPath: string): Promise<TlsEngine> {
  const dir = mkdtempSync(join(tmpdir(), "at-tls-"));
  const certDir = authority(join(dir, "own"));
  const strangerDir = authority(join(dir, "stranger"));
  const read = (name: string) => readFileSync(join(certDir, name));
  const clients = new Set<net.Socket>();
  const server = tls.createServer(
    {
      ca: read("ca.pem"),
      cert: read("server.pem"),
      key: read("server-key.pem"),
      requestCert: true,
      rejectUnauthorized: true,
      allowHalfOpen: true,
    },
    (client) => {
      clients.add(client);
      client.on("close", () => clients.delete(client));
      const real = net.createConnection({ path: realSocketPath, allowHalfOpen: true });
      client.pipe(real);
      real.pipe(client);
      client.on("error", () => real.destroy());
      real.on("error", () => client.destroy());
      client.on("close", () => real.destroy());
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    address: `127.0.0.1:${address.port}`,
    certDir,
    strangerDir,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A CA with one server and one client certificate. @returns its folder */
function authority(dir: string): string {
  const openssl = (...argv: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(["openssl", ...argv], { cwd: dir });
    if (exitCode !== 0) throw new Error(`openssl ${argv.join(" ")}: ${stderr.toString()}`);
  };
  Bun.spawnSync(["mkdir", "-p", dir]);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=test ca", "-days", "2");
  writeFileSync(join(dir, "server.ext"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
  writeFileSync(join(dir, "client.ext"), "extendedKeyUsage=clientAuth\n");
  for (const [who, cert, keyFile] of [
    ["server", "server.pem", "server-key.pem"],
    ["client", "cert.pem", "key.pem"],
  ] as const) {
    openssl("req", ...key, "-keyout", keyFile, "-out", `${who}.csr`, "-subj", `/CN=${who}`);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2"];
    openssl("x509", "-req", "-in", `${who}.csr`, "-out", cert, "-extfile", `${who}.ext`, ...signed);
  }
  return dir;
}
