/**
 * The Rust crate `yubihsm` 0.42.1, which tmkms is built on, against our simulated device: the crate's
 * client through the commands it has, and its set-up of a device, which is tmkms's.
 */
import { execFile } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseFirmware } from '../harness/yubihsm-sim/device/firmware.ts';
import { startYubiHsmSimulator } from '../harness/yubihsm-sim/simulator.ts';
import { RFC_8032 } from '../yubihsm/known-bytes.ts';
import { peerBinary } from './peers/peers.ts';

const run = promisify(execFile);

const [, , RFC_TEST_3] = RFC_8032;

/** DER head of a secp256k1 public key; X and Y follow. */
const SECP256K1_HEAD = '3056301006072a8648ce3d020106052b8104000a03420004';

/** What the driver says: a name and its value a line. */
async function drive(version: string): Promise<Readonly<Record<string, string>>> {
  await using simulator = await startYubiHsmSimulator(
    {},
    // As on a device, there is none for a while after the reset that begins the set-up.
    { firmware: parseFirmware(version), serial: 7550140, rebootMs: 1500 },
  );
  const { stdout } = await run(peerBinary('yubihsm-rust'), [String(simulator.port)]);
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  );
}

describe("the crate's client", () => {
  it.each(['2.4.1', '2.0.0'])('works with the device, firmware %s', async (version) => {
    const {
      'account-key': accountKey = '',
      'account-signature': accountSignature = '',
      log,
      'log-entries': logEntries,
      'log-left': logLeft,
      ...found
    } = await drive(version);
    expect(found).toEqual({
      serial: '0007550140',
      version,
      echo: '6563686f',
      random: '64',
      'public-key': RFC_TEST_3?.publicKey.toHex(),
      signature: RFC_TEST_3?.signature.toHex(),
      'import-over': 'ObjectExists',
      restored: '0x0064 AsymmetricKey',
      'signature-restored': RFC_TEST_3?.signature.toHex(),
      origin: 'WrappedImported',
      label: 'consensus',
      // RFC 4231, test case 1.
      hmac: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
      opaque: '64617461',
      keys: '2',
      attested: 'true',
      absent: 'ObjectNotFound',
      'may-not': 'InsufficientPermissions',
      'limited-signs': 'ok',
      'limited-resets': 'InsufficientPermissions',
      'wrong-password': 'true',
      'set-up': '0007550140',
      'after-set-up': 'AuthenticationKey:0001 AuthenticationKey:0004 Opaque:fffe WrapKey:0001',
      validator: 'true',
    });

    // Before 2.3.1 every command is logged from the start: two that open the session, and 20 more.
    expect([log, logEntries, logLeft]).toEqual(
      version === '2.0.0' ? ['4/62', '24 24', '1'] : ['2/62', '2 2', '0'],
    );

    const key = createPublicKey({
      key: Buffer.from(SECP256K1_HEAD + accountKey, 'hex'),
      format: 'der',
      type: 'spki',
    });
    expect(accountKey).toHaveLength(128);
    const nothing = new Uint8Array();
    expect(verify('sha256', nothing, key, Buffer.from(accountSignature, 'hex'))).toBe(true);
  });
});
