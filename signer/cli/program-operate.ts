/** Acts on a running signer: their flags and help. */
import type { Command } from 'commander';
import { parseHeight } from '../home/height.ts';
import type { CliContext } from './context.ts';
import { group, HEIGHT_TEXT, onHome } from './home-command.ts';
import { withApproval, withConfirm, withValidator } from './validator-command.ts';

/** `signer nodes`, `freeze`, `unfreeze`, `ceiling`, `floor`, `reload`, `approvals`, `approve`. */
export function addOperate(program: Command, context: CliContext): void {
  addNodes(program, context);
  addFreeze(program, context);
  addCeiling(program, context);
  addFloor(program, context);
  onHome(
    program,
    'reload',
    'read signer.toml anew: nodes and log level; a bad file changes nothing',
  )
    .addHelpText('after', '\nSIGHUP to the signer does the same.')
    .action(async (flags) => (await import('./controls.ts')).runReload(context, flags));
  addApprovals(program, context);
}

function addNodes(program: Command, context: CliContext): void {
  const nodes = group(program, 'nodes', 'nodes that are served, their RPCs, witnesses');
  nodes.addHelpText(
    'after',
    `
Examples:
  signer nodes add tcp://10.0.0.7:26659 --rpc http://10.0.0.7:26657 --home ~/signer
  signer nodes add --rpc https://rpc.example.org --home ~/signer     (a witness)
  signer nodes remove tcp://10.0.0.7:26659 --home ~/signer --confirm my-chain`,
  );
  withApproval(
    withValidator(
      onHome(nodes, 'add [addr]', 'serve one node more; without ADDR: a witness').option(
        '--rpc <url>',
        "the node's RPC, http://host:port",
      ),
    ),
  ).action(async (addr, flags) => (await import('./nodes.ts')).runNodesAdd(context, addr, flags));
  withValidator(onHome(nodes, 'list', 'list nodes and witnesses')).action(async (flags) =>
    (await import('./nodes.ts')).runNodesList(context, flags),
  );
  withApproval(
    withConfirm(withValidator(onHome(nodes, 'remove <addr>', 'serve a node no longer'))),
  ).action(async (addr, flags) =>
    (await import('./nodes.ts')).runNodesRemove(context, addr, flags),
  );
}

function addFreeze(program: Command, context: CliContext): void {
  withValidator(
    onHome(program, 'freeze', 'sign nothing any more, until unfreeze; durable').option(
      '--reason <text>',
      'for those who find it frozen',
    ),
  )
    .addHelpText(
      'after',
      `
When it returns no signature leaves any more, not even one that was in a device.

Examples:
  signer freeze --home ~/signer --reason "moving to another machine"`,
    )
    .action(async (flags) => (await import('./controls.ts')).runFreeze(context, flags));
  withApproval(withConfirm(withValidator(onHome(program, 'unfreeze', 'sign again')))).action(
    async (flags) => (await import('./controls.ts')).runUnfreeze(context, flags),
  );
}

function addCeiling(program: Command, context: CliContext): void {
  const ceiling = group(program, 'ceiling', 'a height above which nothing is signed; not a floor');
  withValidator(onHome(ceiling, 'set <height>', 'refuse everything above this height')).action(
    async (height: string, flags) =>
      (await import('./controls.ts')).runCeiling(context, parseHeight(height), flags),
  );
  withValidator(onHome(ceiling, 'clear', 'take the ceiling away')).action(async (flags) =>
    (await import('./controls.ts')).runCeiling(context, undefined, flags),
  );
}

function addFloor(program: Command, context: CliContext): void {
  const floor = group(program, 'floor', 'what was signed last, and is never signed again');
  withApproval(
    withConfirm(
      withValidator(
        onHome(floor, 'raise [height]', 'raise it; lowering does not exist')
          .option('--floor-height <n>', HEIGHT_TEXT, parseHeight)
          .option('--height <n>', 'the same', parseHeight)
          .option('--state-file <file>', 'to what this priv_validator_state.json says'),
      ),
    ),
  )
    .addHelpText(
      'after',
      `
Examples:
  signer floor raise 1200000 --home ~/signer --confirm my-chain`,
    )
    .action(async (height: string | undefined, flags) => {
      const wanted = height === undefined ? flags.height : parseHeight(height);
      return (await import('./controls.ts')).runFloorRaise(context, wanted, flags);
    });
}

function addApprovals(program: Command, context: CliContext): void {
  onHome(program, 'approvals', 'two-person mode: what waits for a second person').action(
    async (flags) => (await import('./approvals.ts')).runApprovals(context, flags),
  );
  onHome(program, 'approve <id>', 'two-person mode: approve what another one asked')
    .option('--hash <hex>', 'what you have compared; another one is refused')
    .option('--token-file <file>', 'your token: an approver is never the one who asked')
    .action(async (id, flags) => (await import('./approvals.ts')).runApprove(context, id, flags));
}
