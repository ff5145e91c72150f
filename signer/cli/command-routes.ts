/** Which command asks the running signer for what. The program's help, the completion and the tests go by it. */
import type { AdminRouteName } from '../http/admin-routes.ts';

/** How a command gets its answer. */
export interface CommandRoute {
  /** Words after `signer`. */
  readonly command: string;
  /** Routes it calls, in order. */
  readonly routes: readonly AdminRouteName[];
  /**
   * `daemon`: says ERR_ADMIN_UNREACHABLE when nothing is served. `either`: opens a home that is not
   * served itself. `offline`: never asks.
   */
  readonly from: 'daemon' | 'either' | 'offline';
  readonly isConfirmed?: true;
}

/** The commands of a running home. */
export const COMMAND_ROUTES: readonly CommandRoute[] = [
  { command: 'status', routes: ['status'], from: 'daemon' },
  { command: 'validators list', routes: ['validators'], from: 'either' },
  { command: 'keys list', routes: ['keys'], from: 'either' },
  { command: 'keys show', routes: ['keys'], from: 'either' },
  { command: 'keys rotate plan', routes: ['rotation.plan'], from: 'daemon' },
  { command: 'keys rotate generate', routes: ['rotation.generate'], from: 'daemon' },
  { command: 'keys rotate prove', routes: ['rotation.prove'], from: 'daemon' },
  { command: 'keys rotate tx', routes: ['rotation.tx'], from: 'daemon' },
  { command: 'keys rotate arm', routes: ['rotation.arm'], from: 'daemon' },
  { command: 'keys rotate status', routes: ['rotation.status'], from: 'daemon' },
  { command: 'keys rotate verify', routes: ['rotation.verify', 'rotation.status'], from: 'daemon' },
  { command: 'keys rotate finish', routes: ['rotation.finish'], from: 'daemon', isConfirmed: true },
  { command: 'keys rotate abort', routes: ['rotation.abort'], from: 'daemon' },
  {
    command: 'keys rotate run',
    routes: [
      'rotation.status',
      'rotation.plan',
      'rotation.generate',
      'rotation.prove',
      'rotation.tx',
      'rotation.verify',
    ],
    from: 'daemon',
  },
  { command: 'nodes list', routes: ['nodes'], from: 'daemon' },
  { command: 'nodes add', routes: ['nodes.add'], from: 'daemon' },
  { command: 'nodes remove', routes: ['nodes.remove'], from: 'daemon', isConfirmed: true },
  { command: 'freeze', routes: ['validator.freeze'], from: 'daemon' },
  { command: 'unfreeze', routes: ['validator.unfreeze'], from: 'daemon', isConfirmed: true },
  { command: 'ceiling', routes: ['validator.ceiling'], from: 'daemon' },
  { command: 'floor show', routes: ['floor.show'], from: 'either' },
  { command: 'floor raise', routes: ['floor.raise'], from: 'either', isConfirmed: true },
  { command: 'state show', routes: ['state'], from: 'either' },
  { command: 'state export', routes: ['state.export'], from: 'either' },
  { command: 'state export --hand-over', routes: ['state.hand-over'], from: 'either' },
  { command: 'state import', routes: ['floor.raise'], from: 'either', isConfirmed: true },
  { command: 'why', routes: ['validator.why'], from: 'daemon' },
  { command: 'doctor', routes: ['doctor'], from: 'either' },
  { command: 'audit verify', routes: ['audit.live'], from: 'either' },
  { command: 'audit show', routes: ['audit.show'], from: 'either' },
  { command: 'audit export', routes: ['audit.live'], from: 'either' },
  { command: 'audit checkpoint', routes: ['audit.checkpoint'], from: 'daemon' },
  { command: 'approvals', routes: ['approvals'], from: 'daemon' },
  { command: 'approve', routes: ['approvals.approve'], from: 'daemon' },
  { command: 'reload', routes: ['reload'], from: 'daemon' },
  { command: 'admin token', routes: [], from: 'offline' },
  { command: 'admin certificate', routes: [], from: 'offline' },
  { command: 'admin list', routes: [], from: 'offline' },
  { command: 'admin revoke', routes: [], from: 'offline' },
  { command: 'import', routes: [], from: 'offline' },
];
