/** Keeps the log of one device from filling up, and holds it against what the signer asked for. */
import type { DeviceFinding } from '@privval/hsm/device-log/device-finding';
import type { DeviceLogReading, LoggedDevice } from '@privval/hsm/device-log/logged-device';
import {
  type Before,
  compareSignatures,
  NO_SIGNATURES,
  type SignatureTally,
} from '@privval/hsm/device-log/signature-tally';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { abortable, anySignal } from '@privval/proto/runtime/abort';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { DeviceLog } from './device-log.ts';
import { storeReading } from './store-reading.ts';

/** Time between two looks at how full the log is. */
const CHECK_INTERVAL_MS = 30_000;

/** Signatures between two looks: with force-audit each takes one of 62 places. */
const CHECK_SIGNATURES = 12;

/** How much of the log may be used before it is drained. */
const DRAIN_AT = 0.5;

/** The last drain of a signer that stops may not keep it from stopping. */
const LAST_DRAIN_MS = 400;

/** The signer stops, and the device does not answer: what its log holds is drained at the next start. */
export class DrainStoppedError extends CodedError {
  override readonly name = 'DrainStoppedError';
  readonly code = 'ERR_DEVICE_DRAIN_STOPPED';

  constructor() {
    super('the log of the device was not drained once more before the stop');
  }
}

/** Collaborators of a {@link DeviceLogDrain}. */
export interface DeviceLogDrainDeps {
  /** Another's to close, after the drain. */
  readonly log: DeviceLog;
  /** Another's to close, after the drain. */
  readonly device: LoggedDevice;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is watched, and how. */
export interface DeviceLogDrainOptions {
  /** The keys whose signatures are compared: those this signer signs with. */
  readonly keyIds: readonly number[];
  /** @default 30000 */
  readonly checkIntervalMs?: number | undefined;
  /** @default 12 */
  readonly checkSignatures?: number | undefined;
}

/** What one drain did. */
export interface DrainResult {
  readonly serial: string;
  /** Entries that were stored and are freed on the device. */
  readonly stored: number;
  readonly findings: readonly DeviceFinding[];
}

/** What is remembered of one key on one device. */
interface KeyWatch {
  readonly before: Before;
  /** Up to which entry of the table. */
  readonly seq: number;
  /** Signatures in the log that are attributed to the tally. */
  readonly seen: number;
  /** The tally when this device was first seen. */
  readonly since: SignatureTally;
}

/**
 * The drain of one device.
 *
 * What the device's log holds is stored for good before the device is told to forget it; whatever
 * is wrong with it is said aloud and freed all the same (S31): with force-audit on, a device whose
 * log is full signs nothing.
 *
 * Runs one loop, {@link #watch}, which ends on dispose. A fault of the device or the table is
 * logged and tried again; it never reaches who signs, except through {@link drain}.
 */
export class DeviceLogDrain implements AsyncDisposable {
  readonly #deps: DeviceLogDrainDeps;
  readonly #options: DeviceLogDrainOptions;
  /** Ends the watching. */
  readonly #shutdown = new AbortController();
  /** Ends also the last drain. */
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  readonly #tallies = new Map<number, SignatureTally>();
  /** By serial and key: what was compared so far. */
  readonly #watches = new Map<string, KeyWatch>();
  /** Devices that are known to log signatures. */
  readonly #logsSignatures = new Set<string>();
  #running: Promise<DrainResult> | undefined;
  #sinceCheck = 0;
  #nudge = Promise.withResolvers<void>();
  /** Codes of the faults that were logged since the last success. */
  readonly #faults = new Set<string>();
  #unlogged = '0/0';

  private constructor(deps: DeviceLogDrainDeps, options: DeviceLogDrainOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#watching = this.#watch();
  }

  /** Drains for the first time, and watches from then on. */
  static start(deps: DeviceLogDrainDeps, options: DeviceLogDrainOptions): DeviceLogDrain {
    return new DeviceLogDrain(deps, options);
  }

  /**
   * Drains the log now; what is under way already is joined.
   *
   * @throws what the device does, and {DeviceLogUnwritableError} ERR_DEVICE_LOG_UNWRITABLE.
   */
  async drain(options: AbortOptions = {}): Promise<DrainResult> {
    return abortable(this.#drainOnce(), options);
  }

  /** To be told when a signature is sent to the device, and once more when it was answered with one. */
  count(keyId: number, what: keyof SignatureTally): void {
    const tally = this.#tallies.get(keyId) ?? NO_SIGNATURES;
    this.#tallies.set(keyId, { ...tally, [what]: tally[what] + 1 });
    if (what === 'answered') return;
    this.#sinceCheck += 1;
    if (this.#sinceCheck >= (this.#options.checkSignatures ?? CHECK_SIGNATURES)) {
      this.#nudge.resolve();
    }
  }

  /** Drains once more, so that every signature is accounted for; gives up after {@link LAST_DRAIN_MS}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.#watching;
    using deadline = this.#deps.clock.deadline(LAST_DRAIN_MS);
    try {
      await this.#closeAccounts(deadline);
    } catch (error) {
      this.#sayFault(error);
    } finally {
      this.#stop.abort(new DrainStoppedError());
      await Promise.allSettled([this.#running]);
    }
  }

  async #closeAccounts(options: AbortOptions): Promise<void> {
    // What is under way may have read the log before the last signatures.
    await abortable(Promise.allSettled([this.#running]), options);
    const { serial } = await this.drain(options);
    const { log } = this.#deps;
    for (const keyId of this.#options.keyIds) {
      log.setAccount({ serial, keyId, seq: log.newestSeq, state: 'closed' });
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#shutdown;
    try {
      await this.#attempt(() => abortable(this.#drainOnce(), { signal }));
      for (;;) {
        await this.#untilDue(signal);
        await this.#attempt(() => this.#check(signal));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Waits for the next look: after a while, or after some signatures. */
  async #untilDue(signal: AbortSignal): Promise<void> {
    const rest = new AbortController();
    const { clock } = this.#deps;
    const interval = clock.sleep(this.#options.checkIntervalMs ?? CHECK_INTERVAL_MS, {
      signal: anySignal(signal, rest.signal),
    });
    try {
      await Promise.race([interval, this.#nudge.promise]);
    } finally {
      rest.abort();
      await interval.catch(() => undefined);
    }
    signal.throwIfAborted();
    this.#nudge = Promise.withResolvers<void>();
    this.#sinceCheck = 0;
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { logTotal, logUsed } = await this.#deps.device.logUse({ signal });
    if (logUsed >= logTotal * DRAIN_AT) await abortable(this.#drainOnce(), { signal });
  }

  /** A fault is logged once, until something succeeds. */
  async #attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
      this.#faults.clear();
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      this.#shutdown.signal.throwIfAborted();
      this.#sayFault(error);
    }
  }

