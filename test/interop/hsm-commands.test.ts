/** `signer hsm` on a token of SoftHSM2: what is plugged in, keys made and brought in, and tried out. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { cli } from '../signer/cli/cli-runner.ts';
import { SOFT_HSM_MODULE, SoftHsm } from './soft-hsm.ts';

/** A token for this test; the module finds it by the environment. */
function softHsm(): { readonly hsm: SoftHsm; readonly access: readonly string[] } {
  const hsm = new SoftHsm();
  for (const [name, value] of Object.entries(hsm.environment)) vi.stubEnv(name, value);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    hsm[Symbol.dispose]();
  });
  const { token, pinFile } = hsm.createToken('validator');
  const place = ['--provider', 'pkcs11', '--module', SOFT_HSM_MODULE, '--token', token];
  return { hsm, access: [...place, '--pin-file', pinFile] };
}

async function json(...args: readonly string[]): Promise<unknown> {
  const { exitCode, output, notes } = await cli(['hsm', ...args, '--json']);
  expect(notes).not.toContain('error:');
  expect(exitCode).toBe(0);
  return JSON.parse(output);
}

test('detect shows the tokens of a module, with and without a label', async () => {
  softHsm();
  const tokens = await json('detect', '--module', SOFT_HSM_MODULE);
  expect(tokens).toContainEqual(
    expect.objectContaining({ label: 'validator', isInitialized: true, signsEd25519: true }),
  );
  const { output } = await cli(['hsm', 'detect', '--module', SOFT_HSM_MODULE]);
  expect(output).toContain('validator');
});

test('S27: a key is made in the token, listed, and signs check messages', async () => {
  const { access } = softHsm();
  const made = await json('keys', 'generate', '0x0064', '--label', 'consensus', ...access);
  expect(made).toMatchObject({ label: 'consensus', id: '0x0064', type: 'ed25519', canSign: true });
  expect(await json('keys', 'list', ...access)).toEqual([made]);
  const { publicKey } = made as { readonly publicKey: unknown };
  for (const name of ['consensus', '0x0064']) {
    const tested = await json('test', name, '--count', '5', ...access);
    expect(tested).toMatchObject({ signatures: 5, publicKey });
  }
  const status = await json('status', ...access);
  expect(status).toMatchObject({ token: { label: 'validator' }, keys: [{ label: 'consensus' }] });
});

test('a key file is brought in, and the key it makes is the one of the file', async () => {
  using folder = new ScratchFolder();
  const { access } = softHsm();
  const file = folder.join('key.json');
  const { output } = await cli(['keys', 'generate', '--out', file, '--json']);
  const imported = await json('keys', 'import', file, '--label', 'brought in', ...access);
  const { publicKey } = JSON.parse(output) as { readonly publicKey: unknown };
  expect(imported).toMatchObject({ label: 'brought in', publicKey });
  const again = await cli(['hsm', 'keys', 'import', file, '--label', 'brought in', ...access]);
  expect(again.notes).toContain('ERR_PKCS11_KEY_EXISTS');
});

test.each([
  [['keys', 'export', '-i', '1', 'file'], 'gives keys out to nobody'],
  [
    ['keys', 'generate', '--label', 'x', '--backup', 'file'],
    'has no domains, attestation or backup',
  ],
  [['keys', 'generate'], '--label TEXT'],
  [['keys', 'import', 'key.wrap', '--label', 'x'], '-t json, or base64'],
])('%j is a mistake of the command line', async (args, text) => {
  const { access } = softHsm();
  const { exitCode, notes } = await cli(['hsm', ...args, ...access]);
  expect(notes).toContain(text);
  expect(exitCode).toBe(2);
});

test('a wrong PIN and a token that is not there are named', async () => {
  const { hsm, access } = softHsm();
  const wrong = hsm.writePin('wrong', 'not the pin');
  const withWrongPin = await cli(['hsm', 'keys', 'list', ...access.slice(0, -1), wrong]);
  expect(withWrongPin.notes).toContain('ERR_PKCS11_PIN_REFUSED');
  const other = access.map((part) => (part === 'validator' ? 'another' : part));
  expect((await cli(['hsm', 'keys', 'list', ...other])).notes).toContain(
    'ERR_PKCS11_TOKEN_NOT_FOUND',
  );
});
