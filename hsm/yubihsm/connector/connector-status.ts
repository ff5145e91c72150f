/** The text that `GET /connector/status` answers with. */
import type { ConnectorStatus } from './connector.ts';
import { MalformedStatusError } from './connector-errors.ts';

/**
 * Reads lines of `key=value`. Unknown keys are kept and mean nothing.
 *
 * @throws {MalformedStatusError} ERR_YUBIHSM_MALFORMED_STATUS when there is no `status` line, or one
 *   that says neither OK nor NO_DEVICE.
 */
export function parseConnectorStatus(connector: string, text: string): ConnectorStatus {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) fields.set(line.slice(0, equals), line.slice(equals + 1).trimEnd());
  }
  const status = fields.get('status');
  if (status === undefined) throw new MalformedStatusError(connector, 'no line "status="');
  if (status !== 'OK' && status !== 'NO_DEVICE') {
    throw new MalformedStatusError(
      connector,
      `its status is ${JSON.stringify(status.slice(0, 40))}`,
    );
  }
  return {
    hasDevice: status === 'OK',
    serial: fields.get('serial') ?? '*',
    version: fields.get('version') ?? '',
    fields,
  };
}
