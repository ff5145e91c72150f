/** The program of a module's own process: the only one in which a vendor's library runs (S32). */
import { flushCompileCache } from 'node:module';
import { loadModule } from './load-pkcs11js.ts';
import { serveModule } from './module-pipe.ts';

// It will be killed: what it compiled is kept now or never.
flushCompileCache();
serveModule({ load: loadModule });
// No exit handlers: a library's own may hang.
process.kill(process.pid, 'SIGKILL');
