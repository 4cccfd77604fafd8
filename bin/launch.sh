# Sourced by the launchers beside it: finds the project, installs what it needs, and becomes the program. Needs Node.js
# 20 or newer with npm; the Node.js that runs the program comes with the packages. Talks on standard error only.
# Takes: $here (the launcher, symbolic links followed), $program (for messages), $entry (a path in the project).

say() { printf '%s: %s\n' "$program" "$1" >&2; }

project=$(CDPATH='' cd -- "$(dirname -- "$here")/.." && pwd -P)
modules=$project/node_modules
wanted=$project/package-lock.json
# npm writes this file when an install is complete.
installed=$modules/.package-lock.json

# True when every package that the program needs is installed in the version of the lock file.
is_current() {
  [ -f "$installed" ] || return 1
  [ -f "$wanted" ] && [ "$wanted" -nt "$installed" ] || return 0
  command -v node >/dev/null 2>&1 || return 1
  node -e '
    const [wanted, installed] = process.argv.slice(1).map((file) => JSON.parse(require("fs").readFileSync(file)).packages)
    const isNeeded = ([path, { dev, optional, link }]) => path.startsWith("node_modules/") && !dev && !optional && !link
    const isThere = ([path, { version }]) => installed[path] !== undefined && installed[path].version === version
    process.exit(Object.entries(wanted).filter(isNeeded).every(isThere) ? 0 : 1)
  ' "$wanted" "$installed" || return 1
  # So that the next start need not look. Whoever may not write here looks every time.
  touch "$installed" 2>/dev/null || true
}

if ! is_current; then
  if ! command -v npm >/dev/null 2>&1; then
    say 'npm is not here: install Node.js 20 or newer with npm, then run this again'
    exit 1
  fi
  say 'installing packages: once, for about a minute'
  # A developer's tools are kept where they are.
  omit=--omit=dev
  if [ -d "$modules/oxlint" ]; then omit=--include=dev; fi
  # npm keeps what it fetched in HOME. Where that may not be written, as under some supervisors, it is not kept.
  cache=
  if [ -n "${HOME:-}" ] && [ ! -w "$HOME" ] && [ ! -w "$HOME/.npm" ] && [ -z "${npm_config_cache:-}" ]; then
    cache=$(mktemp -d)
    trap 'rm -rf "$cache"' EXIT
    export npm_config_cache="$cache"
  fi
  status=0
  (cd "$project" && npm ci "$omit" --include=optional --no-audit --no-fund --loglevel=error) >&2 || status=$?
  if [ -n "$cache" ]; then
    rm -rf "$cache"
    trap - EXIT
    unset npm_config_cache
  fi
  if [ "$status" -ne 0 ]; then
    say 'the packages could not be installed: see above, check the network, then run this again'
    exit 1
  fi
fi

# The project's own Node.js when it runs on this machine, else the system's when it is new enough.
node=$modules/.bin/node
if ! "$node" --version >/dev/null 2>&1; then
  node=$(command -v node || true)
  if [ -z "$node" ] || ! "$node" -e '
    const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit(major > 22 || (major === 22 && minor >= 18) ? 0 : 1)
  '; then
    say "no Node.js here can run this: there is none for this machine in $modules, and the system's is older than 22.18: install a newer one"
    exit 1
  fi
fi

# A developer's sources change at every moment: there, the tests make the bundle.
. "$project/bin/entry.sh"
if [ "$bundle" = old ] && [ -d "$modules/esbuild" ] && [ ! -d "$modules/oxlint" ] && [ -w "$modules" ]; then
  if "$node" "$project/bin/bundle.ts" >&2; then
    . "$project/bin/entry.sh"
  else
    say 'the program could not be put into one file: it starts from its sources, more slowly'
  fi
fi

# What was read and compiled once is kept, so that the next start is quicker and smaller.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$modules/.cache/compiled}"

# The C library (glibc) gives each thread places of its own to take memory from, up to 8 for each core, and what is freed
# in one is not taken again by another.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"

# V8 by itself gives 48 MB to what lives for a moment. A server needs few of them, and a sync works beside other programs.
case $entry in packages/server/*) young=2 ;; *) young=4 ;; esac

# exec, so that signals reach the program itself.
exec "$node" --disable-warning=ExperimentalWarning --max-semi-space-size=$young "$start" "$@"
