/**
 * SHA-256 (FIPS 180-4), at once and in hexadecimal digits, for the many short texts of chains and trees. In Node the hash
 * is native. In the Workers runtime one call of a native hash costs as much as a kilobyte of rounds, so they run here.
 */
import { hash } from 'node:crypto';

const isNative = navigator.userAgent !== 'Cloudflare-Workers';
const BlockBytes = 64;
const LengthBytes = 8;
const [Zero, Nine, LetterA] = [0x30, 0x39, 0x61] as const;

/** Of the text in UTF-8. */
export const sha256: (text: string) => string = isNative ? (text) => hash('sha256', text, 'hex') : computeSha256;

/** Of the bytes that hexadecimal digits stand for. */
export const sha256OfHex: (digits: string) => string = isNative
  ? (digits) => hash('sha256', Buffer.from(digits, 'hex'), 'hex')
  : computeSha256OfHex;

const primes = [2];
for (let number = 3; primes.length < 64; number += 2) {
  if (primes.every((prime) => number % prime !== 0)) primes.push(number);
}
/** The first 32 bits of the fractional parts of the primes' cube roots, and of the square roots of the first eight. */
const roundConstants = Int32Array.from(primes, (prime) => (Math.cbrt(prime) % 1) * 2 ** 32);
const initialState = Int32Array.from(primes.slice(0, 8), (prime) => (Math.sqrt(prime) % 1) * 2 ** 32);

const byteDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const encoder = new TextEncoder();
const state = new Int32Array(8);
const schedule = new Int32Array(64);
let message = new Uint8Array(4096);
let view = new DataView(message.buffer);

export function computeSha256(text: string): string {
  makeRoom(3 * text.length);
  return digest(encoder.encodeInto(text, message).written);
}

export function computeSha256OfHex(digits: string): string {
  const length = digits.length / 2;
  makeRoom(length);
  for (let at = 0; at < length; at++) {
    message[at] = (toNibble(digits.charCodeAt(2 * at)) << 4) | toNibble(digits.charCodeAt(2 * at + 1));
  }
  return digest(length);
}

function toNibble(digit: number): number {
  return digit <= Nine ? digit - Zero : digit - LetterA + 10;
}

function makeRoom(bytes: number): void {
  const most = bytes + LengthBytes + 2 * BlockBytes;
  if (message.length >= most) return;
  message = new Uint8Array(2 * most);
  view = new DataView(message.buffer);
}

/** Of the first bytes of `message`. */
function digest(length: number): string {
  const end = Math.ceil((length + 1 + LengthBytes) / BlockBytes) * BlockBytes;
  message.fill(0, length, end);
  message[length] = 0x80;
  view.setUint32(end - 8, Math.floor(length / 2 ** 29));
  view.setUint32(end - 4, length << 3);
  state.set(initialState);
  for (let at = 0; at < end; at += BlockBytes) mixBlock(at);
  let digits = '';
  for (let at = 0; at < 32; at++) digits += byteDigits[(state[at >>> 2]! >>> (24 - 8 * (at & 3))) & 0xff]!;
  return digits;
}

function mixBlock(at: number): void {
  for (let t = 0; t < 16; t++) schedule[t] = view.getInt32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const near = schedule[t - 2]!;
    const far = schedule[t - 15]!;
    const low = rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3);
    const high = rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10);
    schedule[t] = low + schedule[t - 7]! + high + schedule[t - 16]!;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let t = 0; t < 64; t++) {
    const turned = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + turned + ((e & f) ^ (~e & g)) + roundConstants[t]! + schedule[t]!) | 0;
    const second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
