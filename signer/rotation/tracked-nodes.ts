/** The progress of every node of every validator, each tracked once, however often it connects. */
import { TrackedNode, type TrackedNodeDeps } from './tracked-node.ts';

/** Nodes by validator and name. One that is removed and added again is the same node. */
export class TrackedNodes {
  readonly #deps: TrackedNodeDeps;
  readonly #nodes = new Map<string, TrackedNode>();

  constructor(deps: TrackedNodeDeps) {
    this.#deps = deps;
  }

  of(validator: string, node: string): TrackedNode {
    const name = JSON.stringify([validator, node]);
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const tracked = new TrackedNode(this.#deps, { validator, node });
    this.#nodes.set(name, tracked);
    return tracked;
  }
}
