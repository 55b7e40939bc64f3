#!/usr/bin/env bash
# with-bun.sh SCRIPT [ARGS...]: runs a script of this project with the Bun that package.json names, and with its packages in
# place. Needs Bun of that version, or Node with npm (which brings it), and nothing else. What it does itself it says on stderr.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wanted=$(sed -n 's/.*"packageManager": *"bun@\([^"+]*\).*/\1/p' "$root/package.json")

if [ $# -eq 0 ] || [ -z "$wanted" ]; then
  echo "usage: with-bun.sh SCRIPT [ARGS...] (package.json must name its packageManager bun@VERSION)" >&2
  exit 2
fi

# A Bun by its path, if it runs and has the pinned version.
is_wanted() {
  [ -n "$1" ] && [ "$("$1" --version 2>/dev/null)" = "$wanted" ]
}

bun=$(command -v bun || true)
if ! is_wanted "$bun"; then
  bun=
  # `bun run` names the Bun that runs it, which need not be on PATH; npm names itself here.
  case "${npm_execpath:-}" in
    *bun | *bun.exe) if is_wanted "$npm_execpath"; then bun=$npm_execpath; fi ;;
  esac
fi
if [ -z "$bun" ] && command -v npx >/dev/null; then
  bun=$(cd / && npx --yes --package "bun@$wanted" -- sh -c 'command -v bun') || bun=
  is_wanted "$bun" || bun=
fi
if [ -z "$bun" ]; then
  echo "This project needs Bun $wanted. Install it (https://bun.sh), or Node with npm, which brings it." >&2
  exit 1
fi
PATH="$(dirname "$bun"):$PATH"
export PATH

# Packages are as the lock file says, or they are installed: the stamp holds the lock file they were installed from.
stamp="$root/node_modules/.installed"
if ! cat "$root/bun.lock" "$root/package.json" | cmp -s - "$stamp"; then
  echo "Installing packages..." >&2
  (cd "$root" && "$bun" install --frozen-lockfile >&2)
  cat "$root/bun.lock" "$root/package.json" >"$stamp.$$"
  mv "$stamp.$$" "$stamp"
fi

script=$1
shift
case "$script" in /*) ;; *) script="$root/$script" ;; esac
exec "$bun" --no-env-file "$script" "$@"
