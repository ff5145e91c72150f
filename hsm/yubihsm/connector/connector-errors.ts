/** What can go wrong between this program and the connector, or between it and the device. */
import { type Remedy, YubiHsmError } from '../yubihsm-error.ts';

/** The address of a connector is not `http://host:port` or `https://host:port`. */
export class InvalidConnectorUrlError extends YubiHsmError {
  override readonly name = 'InvalidConnectorUrlError';
  readonly code = 'ERR_YUBIHSM_INVALID_CONNECTOR_URL';

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(`${url}: ${reason}; a connector's address looks like http://127.0.0.1:12345`, options);
  }
}

/** No connection could be made, so the device did not see the frame. `cause` has the system's code. */
export class ConnectorUnreachableError extends YubiHsmError {
  override readonly name = 'ConnectorUnreachableError';
  readonly code = 'ERR_YUBIHSM_CONNECTOR_UNREACHABLE';
  override readonly remedy = 'wait';
  readonly connector: string;

  constructor(connector: string, reason: string, options?: ErrorOptions) {
    super(
      `no connection to the connector ${connector}: ${reason}. Start yubihsm-connector there, or ` +
        'correct its address; nothing was sent',
      options,
    );
    this.connector = connector;
  }
}

/** The connection was found dead while the frame was being written: it did not get through. */
export class StaleConnectionError extends YubiHsmError {
  override readonly name = 'StaleConnectionError';
  readonly code = 'ERR_YUBIHSM_STALE_CONNECTION';
  override readonly remedy = 'wait';
  readonly connector: string;
  /** Whether the connection was one that had been kept from an earlier frame. */
  readonly usedKeptConnection: boolean;

  constructor(connector: string, usedKeptConnection: boolean, options?: ErrorOptions) {
    super(
      `the connection to ${connector} was closed before the frame had got through; ask again`,
      options,
    );
    this.connector = connector;
    this.usedKeptConnection = usedKeptConnection;
  }
}

/** The connector has no device, or lost it just now (HTTP 500). */
export class NoDeviceError extends YubiHsmError {
  override readonly name = 'NoDeviceError';
  readonly code = 'ERR_YUBIHSM_NO_DEVICE';
  override readonly remedy = 'wait';
  override readonly mayHaveRun = true;
  readonly connector: string;

  constructor(connector: string) {
    super(
      `the connector ${connector} has no device, or it failed (HTTP 500): plug it in, and see that ` +
        'no other program has opened it',
    );
    this.connector = connector;
  }
}

/** The connector took the frame and did not answer in time. */
export class ConnectorTimeoutError extends YubiHsmError {
  override readonly name = 'ConnectorTimeoutError';
  readonly code = 'ERR_YUBIHSM_CONNECTOR_TIMEOUT';
  override readonly remedy = 'wait';
  override readonly mayHaveRun = true;
  readonly connector: string;
  readonly limitMs: number;

  constructor(connector: string, limitMs: number, options?: ErrorOptions) {
    super(
      `the connector ${connector} gave no answer within ${limitMs} ms: the device hangs, or others ` +
        'keep it busy. If it goes on, unplug it and plug it in again',
      options,
    );
    this.connector = connector;
    this.limitMs = limitMs;
  }
}

/** The connection ended before the answer was complete. What the device did is not known. */
export class ReplyLostError extends YubiHsmError {
  override readonly name = 'ReplyLostError';
  readonly code = 'ERR_YUBIHSM_REPLY_LOST';
  override readonly remedy = 'wait';
  override readonly mayHaveRun = true;
  readonly connector: string;
  /** Whether the connection was one that had been kept from an earlier frame. */
  readonly usedKeptConnection: boolean;

  constructor(connector: string, usedKeptConnection: boolean, options?: ErrorOptions) {
    super(
      `the connection to ${connector} ended before the answer was complete. The device may have ` +
        'done what was asked; ask again only where that does no harm',
      options,
    );
    this.connector = connector;
    this.usedKeptConnection = usedKeptConnection;
  }
}

/** The connector answered with an HTTP status that has no frame. */
export class HttpStatusError extends YubiHsmError {
  override readonly name = 'HttpStatusError';
  readonly code = 'ERR_YUBIHSM_HTTP_STATUS';
  override readonly remedy: Remedy;
  /** 4xx: the connector refused before it asked the device. */
  override readonly mayHaveRun: boolean;
  readonly connector: string;
  readonly status: number;

  constructor(connector: string, status: number) {
    const isRefusal = status >= 400 && status < 500;
    super(
      status === 403
        ? `the connector ${connector} refuses this name for it (HTTP 403): use a name on its Host allow-list`
        : `${connector} answers with HTTP ${status}: is a yubihsm-connector listening there?`,
    );
    this.connector = connector;
    this.status = status;
    this.mayHaveRun = !isRefusal;
    this.remedy = isRefusal ? 'repair' : 'wait';
  }
}

/** What came back is not one frame, or not HTTP. */
export class GarbageReplyError extends YubiHsmError {
  override readonly name = 'GarbageReplyError';
  readonly code = 'ERR_YUBIHSM_GARBAGE_REPLY';
  override readonly remedy = 'wait';
  override readonly mayHaveRun = true;
  readonly connector: string;

  constructor(connector: string, reason: string, options?: ErrorOptions) {
    super(
      `${connector} answers with garbage: ${reason}. See what listens there, and what is between`,
      options,
    );
    this.connector = connector;
  }
}

/** More came back than any device sends. It was not read to the end. */
export class OversizeReplyError extends YubiHsmError {
  override readonly name = 'OversizeReplyError';
  readonly code = 'ERR_YUBIHSM_OVERSIZE_REPLY';
  override readonly remedy = 'wait';
  override readonly mayHaveRun = true;
  readonly connector: string;
  readonly limitBytes: number;

  constructor(connector: string, limitBytes: number) {
    super(
      `${connector} answers with more than ${limitBytes} bytes, which no device sends: is a ` +
        'yubihsm-connector listening there?',
    );
    this.connector = connector;
    this.limitBytes = limitBytes;
  }
}

/** More frames wait for this connector than it takes; nothing was sent. */
export class ConnectorBusyError extends YubiHsmError {
  override readonly name = 'ConnectorBusyError';
  readonly code = 'ERR_YUBIHSM_CONNECTOR_BUSY';
  override readonly remedy = 'wait';
  readonly connector: string;

  constructor(connector: string, maxWaiting: number) {
    super(`${maxWaiting} frames wait for ${connector} already; ask for less at a time`);
    this.connector = connector;
  }
}

/** The connector was closed on this side. */
export class ConnectorClosedError extends YubiHsmError {
  override readonly name = 'ConnectorClosedError';
  readonly code = 'ERR_YUBIHSM_CONNECTOR_CLOSED';
  /** True when it was closed while a frame was under way. */
  override readonly mayHaveRun: boolean;

  constructor(connector: string, options: { readonly mayHaveRun: boolean }) {
    super(`${connector} has been closed by this program`);
    this.mayHaveRun = options.mayHaveRun;
  }
}

/** `/connector/status` does not have the lines it should. Commands may work all the same. */
export class MalformedStatusError extends YubiHsmError {
  override readonly name = 'MalformedStatusError';
  readonly code = 'ERR_YUBIHSM_MALFORMED_STATUS';

  constructor(connector: string, reason: string) {
    super(`the status of ${connector} is not that of a yubihsm-connector: ${reason}`);
  }
}
