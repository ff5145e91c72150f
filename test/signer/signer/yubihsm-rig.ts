/** A home as `signer init` makes it, over simulated YubiHSMs, and a node that asks it. */
import { ROLES } from '@privval/hsm/provisioning/roles';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey, type PublicKey } from '@privval/proto/crypto/public-key';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import { bytesFromHex, utf8Bytes } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { parseChainId } from '@privval/proto/types/chain-id';
import { readConfig } from '@privval/signer/config/config';
import { Signer } from '@privval/signer/signer';
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';
import { putAsymmetricKey } from 'yubihsm/commands/asymmetric-key-commands';
import { putAuthenticationKey } from 'yubihsm/commands/authentication-key-commands';
import type { Command } from 'yubihsm/commands/command';
import { commandCode } from 'yubihsm/commands/command-code';
import { setCommandAudit, setForceAudit } from 'yubihsm/commands/option-commands';
import { HttpConnector } from 'yubihsm/connector/http-connector';
import { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import {
  type ScriptedConnection,
  ScriptedNode,
  scriptedVote,
} from '../../harness/scripted-node.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';
import {
  startYubiHsmSimulator,
  type YubiHsmSimulator,
} from '../../harness/yubihsm-sim/simulator.ts';
import { type CliResult, cli } from '../cli/cli-runner.ts';
import { writeSecret } from '../home/home-fixtures.ts';

const CHAIN = 'chain-1';

/** The factory's. */
const FACTORY_PASSWORD = 'password';

/** Devices, a home, a node. */
export class YubiHsmRig implements AsyncDisposable {
  readonly folder: ScratchFolder;
  readonly node: ScriptedNode;
  readonly devices: readonly YubiHsmSimulator[];
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly factoryPassword: string;
  readonly validatorPassword: string;
  readonly operatorPassword: string;

  private constructor(
    folder: ScratchFolder,
    node: ScriptedNode,
    devices: readonly YubiHsmSimulator[],
  ) {
    this.folder = folder;
    this.node = node;
    this.devices = devices;
    this.factoryPassword = writeSecret(folder, 'factory.pass', FACTORY_PASSWORD);
    this.validatorPassword = writeSecret(folder, 'validator.pass', 'the validator’s\n');
    this.operatorPassword = writeSecret(folder, 'operator.pass', 'the operator’s');
  }

  /** Devices in their factory state, to which the roles of operator and validator are added. */
  static async create(count = 1): Promise<YubiHsmRig> {
    const folder = new ScratchFolder();
    const path = folder.join('node.sock');
    const node = await ScriptedNode.listen({ chainId: CHAIN, transport: 'unix', path });
    const devices: YubiHsmSimulator[] = [];
    for (let index = 0; index < count; index++) {
      const simulator = await startYubiHsmSimulator({}, { serial: 7_550_140 + index });
      devices.push(simulator);
      await putRoles(simulator);
    }
    return new YubiHsmRig(folder, node, devices);
  }

  device(index = 0): YubiHsmSimulator {
    const device = this.devices[index];
    if (device === undefined) throw new Error(`no device ${index}`);
    return device;
  }

  get home(): string {
    return this.folder.join('home');
  }

  /** `--provider yubihsm` with the validator's role. */
  serving(index = 0): string[] {
    const { url } = this.device(index);
    const password = ['--password-file', this.validatorPassword];
    return ['--provider', 'yubihsm', '--connector', url, '--auth-key', '4', ...password];
  }

  /** `--generate` by the operator's role. */
  get generating(): string[] {
    return [
      ...['--generate', '--setup-auth-key', '2'],
      ...['--setup-password-file', this.operatorPassword],
    ];
  }

  init(...flags: readonly string[]): Promise<CliResult> {
    const where = ['--home', this.home, '--chain-id', CHAIN, '--node', this.node.address];
    return cli(['init', ...where, ...flags]);
  }

  /** Starts `signer serve`'s signer on the home. */
  serve(): Promise<Signer> {
    const { log, ...options } = readConfig(this.home, { environment: {} });
    return Signer.start(
      { clock: systemClock, random: new SeededRandom(1), logger: this.logger },
      { home: this.home, ...options, lockWaitMs: 0 },
    );
  }

  /** Public key in the home's database. */
  async publicKey(): Promise<PublicKey> {
    const show = await cli(['keys', 'show', '--home', this.home, '--format', 'hex']);
    return ed25519PublicKey(bytesFromHex(show.output));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const device of this.devices) await device[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

/** A vote that is asked for again and again until it is signed, as a node's own retries do. @returns its signature */
export async function voteUntilSigned(
  connection: ScriptedConnection,
  publicKey: PublicKey,
  height: bigint,
): Promise<Uint8Array> {
  const asked = scriptedVote({ height });
  for (;;) {
    const response = await connection.signVote(asked);
    const signature = signatureIn(response);
    if (signature === undefined) continue;
    const bytes = voteSignBytes(parseChainId(CHAIN), asked);
    if (!verifyStrict(publicKey, bytes, signature))
      throw new Error('a wrong signature was released');
    return signature;
  }
}

/** `undefined` for an error. */
export function signatureIn(response: PrivvalResponse): Uint8Array | undefined {
  if (response.kind !== 'signed-vote') throw new Error(`not about a vote: ${response.kind}`);
  return 'error' in response ? undefined : response.vote.signature;
}

/** Puts an Ed25519 key into a device, in the validator's domain. */
export function putKey(
  simulator: YubiHsmSimulator,
  id: number,
  seed: Uint8Array,
  change: {
    readonly domains?: readonly number[];
    readonly capabilities?: readonly 'sign-eddsa'[];
  } = {},
): Promise<unknown> {
  const { domains = [1], capabilities = ['sign-eddsa'] } = change;
  const params = { id, label: 'consensus', domains, capabilities, algorithm: 'ed25519' } as const;
  return asAdmin(simulator, [putAsymmetricKey(params, seed)]);
}

/** From now on each signature is logged, and a full log stops the device. */
export function forceAudit(simulator: YubiHsmSimulator): Promise<void> {
  return asAdmin(simulator, [
    setCommandAudit([{ code: commandCode('SignEddsa'), setting: 'on' }]),
    setForceAudit('on'),
  ]);
}

async function putRoles(simulator: YubiHsmSimulator): Promise<void> {
  const passwords = { operator: 'the operator’s', validator: 'the validator’s' };
  await asAdmin(
    simulator,
    (['operator', 'validator'] as const).map((name) => {
      const { authKeyId: id, capabilities, delegated, domains } = ROLES[name];
      const keys = authenticationKeysFromPassword(utf8Bytes(passwords[name]));
      return putAuthenticationKey({ id, label: name, domains, capabilities }, delegated, {
        kind: 'symmetric',
        ...keys,
      });
    }),
  );
}

async function asAdmin(
  { url }: YubiHsmSimulator,
  commands: readonly Command<unknown>[],
): Promise<void> {
  await using connector = await HttpConnector.open(
    {},
    { url, connectTimeoutMs: 5_000, requestTimeoutMs: 5_000 },
  );
  await using client = await YubiHsmClient.open(
    { connector },
    { authKeyId: 1, credentials: { kind: 'password', password: utf8Bytes(FACTORY_PASSWORD) } },
  );
  for (const command of commands) await client.run(command);
}
