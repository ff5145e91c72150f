/** What a YubiHSM 2, or whoever sits in its place, sends; and the backups that are made of its objects. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import { readAttestation } from 'yubihsm/attestation/attestation';
import { MalformedAttestationError } from 'yubihsm/attestation/malformed-attestation-error';
import {
  generateAsymmetricKey,
  getPublicKey,
  signEddsa,
} from 'yubihsm/commands/asymmetric-key-commands';
import type { Command } from 'yubihsm/commands/command';
import {
  deviceInfo,
  devicePartNumber,
  getDevicePubkey,
  getStorageInfo,
} from 'yubihsm/commands/device-commands';
import { getLogEntries } from 'yubihsm/commands/log-commands';
import { MalformedReplyError } from 'yubihsm/commands/malformed-reply-error';
import { getObjectInfo, listObjects } from 'yubihsm/commands/object-commands';
import { getCommandAudit, getForceAudit } from 'yubihsm/commands/option-commands';
import { compactSecp256k1Signature } from 'yubihsm/commands/secp256k1';
import { importWrapped } from 'yubihsm/commands/wrap-commands';
import { verifyLogChain } from 'yubihsm/log/log-chain';
import { decodeLogEntries } from 'yubihsm/log/log-entry';
import { capabilityBits } from 'yubihsm/objects/capability';
import { domainBits } from 'yubihsm/objects/domains';
import { MalformedWrapError } from 'yubihsm/wrap/wrap-errors';
import { formatWrap, parseWrap } from 'yubihsm/wrap/wrap-text';
import { decodeWrappedObject, encodeWrappedObject } from 'yubihsm/wrap/wrapped-object';
import { type FuzzTarget, owed } from './fuzz-target.ts';

const PARAMS = { id: 0, label: '', domains: [1], capabilities: [], algorithm: 'ed25519' } as const;

/** Chosen by the first byte of an input; the rest is the reply. */
const COMMANDS: readonly Command<unknown>[] = [
  deviceInfo(),
  devicePartNumber(),
  getDevicePubkey(),
  getStorageInfo(),
  generateAsymmetricKey(PARAMS),
  getPublicKey(1),
  signEddsa(1, new Uint8Array(0)),
  listObjects(),
  getObjectInfo(1, 'opaque'),
  importWrapped(1, new Uint8Array(30)),
  getLogEntries(),
  getForceAudit(),
  getCommandAudit(),
];

/** Replies to commands. */
export const hsmReplyTarget: FuzzTarget = {
  name: 'hsm-reply',
  run(bytes) {
    const [choice = 0, ...reply] = bytes;
    COMMANDS[choice % COMMANDS.length]?.decode(Uint8Array.from(reply));
  },
  allowed: (error) => error instanceof MalformedReplyError,
};

/** The log, and whether it is whole. */
export const hsmLogTarget: FuzzTarget = {
  name: 'hsm-log',
  run(bytes) {
    const { entries } = decodeLogEntries(bytes);
    const stored = Buffer.concat(entries.map((entry) => entry.bytes));
    owed(equalBytes(stored, bytes.subarray(5)), 'the entries are kept as they came');
    const { fresh, anchor, breaks } = verifyLogChain(undefined, entries);
    owed(fresh.length === entries.length, 'all that is new is to be stored');
    owed(breaks.length < Math.max(entries.length, 1), 'the first entry is trusted');
    const again = verifyLogChain(anchor, entries);
    owed(again.fresh.length === 0 || again.breaks.length > 0, 'a log read again has nothing new');
  },
  allowed: (error) => error instanceof MalformedReplyError,
};

/** Signatures of account keys. */
export const hsmEcdsaTarget: FuzzTarget = {
  name: 'hsm-ecdsa',
  run(bytes) {
    owed(compactSecp256k1Signature(bytes).length === 64, 'a signature has 64 bytes');
  },
  allowed: (error) => error instanceof MalformedReplyError,
};

/** What is inside of a wrapped object, once it is open. */
export const hsmWrapTarget: FuzzTarget = {
  name: 'hsm-wrap',
  run(bytes) {
    const object = decodeWrappedObject(bytes);
    // A label has many spellings (what is after its end, what is not UTF-8) and id 0xffff is not written.
    const written = encodeWrappedObject({ ...object, id: object.id & 0xfffe, label: '' });
    const blank = bytes.with(10, (bytes[10] ?? 0) & 0xfe).fill(0, 19, 59);
    owed(equalBytes(written, blank), 'an object that was read can be written');
  },
  allowed: (error) => error instanceof MalformedWrapError,
};

/** Its file. */
export const hsmWrapTextTarget: FuzzTarget = {
  name: 'hsm-wrap-text',
  run(bytes) {
    const blob = parseWrap(new TextDecoder().decode(bytes));
    owed(equalBytes(parseWrap(formatWrap(blob)), blob), 'a blob survives its text');
  },
  allowed: (error) => error instanceof MalformedWrapError,
};

/** Certificates in which a device attests a key. */
export const hsmAttestationTarget: FuzzTarget = {
  name: 'hsm-attestation',
  run(bytes) {
    const { serial, domains, capabilities, objectId } = readAttestation(bytes);
    owed(/^\d{10}$/.test(serial), 'a serial has ten digits');
    owed(domainBits(domains) <= 0xffff && objectId <= 0xffff, 'both have 16 bits');
    owed(capabilityBits(capabilities) < 2n ** 64n, 'capabilities have 64 bits');
  },
  allowed: (error) => error instanceof MalformedAttestationError,
};

/** All of them, in the order in which they run. */
export const YUBIHSM_TARGETS: readonly FuzzTarget[] = [
  hsmReplyTarget,
  hsmLogTarget,
  hsmEcdsaTarget,
  hsmWrapTarget,
  hsmWrapTextTarget,
  hsmAttestationTarget,
];
