/** Run in a process of its own by guarded-memory.test.ts: touches guarded memory in or out of a `use`. */
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';

const guarded = GuardedBytes.alloc(32);
const kept = guarded.use((bytes) => bytes);
const how = process.argv[2];
if (how === 'inside') {
  guarded.use(() => process.stdout.write(kept[0] === 0 ? 'touched\n' : ''));
} else if (how === 'outside') {
  process.stdout.write(kept[0] === 0 ? 'touched\n' : '');
} else {
  guarded[Symbol.dispose]();
  process.stdout.write(kept.length === 0 ? 'no bytes\n' : 'touched\n');
}
