/** What all commands that make an object have in common. */
import { requireMayCreate } from '../device/access.ts';
import type { ByteReader } from '../device/byte-reader.ts';
import { u16 } from '../device/bytes.ts';
import { LABEL_BYTES, type Material, type ObjectParams } from '../device/stored-object.ts';
import type { CommandContext } from './command-spec.ts';

/** The 53 bytes every such command begins with. */
export function readParams(data: ByteReader): ObjectParams {
  return {
    id: data.u16(),
    label: data.take(LABEL_BYTES),
    domains: data.u16(),
    capabilities: data.u64(),
    algorithm: data.u8(),
  };
}

/**
 * Makes an object and answers with its id. The creator's rights and the id are looked at before the
 * material is made, which may take long.
 *
 * @throws {DeviceFault} 09, 11, 12, 0c, 07, and whatever `material` throws.
 */
export function createObject(
  context: CommandContext,
  object: ObjectParams & {
    readonly type: number;
    readonly delegated?: bigint;
    readonly origin: number;
  },
  material: () => Material,
): Uint8Array {
  const { state, principal } = context;
  const delegated = object.delegated ?? 0n;
  context.concerns(object.id);
  requireMayCreate(principal, { ...object, delegated });
  state.options.requireEnabled(object.algorithm);
  state.store.requireFree(object.type, object.id);
  const id = state.store.add({ ...object, delegated, material: material() });
  context.concerns(id);
  return u16(id);
}
