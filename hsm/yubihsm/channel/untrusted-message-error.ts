import { YubiHsmError } from '../yubihsm-error.ts';

const FLAWS = {
  frame: 'it is no frame',
  command: 'it is a reply to another command',
  length: 'its length cannot be',
  mac: 'its MAC is wrong',
  'session-id': 'it belongs to another session',
  padding: 'its padding is wrong',
  'inner-frame': 'what it contains is no frame',
  'inner-command': 'what it contains answers another command',
} as const;

/** What is wrong with a message of the secure channel. */
export type MessageFlaw = keyof typeof FLAWS;

/**
 * A message of the secure channel was altered, replayed, cut short or made by somebody else. The
 * session was given up; nothing of the message was used. Once is a disturbance. If it goes on,
 * somebody is between this program and the device: look at the connector and the way to it.
 */
export class UntrustedMessageError extends YubiHsmError {
  override readonly name = 'UntrustedMessageError';
  readonly code = 'ERR_YUBIHSM_UNTRUSTED_MESSAGE';
  override readonly mayHaveRun = true;
  override readonly remedy = 'wait';
  readonly flaw: MessageFlaw;

  constructor(flaw: MessageFlaw) {
    super(
      `a message that cannot be trusted: ${FLAWS[flaw]}. The session was given up. If this goes on, ` +
        'look at the connector, and at who can reach it',
    );
    this.flaw = flaw;
  }
}
