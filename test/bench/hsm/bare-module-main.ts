/**
 * The module by itself, as its binding is called in our own process for it: SignInit and Sign in a
 * loop. Arguments: module, token, PIN, how many. Prints microseconds as a JSON array.
 */

import { initialize } from '@privval/hsm/pkcs11/cryptoki';
import { CKA, CKM, CKO } from '@privval/hsm/pkcs11/cryptoki-numbers';
import { loadModule } from '@privval/hsm/pkcs11/load-pkcs11js';
import { InvariantError } from '@privval/proto/runtime/coded-error';

const [modulePath = '', token = '', pin = '', count = '0'] = process.argv.slice(2);
const SERIAL_SESSION = 4;
const USER = 1;

const cryptoki = loadModule(modulePath);
initialize(cryptoki);
const slot = cryptoki
  .C_GetSlotList(true)
  .find((candidate) => cryptoki.C_GetTokenInfo(candidate).label.trim() === token);
if (slot === undefined) throw new InvariantError(`no token ${token}`);
const session = cryptoki.C_OpenSession(slot, SERIAL_SESSION);
cryptoki.C_Login(session, USER, pin);
cryptoki.C_FindObjectsInit(session, [{ type: CKA.CLASS, value: CKO.PRIVATE_KEY }]);
const [key] = cryptoki.C_FindObjects(session, 1);
cryptoki.C_FindObjectsFinal(session);
if (key === undefined) throw new InvariantError('the token has no key');

const samples: number[] = [];
const message = Buffer.alloc(115);
for (let i = 0; i < Number(count); i++) {
  message.writeUInt32BE(i, 1);
  const start = performance.now();
  cryptoki.C_SignInit(session, { mechanism: CKM.EDDSA }, key);
  cryptoki.C_Sign(session, message, Buffer.alloc(64));
  samples.push((performance.now() - start) * 1000);
}
process.stdout.write(JSON.stringify(samples));
