/** How nodes and places of keys are called where strangers may look: no paths, no ids, no credentials. */

/** `host:port` of a node; the last part of a socket's path as `unix:NAME`. */
export function shownNode(address: string): string {
  const scheme = /^[a-z]+:\/\//.exec(address)?.[0] ?? '';
  const rest = address.slice(scheme.length);
  if (scheme === 'unix://') return `unix:${rest.slice(rest.lastIndexOf('/') + 1)}`;
  return rest.slice(rest.lastIndexOf('@') + 1);
}

/** {@link shownNode} of each; one that is there twice has its number behind it. */
export function shownNodes(addresses: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return addresses.map((address) => {
    const name = shownNode(address);
    let unique = name;
    for (let number = 2; taken.has(unique); number++) unique = `${name}#${number}`;
    taken.add(unique);
    return unique;
  });
}

/** A provider's name without the words of it that are paths: `file`, `yubihsm 0007550140 key 0x0064`. */
export function shownProvider(name: string): string {
  const [kind = '', ...words] = name.split(' ');
  if (kind === 'file') return kind;
  return [kind, ...words.filter((word) => !/[/\\]/.test(word))].join(' ');
}
