/**
 * The root file system of a bench, made from this machine's own programs, because no image can be counted on: bash, busybox
 * under all its names, a root and two ordinary users, and tmux unless told otherwise. About 8 MB.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { findProgram } from "./programs.ts";

export type BenchImageOptions = {
  /** False: an image without tmux. */
  tmux?: boolean;
};

const PASSWD = `root:x:0:0:root:/root:/bin/bash
dev:x:1000:1000:dev:/home/dev:/bin/bash
ops:x:1001:1001:ops:/home/ops:/bin/bash
`;
const GROUP = `root:x:0:
dev:x:1000:
ops:x:1001:
`;

/**
 * @returns a tar that `POST /images/create?fromSrc=-` of an Engine takes
 * @throws when one of the programs is missing here
 */
export async function benchRootFs(options: BenchImageOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const dir = mkdtempSync("/tmp/at-image-");
  try {
    layOut(dir, options.tmux ?? true);
    const argv = ["tar", "--create", "--numeric-owner", "--owner=0", "--group=0", "--directory", dir, "."];
    const tar = Bun.spawn(argv, { stdio: ["ignore", "pipe", "inherit"] });
    const [bytes, code] = await Promise.all([new Response(tar.stdout).arrayBuffer(), tar.exited]);
    if (code !== 0) throw new Error(`tar exited ${code}`);
    return new Uint8Array(bytes);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function layOut(dir: string, withTmux: boolean): void {
  for (const folder of ["usr/bin", "usr/lib", "usr/lib64", "etc", "root", "proc", "sys", "dev", "run", "var"]) {
    mkdirSync(join(dir, folder), { recursive: true });
  }
  // One place for programs, one for libraries, under all the names they are looked for.
  for (const [name, target] of [
    ["bin", "usr/bin"],
    ["sbin", "usr/bin"],
    ["lib", "usr/lib"],
    ["lib64", "usr/lib64"],
    ["usr/sbin", "bin"],
  ] as const) {
    symlinkSync(target, join(dir, name));
  }
  for (const program of ["busybox", "bash", ...(withTmux ? ["tmux"] : [])]) addProgram(dir, program);
  const applets = Bun.spawnSync([required("busybox"), "--list"])
    .stdout.toString()
    .split("\n");
  for (const applet of applets) {
    const link = join(dir, "usr/bin", basename(applet));
    if (applet !== "" && !existsSync(link)) symlinkSync("busybox", link);
  }
  for (const name of ["screen", "tmux", "xterm"].flatMap((term) => [term, `${term}-256color`])) {
    const entry = `${name[0]}/${name}`;
    const from = ["/lib/terminfo", "/usr/share/terminfo", "/etc/terminfo"].find((base) =>
      existsSync(join(base, entry)),
    );
    if (from !== undefined) addFile(dir, join(from, entry), join("usr/lib/terminfo", entry));
  }
  for (const locale of ["C.utf8", "C.UTF-8"]) {
    const from = join("/usr/lib/locale", locale);
    if (existsSync(from)) cpSync(from, join(dir, from), { recursive: true, dereference: true });
  }
  writeFileSync(join(dir, "etc/passwd"), PASSWD);
  writeFileSync(join(dir, "etc/group"), GROUP);
  // World-writable, so that a user of any number has a home to work in; not setgid, not owned: tar writes owner 0.
  for (const folder of ["tmp", "home", "home/dev", "home/ops"]) mkdirSync(join(dir, folder), { recursive: true });
  Bun.spawnSync(["chmod", "1777", ...["tmp", "home/dev", "home/ops"].map((folder) => join(dir, folder))]);
}

function addProgram(dir: string, name: string): void {
  const path = required(name);
  addFile(dir, path, join("usr/bin", name));
  // A static program has no libraries: ldd then exits 1 and names none.
  const libraries = Bun.spawnSync(["ldd", path]).stdout.toString();
  for (const [library] of libraries.matchAll(/\/\S+(?= \(0x)/g)) {
    addFile(dir, library, library.startsWith("/usr/") ? library.slice(1) : join("usr", library));
  }
}

function addFile(dir: string, from: string, to: string): void {
  const target = join(dir, to);
  mkdirSync(dirname(target), { recursive: true });
  if (!existsSync(target)) cpSync(realpathSync(from), target);
}

function required(program: string): string {
  const path = findProgram(program);
  if (path === null) throw new Error(`${program} is not installed`);
  return path;
}
