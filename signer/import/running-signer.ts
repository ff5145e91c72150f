/** Signs that the other signer still runs on this machine. What runs elsewhere, nobody can see from here. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import type { ForeignSetup, ForeignSigner } from './foreign-validator.ts';

/** What the kernel tells of one process, as far as this user may see it. */
export interface RunningProcess {
  readonly pid: number;
  /** Its command line. */
  readonly args: readonly string[];
  readonly workdir: string | undefined;
  readonly openFiles: readonly string[];
}

/** Two kinds of signs, each a sentence. */
export interface RunningSigns {
  /** It runs from the very folder that is imported: nothing is imported then. */
  readonly certain: readonly string[];
  /** A program of that name runs; whether with this key, it does not show. */
  readonly likely: readonly string[];
}

/** Names of the programs. A node has any name: it is known by the files it has open. */
const PROGRAMS: Readonly<Record<ForeignSigner, string | undefined>> = {
  tmkms: 'tmkms',
  horcrux: 'horcrux',
  kms: 'kms',
  filepv: undefined,
};

/** What `processes` say about `setup`. */
export function signsOfRunning(
  { signer, source, folder }: Pick<ForeignSetup, 'signer' | 'source' | 'folder'>,
  processes: readonly RunningProcess[],
): RunningSigns {
  const program = PROGRAMS[signer];
  const data = realOf(join(folder, 'data'));
  const home = realOf(folder);
  const certain: string[] = [];
  const likely: string[] = [];
  for (const process of processes) {
    if (program === undefined) {
      if (process.openFiles.some((file) => isInside(data, file))) {
        certain.push(`process ${process.pid} has files of ${data} open: the node runs`);
      }
      continue;
    }
    if (basename(process.args[0] ?? '') !== program) continue;
    const places = [
      process.workdir ?? '',
      ...process.args.map((arg) => arg.replace(/^-[^=]*=/, '')),
    ];
    const isHere =
      places.some(
        (place) => place === source || isInside(folder, place) || isInside(home, place),
      ) || process.openFiles.some((file) => isInside(home, file));
    if (isHere) certain.push(`${program} runs as process ${process.pid}, in ${folder}`);
    else likely.push(`a ${program} runs on this machine, as process ${process.pid}`);
  }
  return { certain, likely };
}

/** The processes of this machine, as `/proc` has them; none where there is no such thing. */
export function runningProcesses(proc = '/proc'): readonly RunningProcess[] {
  return attempt(() => readdirSync(proc), [])
    .filter((name) => /^[1-9][0-9]*$/.test(name) && Number(name) !== process.pid)
    .map((name) => {
      const at = join(proc, name);
      return {
        pid: Number(name),
        args: attempt(() => readFileSync(join(at, 'cmdline'), 'utf8'), '').split('\0'),
        workdir: attempt(() => readlinkSync(join(at, 'cwd')), undefined),
        openFiles: attempt(() => readdirSync(join(at, 'fd')), []).flatMap((descriptor) =>
          attempt(() => [readlinkSync(join(at, 'fd', descriptor))], []),
        ),
      };
    });
}

function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

function realOf(path: string): string {
  return attempt(() => realpathSync(path), path);
}

/** Processes end while they are looked at, and others' are closed to this user. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
