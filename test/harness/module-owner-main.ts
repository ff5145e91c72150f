/** A signer that asks a module for one signature and is then only there to be killed. Prints the module's pid. */
import { ModuleProcess } from '@privval/hsm/pkcs11/module-process';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';

const [modulePath = '', pinFile = '', publicKey = ''] = process.argv.slice(2);
const logger = {
  ...silentLogger,
  info: (fields: object) => process.stdout.write(`${JSON.stringify(fields)}\n`),
};
const owner = new ModuleProcess(
  { clock: systemClock, logger },
  {
    modulePath,
    login: { token: 'validators', pinFile },
    main: new URL('./fake-module-main.ts', import.meta.url),
  },
);
const sign = { do: 'sign', key: { label: 'validator' }, publicKey } as const;
const body = new Uint8Array(1);
await owner.run(sign, { timeoutMs: 600_000, queueTimeoutMs: 600_000, body });
