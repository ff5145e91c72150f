import { openKeyFile, writeKeyFile } from '@privval/hsm/file/open-key-file';
import { MemoryKey } from '@privval/hsm/memory/memory-key';
import { addressFromPublicKey } from '@privval/proto/crypto/public-key';
import { expect, test } from 'vitest';
import { describeSigningKey } from '../conformance/signing-key.ts';
import { FakeKey } from '../harness/fake-key.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { KNOWN_ADDRESS, KNOWN_PUBLIC_KEY_HEX, knownSecretKey, knownSeed } from './known-key.ts';

describeSigningKey('a key in memory', async () => ({
  key: MemoryKey.fromSecretKey(knownSecretKey()),
  seed: knownSeed(),
}));

describeSigningKey('a key from a FilePV file', async () => {
  using folder = new ScratchFolder();
  using secret = knownSecretKey();
  await writeKeyFile(folder.join('key.json'), secret);
  return { key: await openKeyFile(folder.join('key.json')), seed: knownSeed() };
});

describeSigningKey('the fake device, while healthy,', async () => ({
  key: new FakeKey({ clock: new ManualClock() }, { seed: knownSeed() }),
  seed: knownSeed(),
}));

describeSigningKey('the fake device that is deaf to aborts', async () => ({
  key: new FakeKey({ clock: new ManualClock() }, { seed: knownSeed(), hearsAborts: false }),
  seed: knownSeed(),
}));

/** Sign bytes of spec/privval.md 2.7 and the signatures of 5.1, made by Tendermint v0.34.24 and CometBFT v0.38.23. */
const BLOCK =
  '0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d122072db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a';
const TAIL = '0608f49a8ded05';
const CHAIN = '096d79636861696e6964';
test.each([
  [
    'a proposal',
    `7e0820110a0000000000000019010000000000000020ffffffffffffffffff012a4a${BLOCK}32${TAIL}3a${CHAIN}`,
    'f57cca0e3ed72d1fba7dad6e670388e513beb79f46c988c84a1842c643a48822d39284b2267862e3694c7e24d2fdd37aaec7d5be122d14f45b71b4dbdad58802',
  ],
  [
    'a prevote',
    `730801110a00000000000000190100000000000000224a${BLOCK}2a${TAIL}32${CHAIN}`,
    'a7167274a0c73a6a60a6668cbc6823bfd45713aa4c1c23b1b08f641e3288173593e1fc9892a0b1cb1539eb12e72860f683f1940f36d96324c4c4fc995a383d00',
  ],
  [
    'a precommit',
    `730802110a00000000000000190100000000000000224a${BLOCK}2a${TAIL}32${CHAIN}`,
    '7836a120891a8b1d604cee2c2ba91401a73cfede4e34ab59600880f4eaff1a4906d570589c78ce0aae972dc84e320fcae8b676b9c8836fea474f06b4e6c96502',
  ],
  [
    'a nil precommit',
    `270802110a000000000000001901000000000000002a${TAIL}32${CHAIN}`,
    'dad222e52475160e4ff290fcf93b92fa02b2414465b53373e64eac8cb95840ae5860188eb35b1e4e3f06bf3ea9f4603a494b4a6ccbdb4516be4465c387841601',
  ],
  [
    'an extension',
    `280a09657874656e73696f6e110a0000000000000019010000000000000022${CHAIN}`,
    '871f23d3849089f70347d2df425da8bad89055c2a406cc83e66988a3237cc5c992859287aabb825f6a2d8f8669744f67c7bee49360ef0d8f25e6dd464c6b300d',
  ],
  [
    'an empty extension',
    `1d110a0000000000000019010000000000000022${CHAIN}`,
    '22e0468449e6c0d6535dc21d799506782177d39ab5adda8f44a0f754c08d90d5534eb6e8c19600dab801bd5edd7216d2c3faf7465a51b6d288df6be206a3cf02',
  ],
])('signs %s as the Go implementations do', async (_, signBytes, signature) => {
  await using key = MemoryKey.fromSecretKey(knownSecretKey());
  expect((await key.sign(Uint8Array.fromHex(signBytes))).toHex()).toBe(signature);
});

test('has the public key and address the Go implementations compute', async () => {
  await using key = MemoryKey.fromSecretKey(knownSecretKey());
  expect(key.publicKey.bytes.toHex()).toBe(KNOWN_PUBLIC_KEY_HEX);
  expect(addressFromPublicKey(key.publicKey).toHex().toUpperCase()).toBe(KNOWN_ADDRESS);
});
