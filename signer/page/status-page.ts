/** The status page in one piece, with the policy that lets its own style and script run and nothing else. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What is sent for `/`. */
export interface StatusPage {
  readonly html: string;
  /** Content-Security-Policy. */
  readonly policy: string;
}

/** Reads the page's three files, beside this one. */
export function readStatusPage(): StatusPage {
  const style = read('status-page.css');
  const script = read('status-page.js');
  const html = read('status-page.html')
    .replace('/* style */', () => style)
    .replace('/* script */', () => script);
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${digest(style)}'`,
    `script-src 'sha256-${digest(script)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, policy };
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

function digest(text: string): string {
  return hash('sha256', text, 'base64');
}
