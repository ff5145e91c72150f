/** `signer status`. */
import { resolve } from 'node:path';
import { checkHome } from '../home/check-home.ts';
import { homePaths } from '../home/home-paths.ts';
import { AdminClient } from '../http/admin-client.ts';
import type { ProviderHealthJson } from '../http/provider-health-json.ts';
import type { ValidatorStatusJson } from '../http/status-json.ts';
import { type CliContext, type HomeFlags, printJson } from './context.ts';

/** Asks the running signer what it does. */
export async function runStatus(context: CliContext, flags: HomeFlags): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  const client = new AdminClient(context, { socketPath: homePaths(home).adminSocket });
  const status = await client.status();
  if (flags.json === true) {
    printJson(context, status);
    return;
  }
  context.print(
    `signer ${status.version}, process ${status.pid}, serving since ${status.startedAt}`,
  );
  for (const validator of status.validators) context.print(validatorText(validator));
}

function validatorText(validator: ValidatorStatusJson): string {
  const { name, chainId, floor, fault, providers, nodes, grpc } = validator;
  const lines = [
    `\n${name} on ${chainId}: ${fault === null ? 'in service' : `OUT OF SERVICE: ${fault.text} (${fault.code})`}`,
    `  floor  height ${floor.height} round ${floor.round} step ${floor.step}`,
  ];
  for (const provider of providers) {
    lines.push(`  key    ${provider.name}: ${providerText(provider, providers.length > 1)}`);
  }
  for (const { address, state, dialect, requests, lastError } of nodes) {
    const error = lastError === undefined ? '' : `; last fault: ${lastError.text}`;
    lines.push(`  node   ${address}: ${state}, ${dialect}, ${requests} requests${error}`);
  }
  if (grpc !== null) {
    lines.push(`  gRPC   ${grpc.listen}: ${grpc.state}, ${grpc.requests} requests`);
  }
  return lines.join('\n');
}

/** With the time since when, which tells a hiccup from an outage. */
function providerText(
  { state, isActive, fault, since }: ProviderHealthJson,
  hasOther: boolean,
): string {
  const role = hasOther ? (isActive ? ', signs' : ', stands by') : '';
  const reason = fault === null ? '' : `: ${fault.text} (${fault.code})`;
  return `${state.replaceAll('-', ' ')} since ${since}${role}${reason}`;
}
