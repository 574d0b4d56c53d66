/**
 * OpenAI's audio: transcription and speech. Between edge and bridge both travel as text, so that the tunnel carries them
 * like everything else: a file as base64 inside the request, a transcript that is no JSON as a `carriedAnswer`, speech as
 * events of base64 as it is spoken.
 */
import { z } from 'zod';
import { formatSse } from '../core/sse.ts';
import { errorBody } from './common.ts';

export const audioFile = z.strictObject({
  name: z.string().max(255).default('audio'),
  type: z.string().max(100).default('application/octet-stream'),
  data: z.base64().min(4),
});
export type AudioFile = z.infer<typeof audioFile>;

const textFormats = ['text', 'srt', 'vtt'] as const;

/** A multipart form, whose members are texts, or the same as JSON. */
export const transcriptionRequest = z.looseObject({
  model: z.string().min(1).max(200),
  file: audioFile,
  language: z.string().max(20).optional(),
  prompt: z.string().max(10_000).optional(),
  response_format: z.enum(['json', 'verbose_json', ...textFormats]).default('json'),
  temperature: z.coerce.number().min(0).max(1).optional(),
  stream: z.union([z.literal(false), z.literal('false')]).optional(),
});
export type TranscriptionRequest = z.infer<typeof transcriptionRequest>;

/** Whether a transcript of this format is a text of its own, not JSON. */
export function isTextFormat(format: unknown): boolean {
  return textFormats.some((each) => each === format);
}

export const transcription = z.looseObject({
  text: z.string(),
  usage: z.object({ type: z.literal('duration'), seconds: z.number() }),
});

export const MaxSpeechCharacters = 4_096;

export const speechRequest = z.looseObject({
  model: z.string().min(1).max(200),
  input: z.string().min(1).max(MaxSpeechCharacters),
  voice: z.union([z.string().min(1).max(200), z.looseObject({ id: z.string() })]),
  response_format: z.enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm']).nullish(),
  speed: z.number().min(0.25).max(4).nullish(),
  instructions: z.string().max(MaxSpeechCharacters).nullish(),
  /** `sse`: events as it is spoken; otherwise the whole audio at once. */
  stream_format: z.enum(['audio', 'sse']).nullish(),
});

export const TextMedia = 'text/plain; charset=utf-8';
/** Text alone: nothing that a browser would run. */
export const carriedAnswer = z.object({ media: z.literal(TextMedia), data: z.base64() });
export type CarriedAnswer = z.infer<typeof carriedAnswer>;

const speechMedia: Readonly<Record<string, string>> = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};

/** What speech is, the request says: a node's own word for it is only a reason for doubt. */
export function speechMediaOf({ response_format: format }: z.infer<typeof speechRequest>): string {
  return speechMedia[format ?? 'mp3']!;
}

/** OpenAI's events of speech, without its usage; a failure is an error event, as in every stream. */
export const speechEvent = z.union([
  errorBody,
  z.object({ type: z.literal('speech.audio.delta'), audio: z.base64() }),
  z.object({ type: z.literal('speech.audio.done') }),
]);

/** The event of one piece of audio. */
export function formatSpeech(bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  const audio = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  return formatSse({ data: `{"type":"speech.audio.delta","audio":"${audio}"}` });
}

/** Without it, a stream of speech was cut off. */
export const SpeechDone = formatSse({ data: '{"type":"speech.audio.done"}' });
