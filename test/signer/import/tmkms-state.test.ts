import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { cli } from '../cli/cli-runner.ts';
import { put, vector } from './foreign-homes.ts';

describe('signer state convert --to tmkms', () => {
  test.each([
    ['{"height":"41","round":3,"step":3}', '{"height":"41","round":"4","step":0,"block_id":null}'],
    ['{"height":"41","round":3,"step":1}', '{"height":"41","round":"4","step":0,"block_id":null}'],
    [
      '{"height":"41","round":2147483647,"step":3}',
      '{"height":"42","round":"0","step":0,"block_id":null}',
    ],
    ['{"height":"0","round":0,"step":0}', '{"height":"0","round":"1","step":0,"block_id":null}'],
  ])('%s becomes the round after it: %s', async (from, to) => {
    using folder = new ScratchFolder();
    const file = put(folder, 'export.json', from);
    const { output, exitCode } = await cli(['state', 'convert', file, '--to', 'tmkms']);
    expect(exitCode).toBe(0);
    expect(output).toBe(to);
  });

  test('writes a file for this user alone, and never over another', async () => {
    using folder = new ScratchFolder();
    const file = put(folder, 'export.json', vector('filepv/precommit.json'));
    const out = folder.join('state.json');
    const command = ['state', 'convert', file, '--to', 'tmkms', '--out', out];
    expect((await cli(command)).exitCode).toBe(0);
    expect(readFileSync(out, 'utf8')).toContain('"round":"4"');
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect((await cli(command)).notes).toContain('ERR_HOME_UNWRITABLE');
  });

  test.each([
    [
      'S12: a stale export',
      '{"height":"41","round":3,"step":3,"stale":"x"}',
      'ERR_STATE_FILE_STALE',
    ],
    [
      'the end of all heights',
      '{"height":"9223372036854775807","round":2147483647,"step":3}',
      'ERR_NOTHING_LEFT_TO_SIGN',
    ],
    ['what is no state', '{}', 'ERR_STATE_FILE_MALFORMED'],
  ])('refuses %s', async (_what, content, code) => {
    using folder = new ScratchFolder();
    const file = put(folder, 'export.json', content);
    const out = folder.join('state.json');
    const { notes } = await cli(['state', 'convert', file, '--to', 'tmkms', '--out', out]);
    expect(notes).toContain(code);
    expect(existsSync(out)).toBe(false);
  });
});
