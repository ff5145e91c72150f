/** The program of a module's process, with a {@link FakeCryptoki} where the vendor's library would be. */
import { flushCompileCache } from 'node:module';
import { serveModule } from '@privval/hsm/pkcs11/module-pipe';
import { FakeCryptoki } from './fake-cryptoki.ts';
import { FakeModuleFile } from './fake-token.ts';

flushCompileCache();
/** Where the token is comes as the path of the module. */
serveModule({ load: (modulePath) => new FakeCryptoki(new FakeModuleFile(modulePath)) });
process.kill(process.pid, 'SIGKILL');
