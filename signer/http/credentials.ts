/** The credentials in use: the file as it is now, and who a token or a certificate belongs to. */
import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { bytesFromHex, utf8Bytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { Caller, Credential } from './access.ts';
import { parseTime, readCredentials } from './credentials-file.ts';

/** A change of the file counts after this long. */
const LOOK_MS = 1_000;

/** Collaborators of {@link Credentials}. */
export interface CredentialsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The highest time ever seen: a clock that was set back revives nothing. */
  readonly newestTimeMs: () => number;
}

/**
 * Whoever is in the file. It is read anew when it changed, looked at once a second at the most; a
 * file that cannot be read lets nobody in, since what it was to take away is not known.
 */
export class Credentials {
  readonly #deps: CredentialsDeps;
  readonly #path: string;
  #known: readonly Credential[];
  #version: string;
  #lookedAtMs: number;

  /** @throws what {@link readCredentials} throws. */
  constructor(deps: CredentialsDeps, path: string) {
    this.#deps = deps;
    this.#path = path;
    this.#version = versionOf(path);
    this.#lookedAtMs = deps.clock.monotonicMs();
    this.#known = readCredentials(path);
  }

  /** Whether anybody could come by a token. */
  get hasTokens(): boolean {
    return this.#known.some(({ tokenSha256 }) => tokenSha256 !== undefined);
  }

  /** Who has this token; it takes as long for a wrong one. */
  byToken(token: string): Caller | undefined {
    const hash = createHash('sha256').update(utf8Bytes(token)).digest();
    let found: Credential | undefined;
    for (const credential of this.#current()) {
      const { tokenSha256 } = credential;
      if (tokenSha256 === undefined) continue;
      if (timingSafeEqual(hash, bytesFromHex(tokenSha256))) found = credential;
    }
    return this.#caller(found, 'token');
  }

  /** Who has this client certificate, whose chain the handshake has verified by this machine's clock. */
  byCertificate(certificate: Pick<X509Certificate, 'raw' | 'validTo'>): Caller | undefined {
    // By the highest time ever seen it may have ended all the same.
    if (this.#deps.newestTimeMs() > Date.parse(certificate.validTo)) return undefined;
    const hash = createHash('sha256').update(certificate.raw).digest('hex');
    const found = this.#current().find(({ certificateSha256 }) => certificateSha256 === hash);
    return this.#caller(found, 'certificate');
  }

  #caller(credential: Credential | undefined, via: Caller['via']): Caller | undefined {
    if (credential === undefined) return undefined;
    const { name, role, expires } = credential;
    if (expires !== undefined && this.#deps.newestTimeMs() >= parseTime(expires)) return undefined;
    return { name, role, via };
  }

  #current(): readonly Credential[] {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#lookedAtMs < LOOK_MS) return this.#known;
    this.#lookedAtMs = nowMs;
    const version = versionOf(this.#path);
    if (version === this.#version) return this.#known;
    this.#version = version;
    try {
      this.#known = readCredentials(this.#path);
      this.#deps.logger.info({ credentials: this.#known.length }, 'the credentials were read anew');
    } catch (err) {
      this.#known = [];
      this.#deps.logger.error(
        { code: errorCode(err), err },
        'the credentials cannot be read: nobody gets in by them',
      );
    }
    return this.#known;
  }
}

/** Another text whenever the file is another one. */
function versionOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stats === undefined
    ? 'none'
    : [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join('/');
}
