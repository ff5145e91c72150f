/** Who may do what on the admin API: roles, credentials, acts, approvals. Data; the rules are `judge-access.ts`. */

/** `viewer` sees; `operator` acts; `approver` approves what an operator asked, and nothing else but seeing. */
export type Role = 'viewer' | 'operator' | 'approver';

/**
 * Whoever is at the other end. On the Unix socket: `local`, an operator (the file's mode is the
 * lock). Over TCP: the name of a credential in the credentials file, by certificate or token.
 */
export interface Caller {
  /** `[a-z0-9-]{1,32}`. */
  readonly name: string;
  readonly role: Role;
  readonly via: 'socket' | 'certificate' | 'token';
}

/**
 * One credential, a table of `admin-credentials.toml` (mode 0600, path in `signer.toml`). One of the
 * two is there. A token is 32 random bytes, printed once by `signer admin token NAME --role ROLE`;
 * what the file holds is SHA-256 of it, and it is compared in constant time.
 */
export interface Credential {
  readonly name: string;
  readonly role: Role;
  /** Hex. */
  readonly tokenSha256?: string | undefined;
  /** SHA-256 of the client certificate in DER, hex. */
  readonly certificateSha256?: string | undefined;
  /** ISO 8601; compared with the highest time ever seen, so that a clock set back revives nothing. */
  readonly expires?: string | undefined;
}

/** What is about to be done, and who is behind it: in every audit entry. */
export interface Act {
  /** `validator.freeze`, `rotation.finish`: the route's name. */
  readonly name: string;
  readonly by: string;
  /** In two-person mode. */
  readonly approvedBy?: string | undefined;
}

/**
 * A wish that needs a second person. Its hash is SHA-256 over the format's name, the home's id, the
 * act, the validator and the canonical body (keys sorted), each behind its length. Single use, 15
 * minutes, by the highest time ever seen; whoever asked cannot approve.
 */
export interface Approval {
  /** 16 random bytes, hex. */
  readonly id: string;
  readonly act: string;
  readonly validator: string | null;
  /** Hex: what an approver reads out and compares. */
  readonly hash: string;
  /** The body, for the approver to read. */
  readonly body: unknown;
  readonly askedBy: string;
  readonly approvedBy: string | null;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly state: 'asked' | 'approved' | 'used' | 'expired';
}
