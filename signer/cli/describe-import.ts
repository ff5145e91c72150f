/** What an import is going to do, in JSON and in words. */

import { join } from 'node:path';
import { addressToText, publicKeyToJson } from '@privval/proto/crypto/key-json';
import { addressFromPublicKey } from '@privval/proto/crypto/public-key';
import { floorAtHeight } from '../home/first-floor.ts';
import { homePaths } from '../home/home-paths.ts';
import { describePosition, positionJson } from '../home/home-state.ts';
import type { ForeignState, StateForm } from '../import/foreign-state.ts';
import { FOREIGN_SIGNER_NAMES } from '../import/foreign-validator.ts';
import type { ImportPlan, PlannedValidator } from '../import/plan-import.ts';
import { providerName } from '../keyring/provider-options.ts';
import { providerJson } from './describe-validator.ts';

const FORM_NAMES: Readonly<Record<StateForm, string>> = {
  filepv: 'as FilePV',
  tmkms: 'of tmkms',
  horcrux: 'of horcrux',
};

/** What `import --json` prints about the plan. */
export function importPlanJson(plan: ImportPlan): object {
  const { setup, home, isNewHome, floorHeight, validators } = plan;
  return {
    from: setup.signer,
    source: setup.source,
    home,
    isNewHome,
    ...(floorHeight === undefined ? {} : { floorHeight: String(floorHeight) }),
    validators: validators.map((validator) => validatorJson(plan, validator)),
  };
}

function validatorJson(
  { home }: ImportPlan,
  { request, publicKey, key, states, missing, floor, notes }: PlannedValidator,
): object {
  return {
    validator: request.name,
    chainId: request.chainId,
    publicKey: publicKeyToJson(publicKey),
    address: addressToText(addressFromPublicKey(publicKey)),
    key: key.kind === 'file' ? { kind: 'file', from: key.path } : providerJson(key.place, home),
    states: states.map(stateJson),
    missing,
    floor: positionJson(floor),
    nodes: request.nodes,
    notes,
  };
}

function stateJson({ path, form, position }: ForeignState): object {
  return { file: path, form, ...positionJson(position) };
}

/** The same for people. */
export function importPlanText(plan: ImportPlan): string {
  const { setup, home, isNewHome } = plan;
  return [
    `from        ${FOREIGN_SIGNER_NAMES[setup.signer]}: ${setup.source}`,
    `into        ${isNewHome ? 'a new home' : 'the home'}: ${home}`,
    ...plan.validators.flatMap((validator) => ['', ...validatorLines(plan, validator)]),
    '',
  ].join('\n');
}

function validatorLines(plan: ImportPlan, planned: PlannedValidator): readonly string[] {
  const { request, publicKey, states, missing, floor, notes } = planned;
  return [
    `validator   ${request.name} on chain ${request.chainId}`,
    `key         ${keyText(plan, planned)}`,
    `public key  ${JSON.stringify(publicKeyToJson(publicKey))}`,
    `address     ${addressToText(addressFromPublicKey(publicKey))}`,
    ...signedLines(plan, states, missing),
    `floor       ${describePosition(positionJson(floor))}: nothing up to there is signed any more`,
    ...request.nodes.map((node) => `node        ${node}`),
    ...notes.map((note) => `note        ${note}`),
  ];
}

function keyText({ home }: ImportPlan, { key, request }: PlannedValidator): string {
  if (key.kind === 'device') return `${providerName(key.place)}: it stays there`;
  const to = join(homePaths(home).keys, `${request.name}.json`);
  const how =
    request.passphraseFile === undefined
      ? 'not encrypted; --passphrase-file FILE would'
      : 'encrypted';
  return `${key.path}, copied to ${to} (${how})`;
}

function signedLines(
  { floorHeight }: ImportPlan,
  states: readonly ForeignState[],
  missing: readonly string[],
): readonly string[] {
  const found = states.map(
    ({ path, form, position }) =>
      `${describePosition(positionJson(position))} (${path}, ${FORM_NAMES[form]})`,
  );
  const height = floorHeight === undefined ? [] : [floorAtHeight(floorHeight)];
  return [
    ...found,
    ...height.map((floor) => `${describePosition(positionJson(floor))} (--floor-height)`),
    ...missing.map((path) => `no file (${path})`),
  ].map((text) => `signed      ${text}`);
}
