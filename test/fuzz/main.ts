/**
 * `npm run test:fuzz [-- --inputs N --seed N --target NAME]`: two million inputs over all decoders.
 *
 * Prints a line per target and, last, `fuzz: N inputs, F failures`; exits non-zero when F is not 0.
 * A finding is printed with what repeats it; put its input into the corpus when it is fixed.
 */

import { parseArgs } from 'node:util';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { SeededRandom } from '../harness/seeded-random.ts';
import { readCorpus } from './corpus.ts';
import { type Finding, fuzz } from './fuzz.ts';
import { FUZZ_TARGETS, inputsOf } from './targets.ts';

/** What no run needs, whatever its inputs announce. */
const MAX_RESIDENT_BYTES = 1024 ** 3;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '2000000' },
    seed: { type: 'string', default: String(Date.now() % 0x1_0000_0000) },
    target: { type: 'string' },
  },
});

const targets = FUZZ_TARGETS.filter(({ name }) => name === (values.target ?? name));
const seed = Number(values.seed);
const total = Number(values.inputs);
if (targets.length === 0 || !(total > 0) || !Number.isInteger(seed)) {
  const names = FUZZ_TARGETS.map(({ name }) => name).join(', ');
  say(`usage: --inputs N --seed N --target NAME; targets: ${names}`);
  process.exit(2);
}

say(`fuzz: seed ${seed}, ${total} inputs over ${targets.length} targets`);
let inputs = 0;
let failures = 0;
for (const target of targets) {
  const corpus = await readCorpus(target.name);
  const random = new SeededRandom(seed);
  const share = inputsOf(target, targets, total);
  const result = await fuzz(target, { corpus, inputs: share, random });
  inputs += result.inputs;
  say(`  ${target.name}: ${result.inputs} inputs, ${result.accepted} accepted`);
  if (result.finding !== undefined) {
    failures += 1;
    report(result.finding, share);
  }
  const { rss } = process.memoryUsage();
  if (rss > MAX_RESIDENT_BYTES) {
    failures += 1;
    say(`  ${target.name}: ${rss} bytes of memory in use, more than ${MAX_RESIDENT_BYTES}`);
  }
}
say(`fuzz: ${inputs} inputs, ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;

function report({ target, input, error }: Finding, share: number): void {
  const text = error instanceof Error ? error.stack : String(error);
  say(`  FAILURE in ${target}: ${text}`);
  say(`  input: ${hexFromBytes(input)}`);
  say(`  repeat: node test/fuzz/main.ts --target ${target} --seed ${seed} --inputs ${share}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
