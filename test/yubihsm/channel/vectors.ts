/** The secure channel's vectors, from the fact sheet on the YubiHSM 2 (sections 2.1 to 2.7). */

/** Bytes from hexadecimal. */
export const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

/** UTF-8 bytes. */
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A session opened with the default password and an all-zero host challenge, then used four times. */
export const SYMMETRIC = {
  authKeyId: 1,
  hostChallenge: '0000000000000000',
  cardChallenge: '054d5631c9186f80',
  createSession: '03000a00010000000000000000',
  createSessionReply: '83001100054d5631c9186f803225ed8a3224f2cf',
  authenticateSession: '040011001ce7552e0f7976dbcc2198fd155c335a',
  authenticateSessionReply: '840000',
  encKey: '680543bd3d52b50971b84be23569c13f',
  macKey: '46451cfa3fc80c1ca60c944787f857e2',
  rmacKey: '1f0be34c417e9ef61a59a01047c8925d',
  cardCryptogram: '3225ed8a3224f2cf',
  hostCryptogram: '1ce7552e0f7976db',
  chain: 'cc2198fd155c335a8d4a2ac31baf438c',
  messages: [
    {
      what: 'Echo',
      inner: '01000d48656c6c6f2c20776f726c6421',
      request:
        '050029006a4f327c9a11098f7496215dec5a333098728a62f74dce151b6b5dae82373695ce0cce902bbe34a9',
      innerReply: '81000d48656c6c6f2c20776f726c6421',
      reply:
        '85002900b5f3bac0775f1d902c07ed0871b7ec4f21cd363eb24fcad05551e0605abf370cce795d115e16781d',
    },
    {
      what: 'SignEddsa',
      inner: '6a00040064af82',
      request: '05001900a077badf1b99bcca5db08073663efbdcefdb2b5c3c0c5f57',
      innerReply:
        'ea00406291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
      reply:
        '85005900120aec7039bd7b9cefe84a192237b2a2bdf4124de2e2d055a5a6c09942f2c76862530c046098cd9b02214a5e9ca8db6e134d40f6eee1d7af0eea07d8b7a2ac099366fb1ef2d477c75cc50b7ba432581a6b10f74adbf7ae74',
    },
    {
      what: 'GetPublicKey, object not found',
      inner: '5400020999',
      request: '05001900dff6114cc764652ed4d31ae8362b9efa1164b602eee7ef60',
      innerReply: '7f00010b',
      reply: '85001900ee5d2353859f518425b28e6ae025a5bf48c9c89f36b16626',
    },
    {
      what: 'CloseSession',
      inner: '400000',
      request: '0500190078a8b7ba7f5530bc4e30130f637de270983bfb26155c84ec',
      innerReply: 'c00000',
      reply: '850019000f342eacfe628581988f50edd98069ea441e1a10f364089d',
    },
  ],
} as const;

/** The keys of the default password. */
export const DEFAULT_KEYS = {
  encKey: '090b47dbed595654901dee1cc655e420',
  macKey: '592fd483f759e29909a04c4505d2ce0a',
} as const;

/** An asymmetric session, from private keys that are one byte repeated. */
export const ASYMMETRIC = {
  authKeyId: 0x3f,
  sessionId: 2,
  hostPrivateKey: '1111111111111111111111111111111111111111111111111111111111111111',
  devicePrivateKey: '2222222222222222222222222222222222222222222222222222222222222222',
  hostEphemeralPrivateKey: '3333333333333333333333333333333333333333333333333333333333333333',
  deviceEphemeralPrivateKey: '4444444444444444444444444444444444444444444444444444444444444444',
  hostPublicKey:
    '040217e617f0b6443928278f96999e69a23a4f2c152bdf6d6cdf66e5b80282d4ed194a7debcb97712d2dda3ca85aa8765a56f45fc758599652f2897c65306e5794',
  devicePublicKey:
    '04d65a93977caa3d1b081852ff57a79e465f1660577304baead505dd3a48589cf350185e895372df6221ea3a137557e473fddb6755f05bd507c3c533fce9c91285',
  hostEphemeralKey:
    '0451a7580833898ea1b183cbd7350a4099078c6ef1c1e18e970cd7683035f25e7d0110522712b0b5a7cff081685486984a94e6831edac46e7360fa9d834a7a81a1',
  deviceEphemeralKey:
    '045b36890dacbd7c9a96bb74a1ee28b3d2d75b72e09a20ef25cf8e6fd8a9f0350d0e14bed8d4682a34d83538bdff5b96e89a6666ec0db5745d02fa1210072df75a',
  ephemeralSecret: '5238f9f956812e75918895390fa057a2063aa66d4d5eefbe6ecdcf78342d2922',
  fixedSecret: 'ccfc261f58193c98ca4ad4a53bbac6f0ee29bc4d48438090446908622ca79af6',
  encKey: '62723d56635b654bef8fc8f9e8b737be',
  macKey: 'c6a030e11bfaa5d60ae3e2c39c4592dd',
  rmacKey: '552d33238fd77eeff501b549a9d95523',
  receipt: 'd78fc0716c100ada16bde9f81c8c0018',
  echoHi: '050019027a59646be2165e6d67fec8c3157128075800762474f0ddc4',
} as const;
