/** A signer that has a module started and is then only there to be killed. Prints the module's pid. */
import { ModuleProcess } from '@privval/hsm/pkcs11/module-process';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';

const [modulePath = '', pinFile = ''] = process.argv.slice(2);
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
await owner.run({ do: 'list-keys' }, { timeoutMs: 60_000, queueTimeoutMs: 60_000 });
