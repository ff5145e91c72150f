/** What can be wrong with nodes that come and go, and with a reload. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** This node, or RPC, is there already or is not there. */
export class NodeNotChangedError extends CodedError {
  override readonly name = 'NodeNotChangedError';
  readonly code: 'ERR_NODE_EXISTS' | 'ERR_NODE_UNKNOWN' | 'ERR_LAST_NODE';

  constructor(code: 'ERR_NODE_EXISTS' | 'ERR_NODE_UNKNOWN' | 'ERR_LAST_NODE', text: string) {
    super(text);
    this.code = code;
  }
}

/** `signer.toml` is written in a way that is not edited by a program. */
export class ConfigNotEditableError extends CodedError {
  override readonly name = 'ConfigNotEditableError';
  readonly code = 'ERR_CONFIG_NOT_EDITABLE';

  constructor(validator: string) {
    super(
      `what signer.toml says of ${validator} is written in a way that only a person can change: edit the file, then signer reload`,
    );
  }
}

/** A file that was changed says something that a running signer does not take from it. */
export class ReloadRefusedError extends CodedError {
  override readonly name = 'ReloadRefusedError';
  readonly code = 'ERR_RELOAD_REFUSED';

  constructor(reason: string) {
    super(`${reason}; nothing was changed`);
  }
}
