import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { parseChainId } from '@privval/proto/types/chain-id';
import { parseForeignState } from '@privval/signer/import/foreign-state';
import type { ForeignSigner } from '@privval/signer/import/foreign-validator';
import { describe, expect, test } from 'vitest';
import { GOLDEN_CHAIN, goldenKey, vector, vectorText } from './foreign-homes.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function read(content: Uint8Array, signer: ForeignSigner, path = 'state.json') {
  return parseForeignState(content, { path, signer });
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'done';
  } catch (error) {
    return errorCode(error);
  }
}

/** What each signer wrote after the same four events. */
const GOLDEN = [
  ['tmkms/initial.json', 'tmkms', '0/0/none'],
  ['tmkms/proposal.json', 'tmkms', '41/2/propose'],
  ['tmkms/prevote-nil.json', 'tmkms', '41/2/prevote'],
  ['tmkms/precommit.json', 'tmkms', '41/3/precommit'],
  ['filepv/initial.json', 'filepv', '0/0/none'],
  ['filepv/proposal.json', 'filepv', '41/2/propose'],
  ['filepv/prevote-nil.json', 'filepv', '41/2/prevote'],
  ['filepv/precommit.json', 'kms', '41/3/precommit'],
  ['filepv/precommit.json', 'horcrux', '41/3/precommit'],
  ['horcrux/initial.json', 'horcrux', '0/0/none'],
  ['horcrux/cluster.json', 'horcrux', '41/3/precommit'],
  ['horcrux/share.json', 'horcrux', '41/3/precommit'],
  ['horcrux/imported.json', 'horcrux', '361402/0/precommit'],
] as const;

describe('states of other signers', () => {
  test.each(GOLDEN)('%s, read for %s, stands at %s', (name, signer, expected) => {
    const { position } = read(vector(name), signer);
    expect(`${position.height}/${position.round}/${position.step}`).toBe(expected);
  });

  test.each(['filepv', 'kms', 'horcrux'] as const)(
    'a state of tmkms is one of tmkms when it is given for %s, too: its steps are one lower',
    (signer) => {
      expect(read(vector('tmkms/precommit.json'), signer)).toMatchObject({
        form: 'tmkms',
        position: { step: 'precommit' },
      });
    },
  );

  test('without a sign of its writer, the state that horcrux documents is read for horcrux', () => {
    const written = bytes('{"height": "361402", "round": "0", "step": 2}');
    expect(read(written, 'horcrux').position.step).toBe('prevote');
    expect(read(written, 'tmkms').position.step).toBe('precommit');
  });

  test.each(['filepv', 'kms'] as const)('and for %s it is not guessed at', (signer) => {
    const written = bytes('{"height": "361402", "round": "0", "step": 2}');
    expect(codeOf(() => read(written, signer))).toBe('ERR_STATE_FILE_MALFORMED');
  });

  test.each([
    ['{}', 'tmkms'],
    ['', 'tmkms'],
    ['{"height":"41","round":"3","step":3,"block_id":null}', 'tmkms'],
    ['{"height":"41","round":"3","step":6,"block_id":null}', 'tmkms'],
    ['{"height":41,"round":"3","step":1,"block_id":null}', 'tmkms'],
    ['{"height":"41","round":"-1","step":1,"block_id":null}', 'tmkms'],
    ['{"height":"41","round":"3","block_id":null}', 'tmkms'],
    ['{"height":"9223372036854775808","round":"3","step":1,"block_id":null}', 'tmkms'],
    ['{"height":"41","round":"3","step":4,"nonce_public":null}', 'horcrux'],
    ['{"height":"41","round":"3","step":-1,"nonce_public":null}', 'horcrux'],
    ['{"height":"41","round":"2147483648","step":1,"nonce_public":null}', 'horcrux'],
    ['{"height":"41","round":"3","nonce_public":null}', 'horcrux'],
    ['{"height":"41","round":"3","step":1,"nonce_public":null,"signbytes":"zz"}', 'horcrux'],
    ['{"height":"41","step":1}', 'filepv'],
    ['[]', 'kms'],
  ] as const)('S3: %s is never read as "nothing signed" (%s)', (text, signer) => {
    expect(codeOf(() => read(bytes(text), signer))).toBe('ERR_STATE_FILE_MALFORMED');
  });

  test('an error names the file it is about', () => {
    expect(() => read(bytes('{}'), 'tmkms', '/k/state.json')).toThrow(/^\/k\/state\.json: /);
  });
});

describe('the floor a state stands for', () => {
  test('S3: knows what was signed only where the other signer did', async () => {
    const owner = { chainId: GOLDEN_CHAIN, publicKey: await goldenKey() };
    const floor = (name: string, signer: ForeignSigner) =>
      read(vector(name), signer).floorOf(owner, undefined);
    expect(floor('filepv/precommit.json', 'kms').signBytes).toBeDefined();
    for (const name of ['horcrux/cluster.json', 'tmkms/precommit.json']) {
      expect(floor(name, 'tmkms').signBytes).toBeUndefined();
      expect(floor(name, 'tmkms')).toMatchObject({ height: 41n, round: 3, step: 'precommit' });
    }
  });

  test.each([
    ['filepv/precommit.json', 'state.json'],
    ['horcrux/cluster.json', 'state.json'],
    ['horcrux/share.json', 'golden-1_share_sign_state.json'],
  ])('S3: %s is refused for another chain', async (name, path) => {
    const publicKey = await goldenKey();
    const state = read(vector(name), 'horcrux', path);
    const other = { chainId: parseChainId('other-1'), publicKey };
    expect(codeOf(() => state.floorOf(other, undefined))).toBe('ERR_STATE_FILE_FOREIGN');
    const own = { chainId: GOLDEN_CHAIN, publicKey };
    expect(codeOf(() => state.floorOf(own, undefined))).toBe('done');
  });

  test.each(['filepv/precommit.json', 'horcrux/cluster.json'])(
    'S3: %s is refused for another key',
    (name) => {
      using other = Ed25519SecretKey.generate();
      const owner = { chainId: GOLDEN_CHAIN, publicKey: other.publicKey };
      const state = read(vector(name), 'horcrux');
      expect(codeOf(() => state.floorOf(owner, 7n))).toBe('ERR_STATE_FILE_FOREIGN');
    },
  );

  test('S3: a share whose sign bytes are of another position is refused', async () => {
    const owner = { chainId: GOLDEN_CHAIN, publicKey: await goldenKey() };
    const moved = vectorText('horcrux/share.json').replace('"round": "3"', '"round": "2"');
    const state = read(bytes(moved), 'horcrux', 'golden-1_share_sign_state.json');
    expect(codeOf(() => state.floorOf(owner, undefined))).toBe('ERR_STATE_FILE_FOREIGN');
  });

  test.each([
    ['filepv/prevote-nil.json', 'filepv'],
    ['tmkms/prevote-nil.json', 'tmkms'],
    ['horcrux/imported.json', 'horcrux'],
  ] as const)('S12: %s marked stale is refused without a height', async (name, signer) => {
    const owner = { chainId: GOLDEN_CHAIN, publicKey: await goldenKey() };
    const stale = vectorText(name).replace(/\}$/, ', "stale": "exported while it signed"}');
    const state = read(bytes(stale), signer);
    expect(codeOf(() => state.floorOf(owner, undefined))).toBe('ERR_STATE_FILE_STALE');
    expect(codeOf(() => state.floorOf(owner, 50n))).toBe('done');
  });
});
