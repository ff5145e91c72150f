import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { parseConfig } from '@privval/signer/config/config';
import { addRotatedKey, withRotatedKey } from '@privval/signer/config/rotated-key-edits';
import type { KeyPlace } from '@privval/signer/keyring/key-place';
import { expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const TEXT = `# a home
[log]
level = "info" # as it should be

# the first one
[[validator]]
name = "a"
chain_id = "chain-1"
key_file = "keys/a.json"
nodes = ["tcp://127.0.0.1:1"] # one node

[validator.grpc] # and a listener
listen = "127.0.0.1:26670"
insecure = true

# the second one
[[validator]]
name = "b"
chain_id = "chain-1"
key_file = "keys/b.json"
nodes = ["tcp://127.0.0.1:2"]

# health
[http]
listen = "127.0.0.1:9000"
`;

const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const FILE: KeyPlace = {
  publicKey: keyOf(9),
  providers: [{ kind: 'file', keyFile: 'keys/a-2.json', passphraseFile: '/run/pass' }],
};

const DEVICE: KeyPlace = {
  publicKey: keyOf(10),
  providers: [
    {
      kind: 'yubihsm',
      connector: 'http://127.0.0.1:12345',
      authKeyId: 4,
      passwordFile: '/run/pw',
      objectId: 101,
    },
    {
      kind: 'pkcs11',
      module: '/lib/p11.so',
      token: 'validator',
      pinFile: '/run/pin',
      key: { label: 'a-2' },
    },
  ],
};

test.each([
  { index: 0, place: FILE, before: '# the second one', name: 'the first validator, a file' },
  { index: 1, place: DEVICE, before: '# health', name: 'the second validator, two devices' },
])('a place is written behind $name, and nothing else changes', ({ index, place, before }) => {
  const edited = withRotatedKey(TEXT, index, place) ?? '';
  const [start] = edited.split('\n[[validator.rotated_key]]');
  expect(TEXT.startsWith(start ?? '-')).toBe(true);
  expect(edited.endsWith(TEXT.slice(TEXT.indexOf(before)))).toBe(true);
  const { validators } = parseConfig(edited, '/home', { environment: {} });
  expect(validators[1 - index]?.rotatedKeys).toEqual([]);
  const [read] = validators[index]?.rotatedKeys ?? [];
  expect(read?.publicKey).toEqual(place.publicKey);
  expect(read?.providers).toMatchObject(
    place.providers.map((provider) =>
      provider.kind === 'file' ? { ...provider, keyFile: '/home/keys/a-2.json' } : provider,
    ),
  );
});

test('one place after another, each its own', () => {
  const once = withRotatedKey(TEXT, 0, FILE) ?? '';
  const twice = withRotatedKey(once, 0, DEVICE) ?? '';
  const { validators } = parseConfig(twice, '/home', { environment: {} });
  expect(validators[0]?.rotatedKeys?.map(({ publicKey }) => publicKey)).toEqual([
    FILE.publicKey,
    DEVICE.publicKey,
  ]);
});

test('a file is changed once, whole, and only for a validator that is there', () => {
  using home = new ScratchFolder();
  const path = home.join('signer.toml');
  mkdirSync(home.join('keys'));
  writeFileSync(path, TEXT, { mode: 0o600 });
  addRotatedKey(home.path, 'a', FILE);
  const edited = readFileSync(path, 'utf8');
  expect(edited).toBe(withRotatedKey(TEXT, 0, FILE));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  addRotatedKey(home.path, 'a', FILE);
  expect(readFileSync(path, 'utf8')).toBe(edited);
  expect(() => addRotatedKey(home.path, 'c', FILE)).toThrow(
    expect.objectContaining({ code: 'ERR_UNKNOWN_VALIDATOR' }),
  );
});

test('a file that is written otherwise is left to a person', () => {
  using home = new ScratchFolder();
  const path = home.join('signer.toml');
  const inline = `validator = [{ name = "a", chain_id = "c", key_file = "k", nodes = ["tcp://127.0.0.1:1"] }]\n`;
  writeFileSync(path, inline, { mode: 0o600 });
  expect(() => addRotatedKey(home.path, 'a', FILE)).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG_NOT_EDITABLE' }),
  );
  expect(readFileSync(path, 'utf8')).toBe(inline);
});

test('S35: a rotated key names the key and one place, and no key twice', () => {
  const once = withRotatedKey(TEXT, 0, FILE) ?? '';
  const fault = (text: string) => () => parseConfig(text, '/home', { environment: {} });
  const value = expect.objectContaining({ code: 'ERR_CONFIG_VALUE' });
  expect(fault(withRotatedKey(once, 0, FILE) ?? '')).toThrow(value);
  expect(fault(once.replace('key_file = "keys/a-2.json"\n', ''))).toThrow(value);
  expect(fault(once.replace(/public_key = .*/, 'public_key = "AAAA"'))).toThrow(value);
  expect(fault(once.replace(/public_key = .*\n/, ''))).toThrow(value);
});
