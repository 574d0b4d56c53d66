/**
 * Writes a llama model of about 1 MB with random weights, as a GGUF file: a real model for a real engine, that knows
 * nothing. The vocabulary is bytes, ASCII and common English words with a ChatML template; the output head prefers
 * words, avoids bytes and control tokens, and reaches the end of its turn now and then. The same seed gives the same file.
 */
import { writeFileSync } from 'node:fs';

const Embedding = 64;
const Layers = 2;
const Heads = 4;
const FeedForward = 128;
const ContextLength = 8192;

/** GGUF's token types. */
const TokenType = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;
/** GGUF's value types. */
const ValueType = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

const ChatTemplate =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}' +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

const commonWords = (
  'the of and to in is it you that he was for on are with as his they be at one have this from or had by hot but some ' +
  'what there we can out other were all your when up use word how said an each she which do their time if will way about ' +
  'many then them would write like so these her long make thing see him two has look more day could go come did my sound ' +
  'no most number who over know water than call first people may down side been now find any new work part take get place'
).split(' ');

export type TinyGgufOptions = {
  readonly seed?: number;
  /** How much the end of the turn is preferred; negative makes answers run to their limit. */
  readonly endBias?: number;
};

export function writeTinyGguf(path: string, options: TinyGgufOptions = {}): void {
  const vocabulary = makeVocabulary();
  const bytes = new GgufWriter();
  const tensors = makeTensors(vocabulary, makeGauss(options.seed ?? 42), options.endBias ?? 0.15);
  bytes.header(tensors.length, makeMetadata(vocabulary));
  bytes.tensors(tensors);
  writeFileSync(path, bytes.finish());
}

type Vocabulary = {
  readonly tokens: string[];
  readonly scores: number[];
  readonly types: number[];
  /** The place of the first token that is neither a byte nor a control token. */
  readonly firstNormal: number;
  readonly words: ReadonlySet<number>;
  readonly end: number;
};

/** Every beginning of a word is a token too, because the tokenizer builds longer tokens by merging shorter ones. */
function makeVocabulary(): Vocabulary {
  const tokens: string[] = [];
  const scores: number[] = [];
  const types: number[] = [];
  const places = new Map<string, number>();
  const add = (token: string, score: number, type: number): number => {
    const known = places.get(token);
    if (known !== undefined) return known;
    places.set(token, tokens.length);
    tokens.push(token);
    scores.push(score);
    types.push(type);
    return tokens.length - 1;
  };
  add('<unk>', 0, TokenType.unknown);
  add('<s>', 0, TokenType.control);
  add('</s>', 0, TokenType.control);
  for (let byte = 0; byte < 256; byte++) {
    add(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, 0, TokenType.byte);
  }
  add('<|im_start|>', 0, TokenType.control);
  const end = add('<|im_end|>', 0, TokenType.control);
  const firstNormal = tokens.length;
  add('\u2581', -1, TokenType.normal);
  for (let code = 33; code < 127; code++) add(String.fromCharCode(code), -2, TokenType.normal);
  add('\n', -2, TokenType.normal);
  const words = new Set<number>();
  for (const word of commonWords) {
    for (let length = 2; length <= word.length; length++) {
      add(word.slice(0, length), -5 - 1 / length, TokenType.normal);
      add(`\u2581${word.slice(0, length - 1)}`, -4 - 1 / length, TokenType.normal);
    }
    words.add(add(`\u2581${word}`, -3, TokenType.normal));
  }
  return { tokens, scores, types, firstNormal, words, end };
}

type Tensor = { readonly name: string; readonly dimensions: readonly number[]; readonly values: Float32Array };

/** The first number of every embedding is the same, and the blocks never write it: through it the head has a bias. */
function makeTensors(vocabulary: Vocabulary, gauss: () => number, endBias: number): Tensor[] {
  const size = vocabulary.tokens.length;
  const tensor = (name: string, dimensions: readonly number[], value: (place: number) => number): Tensor => {
    const count = dimensions.reduce((product, each) => product * each, 1);
    return { name, dimensions, values: Float32Array.from({ length: count }, (_, place) => value(place)) };
  };
  const square = [Embedding, Embedding];
  const normalised = (name: string) => tensor(name, [Embedding], () => 1);
  const spread = (scale: number) => () => gauss() * scale;
  const tensors = [
    tensor('token_embd.weight', [Embedding, size], (place) => (place % Embedding === 0 ? 6 : gauss() * 0.7)),
  ];
  for (let layer = 0; layer < Layers; layer++) {
    const block = `blk.${layer}.`;
    tensors.push(
      normalised(`${block}attn_norm.weight`),
      tensor(`${block}attn_q.weight`, square, spread(0.15)),
      tensor(`${block}attn_k.weight`, square, spread(0.15)),
      tensor(`${block}attn_v.weight`, square, spread(0.15)),
      tensor(`${block}attn_output.weight`, square, (place) => (place < Embedding ? 0 : gauss() * 0.15)),
      normalised(`${block}ffn_norm.weight`),
      tensor(`${block}ffn_gate.weight`, [Embedding, FeedForward], spread(0.15)),
      tensor(`${block}ffn_up.weight`, [Embedding, FeedForward], spread(0.15)),
      tensor(`${block}ffn_down.weight`, [FeedForward, Embedding], (place) => (place < FeedForward ? 0 : gauss() * 0.1)),
    );
  }
  const bias = (token: number): number => {
    if (token === vocabulary.end) return endBias;
    if (token < vocabulary.firstNormal) return -8;
    return vocabulary.words.has(token) ? 0.35 : -0.35;
  };
  tensors.push(
    normalised('output_norm.weight'),
    tensor('output.weight', [Embedding, size], (place) =>
      place % Embedding === 0 ? bias(Math.floor(place / Embedding)) : gauss() * 0.25,
    ),
  );
  return tensors;
}

