/**
 * SHA-256 (FIPS 180-4), at once and in hexadecimal digits, for the many short texts of chains and trees. In Node the hash
 * is native. In the Workers runtime one call of a native hash costs as much as a kilobyte of rounds in JavaScript.
 */
import { hash } from 'node:crypto';
import { sha256 as hashBytes } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

const isNative = navigator.userAgent !== 'Cloudflare-Workers';

/** Of the text in UTF-8. */
export const sha256: (text: string) => string = isNative
  ? (text) => hash('sha256', text, 'hex')
  : (text) => bytesToHex(hashBytes(utf8ToBytes(text)));

/** Of the bytes that hexadecimal digits stand for. */
export const sha256OfHex: (digits: string) => string = isNative
  ? (digits) => hash('sha256', Buffer.from(digits, 'hex'), 'hex')
  : (digits) => bytesToHex(hashBytes(hexToBytes(digits)));
