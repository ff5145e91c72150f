/** The program of a module's own process: the only one in which a vendor's library runs (S32). */
import { loadModule } from './load-pkcs11js.ts';
import { serveModule } from './module-pipe.ts';

serveModule({ load: loadModule });
// No exit handlers: a library's own may hang.
process.kill(process.pid, 'SIGKILL');