type Metadata = readonly (readonly [key: string, write: (to: GgufWriter) => void])[];

function makeMetadata(vocabulary: Vocabulary): Metadata {
  const text = (value: string) => (to: GgufWriter) => to.uint32(ValueType.string).string(value);
  const count = (value: number) => (to: GgufWriter) => to.uint32(ValueType.uint32).uint32(value);
  const flag = (value: boolean) => (to: GgufWriter) => to.uint32(ValueType.bool).bytes(Buffer.from([value ? 1 : 0]));
  const real = (value: number) => (to: GgufWriter) => to.uint32(ValueType.float32).float32(value);
  const list =
    <T>(type: number, values: readonly T[], write: (to: GgufWriter, value: T) => void) =>
    (to: GgufWriter) => {
      to.uint32(ValueType.array).uint32(type).uint64(values.length);
      for (const value of values) write(to, value);
    };
  return [
    ['general.architecture', text('llama')],
    ['general.name', text('tiny-random')],
    ['general.license', text('CC0-1.0')],
    ['general.file_type', count(0)],
    ['llama.context_length', count(ContextLength)],
    ['llama.embedding_length', count(Embedding)],
    ['llama.block_count', count(Layers)],
    ['llama.feed_forward_length', count(FeedForward)],
    ['llama.attention.head_count', count(Heads)],
    ['llama.attention.head_count_kv', count(Heads)],
    ['llama.attention.layer_norm_rms_epsilon', real(1e-5)],
    ['llama.rope.dimension_count', count(Embedding / Heads)],
    ['llama.vocab_size', count(vocabulary.tokens.length)],
    ['tokenizer.ggml.model', text('llama')],
    ['tokenizer.ggml.tokens', list(ValueType.string, vocabulary.tokens, (to, value) => to.string(value))],
    ['tokenizer.ggml.scores', list(ValueType.float32, vocabulary.scores, (to, value) => to.float32(value))],
    ['tokenizer.ggml.token_type', list(ValueType.int32, vocabulary.types, (to, value) => to.uint32(value))],
    ['tokenizer.ggml.bos_token_id', count(1)],
    ['tokenizer.ggml.eos_token_id', count(vocabulary.end)],
    ['tokenizer.ggml.unknown_token_id', count(0)],
    ['tokenizer.ggml.add_bos_token', flag(true)],
    ['tokenizer.ggml.add_space_prefix', flag(false)],
    ['tokenizer.chat_template', text(ChatTemplate)],
  ];
}

/** GGUF version 3: little-endian, tensors aligned to 32 bytes. */
class GgufWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  bytes(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }

  uint32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    return this.bytes(part);
  }

  uint64(value: number): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt(value));
    return this.bytes(part);
  }

  float32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeFloatLE(value);
    return this.bytes(part);
  }

  string(value: string): this {
    const part = Buffer.from(value);
    return this.uint64(part.length).bytes(part);
  }

  header(tensorCount: number, metadata: Metadata): void {
    this.bytes(Buffer.from('GGUF')).uint32(3).uint64(tensorCount).uint64(metadata.length);
    for (const [key, write] of metadata) write(this.string(key));
  }

  tensors(tensors: readonly Tensor[]): void {
    let offset = 0;
    for (const { name, dimensions, values } of tensors) {
      this.string(name).uint32(dimensions.length);
      for (const each of dimensions) this.uint64(each);
      this.uint32(0).uint64(offset);
      offset += Math.ceil(values.byteLength / 32) * 32;
    }
    this.#align();
    for (const { values } of tensors) {
      this.bytes(new Uint8Array(values.buffer));
      this.#align();
    }
  }

  #align(): void {
    const over = this.#length % 32;
    if (over > 0) this.bytes(Buffer.alloc(32 - over));
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Normally distributed numbers (Box-Muller) from a 32-bit generator (mulberry32). */
function makeGauss(seed: number): () => number {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
}