  #sayFault(error: unknown): void {
    const code = errorCode(error);
    if (this.#faults.has(code)) return;
    this.#faults.add(code);
    const reason = error instanceof Error ? error.message : String(error);
    const { logger, device } = this.#deps;
    logger.warn(
      { device: device.name, code, reason },
      'the log of this device cannot be drained now: with force-audit on, it signs nothing once its log is full',
    );
  }

  #drainOnce(): Promise<DrainResult> {
    this.#running ??= this.#drain({ signal: this.#stop.signal }).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #drain(options: AbortOptions): Promise<DrainResult> {
    const { device, log, clock, logger } = this.#deps;
    const { serial } = await abortable(device.logUse(options), options);
    // Commands run in the order of the calls: what was asked by now is in the reading, what is
    // asked from here on is not.
    const tallies = new Map(this.#tallies);
    const reading = await abortable(device.readLog(options), options);
    const timeMs = clock.now();
    const stored = storeReading(log, { serial, reading, timeMs });
    const differences = this.#options.keyIds.flatMap((keyId) => {
      const tally = tallies.get(keyId) ?? NO_SIGNATURES;
      return this.#compare({ serial, keyId, tally, ...stored });
    });
    log.add({ serial, entries: [], findings: differences, timeMs });
    const findings = [...stored.findings, ...differences];
    this.#say(serial, findings, reading);
    if (stored.freeUpTo !== undefined) {
      await abortable(device.freeLog(stored.freeUpTo, options), options);
    }
    const hash = hexFromBytes(log.newestHash);
    logger.debug({ device: serial, entries: stored.stored, hash }, 'a device log was drained');
    return { serial, stored: stored.stored, findings };
  }

  /** Compares one key's signatures with the tally, and notes up to where that was done. */
  #compare(facts: {
    readonly serial: string;
    readonly keyId: number;
    readonly tally: SignatureTally;
    readonly seqBefore: number;
    readonly isGapped: boolean;
  }): readonly DeviceFinding[] {
    const { serial, keyId, tally, seqBefore, isGapped } = facts;
    const { log } = this.#deps;
    const watch = this.#watchOf(serial, keyId, seqBefore);
    // From the table, not from this reading: another session of ours may have drained in between.
    const entries = Array.from(log.entriesAfter(serial, watch.seq), ({ entry }) => entry);
    const { made, seen, finding } = compareSignatures({
      keyId,
      tally: {
        asked: tally.asked - watch.since.asked,
        answered: tally.answered - watch.since.answered,
      },
      seen: watch.seen,
      entries,
      before: watch.before,
      isLogged: this.#logsSignatures.has(serial),
      isGapped,
    });
    if (made > 0) this.#logsSignatures.add(serial);
    const seq = log.newestSeq;
    this.#watches.set(watchName(serial, keyId), { ...watch, seen, seq, before: 'compared' });
    log.setAccount({ serial, keyId, seq, state: 'open' });
    return finding === undefined ? [] : [finding];
  }

  #watchOf(serial: string, keyId: number, seqBefore: number): KeyWatch {
    const known = this.#watches.get(watchName(serial, keyId));
    if (known !== undefined) return known;
    const account = this.#deps.log.account(serial, keyId);
    const isFirst = ![...this.#watches.keys()].some((name) => name.endsWith(watchName('', keyId)));
    // What was asked of another device is not this one's.
    const since = isFirst ? NO_SIGNATURES : (this.#tallies.get(keyId) ?? NO_SIGNATURES);
    const before = isFirst && account?.state === 'closed' ? 'closed' : 'unknown';
    return { before, seen: 0, since, seq: account?.seq ?? seqBefore };
  }

  #say(serial: string, findings: readonly DeviceFinding[], reading: DeviceLogReading): void {
    const { logger } = this.#deps;
    for (const { code, text } of findings) {
      logger.error({ alarm: true, device: serial, code, reason: text }, 'look at this device');
    }
    const { unloggedBoots, unloggedAuthentications } = reading;
    const unlogged = `${unloggedBoots}/${unloggedAuthentications}`;
    if (unlogged === this.#unlogged) return;
    this.#unlogged = unlogged;
    if (unloggedBoots + unloggedAuthentications === 0) return;
    logger.warn(
      { device: serial, unloggedBoots, unloggedAuthentications },
      'while its log was full, this device was started, or sessions opened, without an entry',
    );
  }
}

function watchName(serial: string, keyId: number): string {
  return `${serial}/${keyId}`;
}
