#!/bin/sh
':' /* # To the shell this line does nothing; to JavaScript it opens a comment (docs/adr/0004).
# Finds Node and becomes it: the signer is one process, and never had an open door (S17).
umask 077
self=$(readlink -f -- "$0") || exit 1
case "${NODE_OPTIONS-}" in
  *--inspect* | *--debug*)
    echo 'error: NODE_OPTIONS asks for the inspector: whoever reaches it has the keys (ERR_INSPECTOR)' >&2
    echo 'Remove it from NODE_OPTIONS and start again.' >&2
    exit 1 ;;
esac
unset NODE_COMPILE_CACHE
node="${self%/signer/cli/bin.js}/node_modules/.bin/node"
if [ ! -x "$node" ]; then
  node=$(command -v node) || {
    echo 'error: no Node.js here: version 24 or newer is needed (ERR_NODE_VERSION)' >&2
    exit 1
  }
  version=$("$node" --version)
  major=${version#v}
  if [ "${major%%.*}" -lt 24 ]; then
    echo "error: Node.js 24 or newer is needed; $node is $version (ERR_NODE_VERSION)" >&2
    exit 1
  fi
fi
# Memory: one heap of the C library for all threads, and a small nursery, keep a signer that has been
# busy below 120 MiB; without them it is at 140 (docs/benchmarks.md).
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX-1}"
exec "$node" --disable-sigusr1 --max-semi-space-size=2 -- "$self" "$@"
*/;
import { lstatSync, mkdirSync } from 'node:fs';
import inspector from 'node:inspector';
import module from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';

const NO_SIGUSR1 = '--disable-sigusr1';

process.umask(0o077);
checkVersion();
checkInspector();
becomeUndebuggable();
useCompileCache();
const { main } = await import('./main.ts');
await main(process.argv.slice(2));

/** Started as `node bin.js`, the shell has not looked. */
function checkVersion() {
  if (Number.parseInt(process.versions.node, 10) >= 24) return;
  refuse(`Node.js 24 or newer is needed; this is ${process.version}`, 'ERR_NODE_VERSION');
}

/** S17: no inspector, however it was asked for. */
function checkInspector() {
  const asked = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((text) =>
    /--(inspect|debug)/.test(text),
  );
  if (!asked && inspector.url() === undefined) return;
  refuse('the inspector is on: whoever reaches it has the keys', 'ERR_INSPECTOR');
}

/** S17: only a flag at the start keeps SIGUSR1 from opening the inspector. The process becomes itself anew, with it. */
function becomeUndebuggable() {
  const options = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`;
  if (options.includes(NO_SIGUSR1)) return;
  process.execve(
    process.execPath,
    [process.execPath, NO_SIGUSR1, ...process.execArgv, ...process.argv.slice(1)],
    process.env,
  );
}

/**
 * Compiled modules are kept in a folder nobody else can write (S19): code loaded from a shared one is
 * code by anybody. Where no such folder is to be had, there is no cache.
 */
function useCompileCache() {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(base, 'privval');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const uid = process.getuid();
    const own = lstatSync(folder);
    const parent = lstatSync(dirname(folder));
    const isOurs = own.isDirectory() && own.uid === uid && (own.mode & 0o077) === 0;
    // Whoever may rename entries of the parent could put another folder in its place.
    const isFixed = (parent.uid === uid || parent.uid === 0) && (parent.mode & 0o022) === 0;
    if (isOurs && (isFixed || (parent.mode & 0o1000) !== 0)) module.enableCompileCache(folder);
  } catch {
    // Slower by a third of a second, and nothing else.
  }
}

function refuse(text, code) {
  process.stderr.write(`error: ${text} (${code})\n`);
  process.exit(1);
}
