/** What lies where in a home: the folder that is one signer. */
import { join } from 'node:path';

/** The files and folders of a home, as absolute as the home was given. */
export interface HomePaths {
  readonly config: string;
  /** The signer's own identity: what nodes see and may pin. Never a consensus key. */
  readonly identity: string;
  /** Folder of consensus keys, one file a validator. */
  readonly keys: string;
  /** Folder of certificates, one folder a validator. */
  readonly grpc: string;
  readonly floorDb: string;
  readonly floorMark: string;
  readonly lock: string;
  readonly adminSocket: string;
  /** What was drained from the logs of devices. */
  readonly deviceLog: string;
  /** Closed segments of the audit log, and its checkpoints. */
  readonly audit: string;
  /** The key that signs those. Never a consensus key. */
  readonly auditKey: string;
}

/** @returns the paths; nothing is looked at. */
export function homePaths(home: string): HomePaths {
  return {
    config: join(home, 'signer.toml'),
    identity: join(home, 'identity.json'),
    keys: join(home, 'keys'),
    grpc: join(home, 'grpc'),
    floorDb: join(home, 'floor.db'),
    floorMark: join(home, 'floor.mark'),
    lock: join(home, 'home.lock'),
    adminSocket: join(home, 'admin.sock'),
    deviceLog: join(home, 'device-log.db'),
    audit: join(home, 'audit'),
    auditKey: join(home, 'audit.key'),
  };
}
