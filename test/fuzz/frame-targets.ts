/**
 * Runs of sealed frames, rightly sealed and then edited on the wire, cut anywhere. What comes before
 * the first edit is read; nothing from there on is.
 */
import { SealedFrameError } from '@privval/proto/crypto/cipher-state';
import type { Opener, Sealer } from '@privval/proto/crypto/sealed-stream';
import { NoiseOpener, NoiseSealer } from '@privval/proto/noise/frame-sealer';
import { concatBytes, equalBytes } from '@privval/proto/runtime/bytes';
import { FrameOpener, FrameSealer } from '@privval/proto/secret-connection/frame-sealer';
import { edited, startsWith } from './edit-script.ts';
import { type FuzzTarget, isCodedRefusal, owed } from './fuzz-target.ts';

const KEY = new Uint8Array(32).fill(4);

/** Writes of equal length, of at most 1,024 bytes: one frame each. */
const FRAMES = 3;

const NOTHING = new Uint8Array(0);

/** SecretConnection's frames. */
export const secretFramesTarget: FuzzTarget = {
  name: 'secret-frames',
  share: 0.2,
  run(bytes) {
    checkFrames(bytes, new FrameSealer(KEY.slice()), new FrameOpener(KEY.slice()));
  },
  allowed: isCodedRefusal,
};

/** Noise's frames, whose length is in the clear and is edited too. */
export const noiseFramesTarget: FuzzTarget = {
  name: 'noise-frames',
  share: 0.5,
  run(bytes) {
    checkFrames(bytes, new NoiseSealer(KEY.slice()), new NoiseOpener(KEY.slice()));
  },
  allowed: isCodedRefusal,
};

/** Of the input the first byte is the cut (single bytes up to all three frames), the second says how many edits follow; the rest is the data. */
function checkFrames(bytes: Uint8Array, sealer: Sealer, opener: Opener): void {
  const [cut = 0, edits = 0] = bytes;
  const dataAt = 2 + 3 * (edits % 4);
  const script = bytes.subarray(2, dataAt);
  const length = Math.min(1024, Math.ceil(Math.max(0, bytes.length - dataAt) / FRAMES));
  const data = Array.from({ length: FRAMES }, (_, i) =>
    bytes.subarray(dataAt + i * length, dataAt + (i + 1) * length),
  );
  const frames = data.map((piece) => sealer.seal(piece).slice());
  const wire = edited(concatBytes(...frames), script);
  let at = 0;
  let intact = 0;
  while (intact < frames.length && startsWith(wire.subarray(at), frames[intact] ?? NOTHING)) {
    at += frames[intact]?.length ?? 0;
    intact += 1;
  }
  const { opened, failure } = openAll(opener, wire, 1 + ((cut * cut) >>> 4));
  owed(equalBytes(opened, concatBytes(...data.slice(0, intact))), 'what is whole is read, no more');
  owed(intact < frames.length || at < wire.length || failure === undefined, 'good frames are good');
  // Refused frames count as accepted inputs: edited further, they are the ones of interest.
  owed(
    failure !== undefined || opener.insideFrame === at < wire.length,
    'a cut frame is no clean end',
  );
}

/** All that can be opened, and why no more. */
function openAll(
  opener: Opener,
  wire: Uint8Array,
  size: number,
): { opened: Uint8Array; failure: unknown } {
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < wire.length; offset += size) {
    try {
      const part = opener.open(wire.slice(offset, offset + size));
      if (part !== undefined) parts.push(part);
    } catch (error) {
      owed(error === opener.failure, 'the opener tells what it threw');
      owed(error instanceof SealedFrameError, 'no other error than its own');
      break;
    }
  }
  return { opened: concatBytes(...parts), failure: opener.failure };
}
