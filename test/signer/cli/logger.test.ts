import { createLogger } from '@privval/signer/cli/logger';
import { coreLimit, lockedKilobytes, warnOfLeaks } from '@privval/signer/cli/process-hardening';
import { expect, test } from 'vitest';
import { RecordingLogger } from '../../harness/recording-logger.ts';

function logged(format: 'json' | 'text'): string {
  let text = '';
  const logger = createLogger({ level: 'info', format }, { write: (line) => (text += line) });
  logger.debug({}, 'not shown');
  logger.info({ validator: 'main', chain: 'chain one', height: '5' }, 'signed');
  return text;
}

test('a log line is one JSON object with level, time and message', () => {
  const line = JSON.parse(logged('json'));
  expect(line).toMatchObject({ level: 'info', msg: 'signed', validator: 'main', height: '5' });
  expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test('a log line for people has the fields after the message', () => {
  expect(logged('text')).toMatch(
    /^\S+Z INFO {2}signed validator=main chain="chain one" height=5\n$/,
  );
});

test('S17: what the kernel says of locked memory and core dumps is read', () => {
  expect(lockedKilobytes('VmPeak:\t 1 kB\nVmLck:\t      12 kB\n')).toBe(12);
  expect(lockedKilobytes('')).toBeUndefined();
  const limits = 'Limit                     Soft Limit           Hard Limit           Units\n';
  expect(
    coreLimit(`${limits}Max core file size        0                    unlimited  bytes\n`),
  ).toBe('0');
  expect(
    coreLimit(`${limits}Max core file size        unlimited            unlimited  bytes\n`),
  ).toBe('unlimited');
});

test('S17: a process that may dump core is warned about', () => {
  const logger = new RecordingLogger();
  const proc = {
    status: () => 'VmLck:\t 0 kB\n',
    limits: () => 'Max core file size   100  100 bytes\n',
  };
  warnOfLeaks(logger, proc);
  expect(logger.lines.map(({ fields }) => fields['code'])).toEqual([
    'ERR_MEMORY_NOT_LOCKED',
    'ERR_CORE_DUMPS_ON',
  ]);
});
