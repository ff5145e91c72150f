import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseCheckpoint, signCheckpoint } from '@privval/signer/audit/audit-checkpoint';
import { readIdentity } from '@privval/signer/home/identity';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { cli } from './cli-runner.ts';

/** A home as `signer init` makes it. */
class InitedHome extends ScratchFolder {
  readonly home: string = this.join('signer');

  static async make(): Promise<InitedHome> {
    const folder = new InitedHome();
    const node = 'tcp://127.0.0.1:26659';
    const { exitCode, notes } = await cli([
      ...['init', '--home', folder.home, '--chain-id', 'audit-chain', '--node', node],
    ]);
    expect(exitCode, notes).toBe(0);
    return folder;
  }

  edit(sql: string): void {
    const db = new Database(`${this.home}/floor.db`);
    db.exec(sql);
    db.close();
  }
}

const verify = (home: string, ...more: readonly string[]): ReturnType<typeof cli> =>
  cli(['audit', 'verify', '--home', home, ...more]);

describe('signer audit, of a home that nobody serves', () => {
  test('begins with init, and has an entry for every floor from outside', async () => {
    using folder = await InitedHome.make();
    const { home } = folder;
    const raised = ['--floor-height', '50', '--confirm', 'audit-chain'];
    expect((await cli(['state', 'import', '--home', home, ...raised])).exitCode).toBe(0);
    const shown = await cli(['audit', 'show', '--home', home, '--json']);
    const entries = JSON.parse(shown.output) as { kind: string; body: unknown }[];
    expect(entries.map(({ kind }) => kind)).toEqual(['begun', 'floor', 'floor']);
    expect(entries.map(({ body }) => body)).toMatchObject([
      { floors: {} },
      { by: 'signer init', after: { height: '0' } },
      { by: 'signer state import', before: { height: '0' }, after: { height: '50' } },
    ]);
    const whole = await verify(home);
    expect(whole).toMatchObject({ exitCode: 0 });
    expect(whole.output).toBe('3 entries, 1 to 3\nnothing is wrong');
  });

  test('says with exit code 1 what is not as written, to people and to programs', async () => {
    using folder = await InitedHome.make();
    folder.edit("DROP TRIGGER audit_stays; UPDATE audit SET body = '{}' WHERE seq = 2");
    const people = await verify(folder.home);
    expect(people.exitCode).toBe(1);
    expect(people.output).toMatch(/^2 +edited +entry 2 is not what was written/m);
    const programs = await verify(folder.home, '--json');
    expect(programs.exitCode).toBe(1);
    expect(JSON.parse(programs.output)).toMatchObject({
      isWhole: false,
      findings: [{ what: 'edited', seq: '2' }],
      checkpoint: null,
    });
  });

  test('holds a checkpoint against the log', async () => {
    using folder = await InitedHome.make();
    const { home } = folder;
    const { seq, hash } = JSON.parse(
      (await cli(['audit', 'export', '--home', home])).output.split('\n').at(-1) ?? '',
    ) as { seq: string; hash: string };
    const db = new Database(`${home}/floor.db`, { readonly: true });
    const { id } = db
      .prepare<[], { id: string }>('SELECT lower(hex(home_id)) AS id FROM home')
      .get() ?? { id: '' };
    db.close();
    using key = readIdentity(`${home}/audit.key`);
    const facts = { homeId: id, seq, hash, floors: {}, time: new Date(0).toISOString() };
    const good = folder.join('good.json');
    writeFileSync(good, JSON.stringify(signCheckpoint(facts, key)));
    expect(parseCheckpoint(readFileSync(good, 'utf8'))).toBeDefined();
    expect((await verify(home, '--checkpoint', good)).output).toContain(
      `the checkpoint of entry ${seq} holds`,
    );
    const later = folder.join('later.json');
    writeFileSync(later, JSON.stringify(signCheckpoint({ ...facts, seq: '99' }, key)));
    const old = await verify(home, '--checkpoint', later);
    expect(old.exitCode).toBe(1);
    expect(old.output).toContain('rolled-back');
    const none = await verify(home, '--checkpoint', folder.join('none.json'));
    expect(none.exitCode).toBe(1);
    expect(none.notes).toContain('ERR_CHECKPOINT_UNREADABLE');
  });

  test('narrows what it shows, and knows the kinds there are', async () => {
    using folder = await InitedHome.make();
    const show = (...more: readonly string[]): ReturnType<typeof cli> =>
      cli(['audit', 'show', '--home', folder.home, ...more]);
    expect((await show('--kind', 'floor')).output).toMatch(/^2 .*signer init/m);
    expect((await show('--kind', 'floor')).output).not.toContain('begun');
    expect((await show('--after', '2')).output.split('\n')).toHaveLength(1);
    expect(await show('--kind', 'nothing')).toMatchObject({ exitCode: 2 });
    expect(await show('--limit', '0')).toMatchObject({ exitCode: 2 });
  });

  test('needs a running signer for a checkpoint, and says so', async () => {
    using folder = await InitedHome.make();
    const asked = await cli(['audit', 'checkpoint', '--home', folder.home]);
    expect(asked.exitCode).toBe(3);
    expect(asked.notes).toContain('ERR_ADMIN_UNREACHABLE');
  });

  test('a log without its key is verified; only a checkpoint cannot be held against it', async () => {
    using folder = await InitedHome.make();
    rmSync(`${folder.home}/audit.key`);
    expect((await verify(folder.home)).exitCode).toBe(0);
  });
});
