import { expect, test } from 'vitest';
import { aesCmac } from 'yubihsm/channel/aes-cmac';
import { hex } from './vectors.ts';

const MESSAGE = hex(
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
);

test.each([
  ['2b7e151628aed2a6abf7158809cf4f3c', 0, 'bb1d6929e95937287fa37d129b756746'],
  ['2b7e151628aed2a6abf7158809cf4f3c', 16, '070a16b46b4d4144f79bdd9dd04a287c'],
  ['2b7e151628aed2a6abf7158809cf4f3c', 40, 'dfa66747de9ae63030ca32611497c827'],
  ['2b7e151628aed2a6abf7158809cf4f3c', 64, '51f0bebf7e3b9d92fc49741779363cfe'],
])('the CMACs of RFC 4493: %s over %i bytes', (key, bytes, cmac) => {
  const message = MESSAGE.slice(0, bytes);
  expect(aesCmac(hex(key), message)).toEqual(hex(cmac));
  expect(message).toEqual(MESSAGE.slice(0, bytes));
});
