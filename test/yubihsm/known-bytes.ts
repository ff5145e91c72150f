/** Values that several tests of the package share. */

/** Bytes from hexadecimal; blanks do not count. */
export function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ''));
}

/** A published example of a signature. */
export interface SignatureVector {
  readonly name: string;
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** RFC 8032, 7.1, TEST 1 to 3: seed, public key, message, signature. */
export const RFC_8032: readonly SignatureVector[] = [
  {
    name: 'TEST 1',
    seed: hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'),
    publicKey: hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'),
    message: hex(''),
    signature: hex(
      `e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
       5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b`,
    ),
  },
  {
    name: 'TEST 2',
    seed: hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'),
    publicKey: hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
    message: hex('72'),
    signature: hex(
      `92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
       085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00`,
    ),
  },
  {
    name: 'TEST 3',
    seed: hex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7'),
    publicKey: hex('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025'),
    message: hex('af82'),
    signature: hex(
      `6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
       18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a`,
    ),
  },
];
